/**
 * The life of one request, or of every request of one row, in the order in which it happened: what reached the gateway,
 * what each policy was asked about it and answered, what was done. Observers that only listen are left out, and so are
 * equal questions that followed each other (a queue that is asked again and again), which are counted.
 */
import type { RequestRecord } from '../../results/record.ts';
import type { ResolvedScenario } from '../resolve.ts';
import type { Runner, TapEntry } from '../run-types.ts';
import type { Decision } from './decision-log.ts';
import { entryInWords } from './entry-words.ts';

export type Subject = { readonly request: number } | { readonly row: number };

export interface StoryLine {
  readonly at: number;
  readonly text: string;
  /** Times it happened in a row. */
  readonly times: number;
}

export interface Story {
  readonly lines: readonly StoryLine[];
  /** Of its requests, in order of their ends. */
  readonly records: readonly RequestRecord[];
}

/** Methods that tell a policy something and answer nothing worth telling. */
const SILENT = new Set([
  'discovered',
  'configured',
  'reported',
  'statusChanged',
  'reportsEnded',
  'granted',
  'firstToken',
]);

/** Undefined: the run has no such request or row. */
export async function tellStory(run: Runner, world: ResolvedScenario, subject: Subject): Promise<Story | undefined> {
  const records: RequestRecord[] = [];
  const requests = new Set<number>();
  if ('request' in subject) requests.add(subject.request);
  await run(world, {
    onRecord: (record) => {
      if ('row' in subject ? record.row !== subject.row : record.id !== subject.request) return;
      records.push({ ...record });
      requests.add(record.id);
    },
  });
  const heard: (TapEntry | Decision)[] = [];
  await run(world, {
    tap: {
      from: 0,
      to: Infinity,
      record: (entry) => {
        const ofRow = 'row' in subject && entry.kind === 'effect.row' && entry.first === subject.row;
        if (ofRow || requests.has(entry.request)) heard.push(entry);
      },
    },
    decisions: {
      wants: () => true,
      decided: (decision) => {
        if (SILENT.has(decision.method) || decision.answered === 'undefined') return;
        if (decision.requests.some((id) => requests.has(id))) heard.push(decision);
      },
    },
  });
  return heard.length === 0 ? undefined : { lines: counted(heard.map(lineOf)), records };
}

function lineOf(heard: TapEntry | Decision): StoryLine {
  if ('kind' in heard) return { at: heard.at, text: entryInWords(heard), times: 1 };
  return { at: heard.at, text: decisionInWords(heard), times: 1 };
}

/** `router power-of-two: pick(request 17, [worker 0 (…)]) → 1`. */
export function decisionInWords({ role, policy, method, asked, answered }: Decision): string {
  return `${role} ${policy}: ${method}(${asked.join(', ')}) → ${answered}`;
}

function counted(lines: readonly StoryLine[]): StoryLine[] {
  const told: StoryLine[] = [];
  for (const line of lines) {
    const last = told.at(-1);
    if (last !== undefined && last.text === line.text && last.at === line.at) {
      told[told.length - 1] = { ...last, times: last.times + 1 };
    } else told.push(line);
  }
  return told;
}

/**
 * The life of one request, or of one row with its tasks and their requests, in the order in which it happened: what
 * reached a core, what each policy was asked about it and answered, what was done. Observers that only listen are left
 * out, and equal questions that followed each other (a queue that is asked again and again) are counted.
 */
import type { RequestRecord } from '../../results/record.ts';
import type { ResolvedScenario } from '../resolve.ts';
import type { RunOptions, Runner } from '../run-types.ts';
import type { Decision } from './decision-log.ts';
import { entryInWords } from './entry-words.ts';
import { dropInWords, stepInWords } from './task-words.ts';

type Tap = NonNullable<RunOptions['tap']>;
type Say = (at: number, text: string | undefined) => void;

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
  const { records, requests, tasks } = await foundOf(run, world, subject);
  const lines: StoryLine[] = [];
  const say: Say = (at, text) => {
    // A question without an instant is asked at that of what was heard before.
    if (text !== undefined) lines.push({ at: Number.isNaN(at) ? (lines.at(-1)?.at ?? 0) : at, text, times: 1 });
  };
  await run(world, {
    tap: {
      from: 0,
      to: Infinity,
      record: (entry) => {
        const ofRow = 'row' in subject && entry.kind === 'effect.row' && entry.first === subject.row;
        if (ofRow || requests.has(entry.request)) say(entry.at, entryInWords(entry));
      },
      ...('row' in subject ? rowListeners(subject.row, say) : {}),
    },
    decisions: {
      wants: () => true,
      decided: (decision) => {
        if (SILENT.has(decision.method) || decision.answered === 'undefined') return;
        const isOurs = decision.requests.some((id) => requests.has(id)) || decision.tasks.some((id) => tasks.has(id));
        if (isOurs) say(decision.at, decisionInWords(decision));
      },
    },
  });
  return lines.length === 0 ? undefined : { lines: counted(lines), records };
}

/** Requests and tasks of the subject: the run is made once to find them. */
async function foundOf(run: Runner, world: ResolvedScenario, subject: Subject) {
  const records: RequestRecord[] = [];
  const requests = new Set<number>('request' in subject ? [subject.request] : []);
  const tasks = new Set<number>();
  await run(world, {
    onRecord: (record) => {
      if ('row' in subject ? record.row !== subject.row : record.id !== subject.request) return;
      records.push({ ...record });
      requests.add(record.id);
    },
    tap: {
      from: 0,
      to: 0,
      record: () => undefined,
      taskStep: (step) => {
        if ('row' in subject && isOfRow(step, subject.row)) tasks.add(step.task);
      },
    },
  });
  return { records, requests, tasks };
}

function rowListeners(row: number, say: Say): Pick<Tap, 'taskStep' | 'rowDropped'> {
  return {
    taskStep: (step) => {
      if (isOfRow(step, row)) say(step.at, stepInWords(step));
    },
    rowDropped: (...drop) => {
      if (drop[1] === row) say(drop[0], dropInWords(drop));
    },
  };
}

function isOfRow(step: { readonly row: number; readonly rows: number }, row: number): boolean {
  return row >= step.row && row < step.row + step.rows;
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

/**
 * A campaign: drawn scenarios by the hundred, until one fails or enough have passed. Runs are handed out in batches
 * of a fixed size and their reports are put together in order, so that what comes out does not depend on how many
 * threads there are. The first batch with a failure ends the campaign, unless it is to go on; each failure of its own
 * kind (`signature`) is then shrunk and traced to the policies that it needs.
 */
import type { FuzzBench } from './bench.ts';
import { type Culprit, culpritsOf } from './culprits.ts';
import type { Failure } from './failure.ts';
import type { FoundFailure, RangeReport } from './fuzz-job.ts';
import { type FuzzPool, joined } from './fuzz-pool.ts';
import { type MarkName, MARKS } from './marks.ts';
import { reduce } from './reduce.ts';
import { shrink, type Shrunk } from './shrink.ts';

export interface CampaignOptions {
  readonly pool: FuzzPool;
  readonly bench: FuzzBench;
  /** At most; Infinity: until it is told to stop. */
  readonly runs: number;
  /** Goes on after a failure, to find others. */
  readonly keepGoing: boolean;
  /** Looked at between batches: time is up. */
  readonly isOver: () => boolean;
  readonly onProgress?: ((runs: number, failures: number, phase: 'run' | 'shrink') => void) | undefined;
}

/** A failure, and the least scenario that shows it. */
export interface Finding {
  /** Of the least scenario. */
  readonly failure: Failure;
  /** The first run of the campaign that failed so. */
  readonly run: number;
  /** Runs that did. */
  readonly times: number;
  /** What that run said, before it was shrunk. */
  readonly original: Failure;
  readonly shrunk: Shrunk;
  /** Policies without which it does not fail. */
  readonly culprits: readonly Culprit[];
}

export interface FuzzReport {
  readonly runs: number;
  readonly events: number;
  readonly findings: readonly Finding[];
  /** Kinds of failure beyond those that were shrunk. */
  readonly unshrunk: readonly string[];
  /** By mark, in the order of their list: runs that met it. */
  readonly marks: Readonly<Record<MarkName, number>>;
  readonly ended: 'all runs' | 'failure' | 'time' | 'interrupted';
}

const BATCH_RUNS = 128;
const CHUNK_RUNS = 8;
/** Kinds of failure that are shrunk. */
const FINDINGS_MAX = 5;

/** Rejects with ScenarioError. */
export async function runFuzz(options: CampaignOptions): Promise<FuzzReport> {
  const { pool, keepGoing, isOver, onProgress } = options;
  let total: RangeReport = { failures: [], marks: {}, events: 0 };
  let runs = 0;
  let ended: FuzzReport['ended'] = 'all runs';
  while (runs < options.runs && ended === 'all runs') {
    const to = Math.min(options.runs, runs + BATCH_RUNS);
    const report = await batch(pool, runs, to);
    if (report === undefined) ended = 'interrupted';
    else {
      total = joined(total, report);
      runs = to;
      onProgress?.(runs, total.failures.length, 'run');
      if (total.failures.length > 0 && !keepGoing) ended = 'failure';
      else if (runs < options.runs && isOver()) ended = 'time';
    }
  }
  const kinds = bySignature(total.failures);
  const shrunk = [...kinds.values()].slice(0, FINDINGS_MAX);
  const findings = ended === 'interrupted' ? [] : await findingsOf(options, shrunk, runs);
  if (pool.aborted) ended = 'interrupted';
  const marks = Object.fromEntries((Object.keys(MARKS) as MarkName[]).map((mark) => [mark, total.marks[mark] ?? 0]));
  return {
    runs,
    events: total.events,
    findings,
    unshrunk: [...kinds.keys()].slice(FINDINGS_MAX),
    marks: marks as Record<MarkName, number>,
    ended,
  };
}

async function batch(pool: FuzzPool, from: number, to: number): Promise<RangeReport | undefined> {
  const starts: number[] = [];
  for (let start = from; start < to; start += CHUNK_RUNS) starts.push(start);
  const reports = await Promise.all(starts.map((start) => pool.range(start, Math.min(to, start + CHUNK_RUNS))));
  let all: RangeReport = { failures: [], marks: {}, events: 0 };
  for (const report of reports) {
    if (report === undefined) return undefined;
    all = joined(all, report);
  }
  return all;
}

/** Each kind with its failures, in order of first appearance. */
function bySignature(failures: readonly FoundFailure[]): Map<string, FoundFailure[]> {
  const kinds = new Map<string, FoundFailure[]>();
  for (const found of failures) {
    const { signature } = found.failure;
    kinds.set(signature, [...(kinds.get(signature) ?? []), found]);
  }
  return kinds;
}

async function findingsOf(
  { pool, bench, onProgress }: CampaignOptions,
  kinds: readonly (readonly FoundFailure[])[],
  runs: number,
): Promise<Finding[]> {
  let done = 0;
  const found = await Promise.all(
    kinds.map(async (failures): Promise<Finding | undefined> => {
      const { run, failure: original } = failures[0] as FoundFailure;
      const shrunk = await shrink(pool, bench, run, original);
      const least = shrunk?.trial.failure;
      if (shrunk === undefined || least === undefined) return undefined;
      const reduced = await reduce(pool, shrunk, least);
      const { document, trial, culprits } = await culpritsOf(pool, reduced, least);
      const hang = least.verdict === 'hang' ? await pool.whereItHangs(document) : undefined;
      const failure = hang ?? trial.failure ?? least;
      onProgress?.(runs, ++done, 'shrink');
      return {
        failure,
        run,
        times: failures.length,
        original,
        shrunk: { ...shrunk, document, trial, tries: shrunk.tries + reduced.tries },
        culprits,
      };
    }),
  );
  return found.filter((finding) => finding !== undefined);
}

/** Required marks that no run met. */
export function missedMarks({ marks }: FuzzReport): MarkName[] {
  return (Object.keys(MARKS) as MarkName[]).filter((mark) => MARKS[mark].required && marks[mark] === 0);
}

/**
 * The work that a campaign hands out, and its answers: plain data. While it works, a job says in shared memory that
 * it is getting on and which run it is at, so that its owner can tell a slow run from one that hangs.
 */
import { errorKind } from '../user-error.ts';
import type { FuzzBench, Trial } from './bench.ts';
import type { Failure } from './failure.ts';
import type { MarkName } from './marks.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

/** Places in the shared memory: steps made so far, and the run that is under way. */
export const STEPS = 0;
export const AT_RUN = 1;

/** Runs of the campaign, numbered from `from` up to, not including, `to`. */
export interface RangeJob {
  readonly kind: 'range';
  readonly from: number;
  readonly to: number;
  readonly progress: Int32Array;
}

/** One scenario. */
export interface TrialJob {
  readonly kind: 'trial';
  readonly document: ScenarioDocument;
  /** Run it twice and compare. */
  readonly twice: boolean;
  readonly progress: Int32Array;
  /** Where to note what the user's policies are asked; undefined: nowhere. */
  readonly lastCall?: SharedArrayBuffer | undefined;
}

export type FuzzJob = RangeJob | TrialJob;

export interface FoundFailure {
  readonly run: number;
  readonly failure: Failure;
}

/** What came of a range. */
export interface RangeReport {
  readonly failures: readonly FoundFailure[];
  /** By mark: runs that met it. */
  readonly marks: Readonly<Partial<Record<MarkName, number>>>;
  readonly events: number;
}

/** Classes of errors do not survive the way back from a thread: bad input is told by its text. */
export type FuzzAnswer = RangeReport | Trial | { readonly input: string };

export function newProgress(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Does a job. Bad input is an answer; anything else that goes wrong rejects. */
export async function doJob(bench: FuzzBench, job: FuzzJob): Promise<FuzzAnswer> {
  Atomics.add(job.progress, STEPS, 1);
  try {
    return job.kind === 'range' ? await doRange(bench, job) : await doTrial(bench, job);
  } catch (error) {
    if (errorKind(error) !== 'input') throw error;
    return { input: (error as Error).message };
  }
}

function doTrial(bench: FuzzBench, { document, twice, progress, lastCall }: TrialJob): Promise<Trial> {
  return bench.try(document, { twice, lastCall, onSlice: () => Atomics.add(progress, STEPS, 1) });
}

async function doRange(bench: FuzzBench, { from, to, progress }: RangeJob): Promise<RangeReport> {
  const failures: FoundFailure[] = [];
  const marks: Partial<Record<MarkName, number>> = {};
  let events = 0;
  for (let run = from; run < to; run++) {
    Atomics.store(progress, AT_RUN, run);
    Atomics.add(progress, STEPS, 1);
    const trial = await bench.run(run, () => Atomics.add(progress, STEPS, 1));
    if (trial.failure !== undefined) failures.push({ run, failure: trial.failure });
    for (const mark of trial.marks) marks[mark] = (marks[mark] ?? 0) + 1;
    events += trial.events;
  }
  return { failures, marks, events };
}

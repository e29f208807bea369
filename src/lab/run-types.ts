/**
 * What the command line, comparisons and tests need of a run, apart from how it is run (`run.ts`): the
 * callbacks it takes and the outcome it gives. A run is synchronous in slices; between slices it reports
 * progress and looks whether to stop.
 */
import type { Checkpoint } from '../kernel/digest.ts';
import type { RequestRecord } from '../results/record.ts';
import type { RunResult } from '../results/result.ts';
import type { ResolvedScenario } from './resolve.ts';

/** Told between slices. */
export interface RunProgress {
  /** Requests that are over. */
  readonly finished: number;
  /** Requests planned in all, when known from the start. */
  readonly total: number | undefined;
  /** Virtual time reached, microseconds. */
  readonly simulatedUs: number;
}

/** Looked at between slices; the owner sets `stopped` to end the run early. */
export interface StopSignal {
  stopped: boolean;
}

/** One entry of the digest, in words and numbers: what a core was told or answered. */
export interface TapEntry {
  /** Position in the run's sequence of entries, from 0. */
  readonly index: number;
  /** Virtual time, microseconds. */
  readonly at: number;
  readonly kind: string;
  readonly first: number;
  readonly second: number;
}

/** Records the entries numbered from `from` up to, not including, `to`; used to show where two runs part. */
interface Tap {
  readonly from: number;
  /** Infinity: to the end. */
  readonly to: number;
  record(entry: TapEntry): void;
}

export interface RunOptions {
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Gets each finished request in order of finishing, and must not keep it: it may be used again. */
  readonly onRecord?: ((record: RequestRecord) => void) | undefined;
  readonly signal?: Readonly<StopSignal> | undefined;
  /**
   * Awaited between slices, so that the caller's event loop can turn (signals, drawing). It alters nothing.
   */
  readonly pause?: (() => Promise<void>) | undefined;
  readonly tap?: Tap | undefined;
}

/**
 * `unfinished`: work was still held at the drain limit, or nothing was left to happen. `interrupted`: the
 * signal stopped it.
 */
export type RunStatus = 'ok' | 'unfinished' | 'interrupted' | 'metastable';

export interface RunOutcome {
  readonly result: RunResult;
  readonly status: RunStatus;
  /** Of the digest, oldest first; the last one is the end of the run. */
  readonly checkpoints: readonly Checkpoint[];
  /** What is still held, one line each; empty unless `unfinished`. */
  readonly held: readonly string[];
}

/**
 * Runs one world to its end. Rejects with InvariantError, with PolicyFault, or with TraceError when the trace
 * turns out to be bad.
 */
export type Runner = (resolved: ResolvedScenario, options?: RunOptions) => Promise<RunOutcome>;

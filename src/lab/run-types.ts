/**
 * What the command line, comparisons and tests need of a run, apart from how it is run (`run.ts`): the
 * callbacks it takes and the outcome it gives. A run is synchronous in slices; between slices it reports
 * progress and looks whether to stop.
 */
import type { PolicyEntry } from '../../policies/entry.ts';
import type { Checkpoint } from '../kernel/digest.ts';
import type { RequestRecord } from '../results/record.ts';
import type { RunResult } from '../results/result.ts';
import type { Charts } from './charts.ts';
import type { EntryTap } from '../sim/journal.ts';
import type { DecisionListener } from './explain/decision-log.ts';
import type { CallListener } from './invariants/policy-calls.ts';
import type { Recovery } from './recovery.ts';
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
  /** Id of the request it is about, or -1. */
  readonly request: number;
}

/** Records the entries numbered from `from` up to, not including, `to`; used to show where two runs part. */
interface Tap extends EntryTap {
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
  /** Gathers what reports draw. */
  readonly charts?: Charts | undefined;
  /** Hears what policies are asked and answer, in words. */
  readonly decisions?: DecisionListener | undefined;
  /** Hears it as values. */
  readonly calls?: CallListener | undefined;
  /** The policies that there are, when they have been loaded already: those that the scenario was checked with. */
  readonly entries?: readonly PolicyEntry[] | undefined;
}

/**
 * `unfinished`: work was still held at the drain limit, or nothing was left to happen. `interrupted`: the signal
 * stopped it. `metastable`: it ended, and did not recover as its scenario demands.
 */
export type RunStatus = 'ok' | 'unfinished' | 'interrupted' | 'metastable';

export interface RunOutcome {
  readonly result: RunResult;
  readonly status: RunStatus;
  /** Of the digest, oldest first; the last one is the end of the run. */
  readonly checkpoints: readonly Checkpoint[];
  /** What is still held, one line each; empty unless `unfinished`. */
  readonly held: readonly string[];
  /** Of a scenario with a `recovery:` block. */
  readonly recovery?: Recovery | undefined;
}

/**
 * Runs one world to its end. Rejects with InvariantError, with PolicyFault, or with TraceError when the trace
 * turns out to be bad.
 */
export type Runner = (resolved: ResolvedScenario, options?: RunOptions) => Promise<RunOutcome>;

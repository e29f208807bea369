/**
 * What goes wrong in a world: plain windows [at, at + forUs) in microseconds, one worker each. Schedules, rates and
 * draws have been expanded into them (`lab/fault-windows.ts`), so a list of them says all that will happen.
 */
import type { LoadReport } from '../../policies/types.ts';
import type { Distribution } from '../kernel/distribution.ts';
import type { Side } from '../worker/worker.ts';

interface Window {
  /** When it begins. */
  readonly at: number;
  /** Infinity: to the end of the run, where the kind allows it. */
  readonly forUs: number;
}
interface WorkerWindow extends Window {
  /** Index of the worker. */
  readonly worker: number;
}

/** Loses everything running, waiting and cached; refuses connections until it is back, with an empty cache. */
interface CrashFault extends WorkerWindow {
  readonly kind: 'crash';
}

/** Stopped and started again: as a crash, for as long as it loads its model, but the gateway is told of both ends. */
interface RestartFault extends WorkerWindow {
  readonly kind: 'restart';
}

/**
 * Stands still: accepts and answers nothing, its streams stop where they are. At the end it goes on there, and meets
 * what was sent meanwhile. A crash or restart ends it. Finite.
 */
export interface HangFault extends WorkerWindow {
  readonly kind: 'hang';
  /** `process`: load reports and probes stop, too. `engine`: both go on, as from a server beside a stuck engine. */
  readonly scope: 'process' | 'engine';
}

/** One half of a disaggregated worker is gone as in a crash; jobs that need it fail, from the other half too. */
interface HalfFault extends WorkerWindow {
  readonly kind: 'half';
  readonly side: Side;
}

/** The link between the halves of a disaggregated worker carries `factor` times its bandwidth; 0: nothing. */
interface LinkFault extends WorkerWindow {
  readonly kind: 'link';
  readonly factor: number;
}

/** Every step started in the window takes `factor` times as long. */
interface SlowFault extends WorkerWindow {
  readonly kind: 'slow';
  readonly factor: number;
}

/**
 * Each attempt that reaches the worker in the window fails with probability `ratio`, with HTTP status `status`: it is
 * refused when that is 429 or 503, else failed.
 */
export interface ErrorsFault extends WorkerWindow {
  readonly kind: 'errors';
  readonly ratio: number;
  readonly status: number;
  /** Retry-After that the failure carries, or -1. */
  readonly retryAfterUs: number;
}

/**
 * Each attempt that reaches the worker in the window has its connection cut with probability `ratio`, as soon as it has
 * so many output tokens, ≥ 1; a shorter reply comes whole.
 */
export interface CutFault extends WorkerWindow {
  readonly kind: 'cut';
  readonly ratio: number;
  readonly afterTokens: Distribution;
}

/**
 * As a cut, but by the clock: so long after the attempt reached its worker, whatever came; of a `silent` one only if no
 * token has left it by then.
 */
export interface TimedCutFault extends WorkerWindow {
  readonly kind: 'timed-cut';
  readonly ratio: number;
  readonly afterUs: number;
  readonly strikes: 'any' | 'silent';
}

/** What a partition may keep from passing between the gateway and a worker. */
export type Traffic = 'requests' | 'reports' | 'probes';

/**
 * Traffic sent in the window, either way, does not pass. Reports and probes are lost; what belongs to a request waits
 * in the senders' buffers and comes when the window ends, which must be finite then.
 */
export interface PartitionFault extends WorkerWindow {
  readonly kind: 'partition';
  readonly loses: readonly Traffic[];
}

/** The worker's clock, which stamps its load reports, is ahead by so much; negative: behind. */
interface SkewFault extends WorkerWindow {
  readonly kind: 'skew';
  readonly aheadUs: number;
}

/** A load report while it is made. */
export type SaidLoad = { -readonly [Field in keyof LoadReport]: LoadReport[Field] };

/**
 * Each load report of the window says something else with probability `ratio`: the values of `says`, -1 for a field
 * that is left out.
 */
export interface MisreportFault extends WorkerWindow {
  readonly kind: 'misreport';
  readonly ratio: number;
  readonly says: Readonly<Partial<Omit<LoadReport, 'stampedAt'>>>;
}

/** A worker that is not there before `at`: then it joins the fleet, and is ready when its model is loaded. */
interface JoinFault {
  readonly kind: 'join';
  readonly at: number;
  readonly worker: number;
  readonly loadUs: number;
}

/**
 * The worker takes no new work; it leaves the fleet when it is empty, or after `boundUs`, and what it still runs is
 * lost then. `forUs` after `at`, which is no less than `boundUs`, it joins again and loads its model. The gateway hears
 * of all that `noticeUs` late, which is at most `boundUs`; absent: at once.
 */
export interface DrainFault extends WorkerWindow {
  readonly kind: 'drain';
  readonly boundUs: number;
  readonly loadUs: number;
  readonly noticeUs?: number | undefined;
}

/** A host CPU does nothing else from `at` for `forUs`. */
interface StallFault extends Window {
  readonly kind: 'stall';
  readonly host: 'gateway' | 'builder';
}

export type WorkerFault =
  | CrashFault
  | RestartFault
  | HangFault
  | HalfFault
  | LinkFault
  | SlowFault
  | ErrorsFault
  | CutFault
  | TimedCutFault
  | SkewFault
  | MisreportFault
  | JoinFault
  | DrainFault;
export type FaultConfig = WorkerFault | PartitionFault | StallFault;

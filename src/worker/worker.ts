/** What the world needs of a simulated worker, whatever its model, and the job it runs. */
import type { Phase } from '../kernel/event-queue.ts';

/** One attempt as a worker sees it. `owner` is the world's own object; no worker reads it. */
export interface JobInit<Owner> {
  readonly owner: Owner;
  /** Key of the world's draws: the same work and try meet the same noise under every policy. */
  readonly drawKey: number;
  readonly drawTry: number;
  /** ≥ 1. */
  readonly promptTokens: number;
  /** Tokens generated when nothing stops it, ≥ 0. */
  readonly outputTokens: number;
  /** Identity of the prompt's leading blocks of `hashBlockTokens` tokens; empty: content shared with nobody. */
  readonly hashIds: readonly number[];
  readonly hashBlockTokens: number;
  /** Higher is more urgent, for engines that schedule by priority. Absent: 0. */
  readonly priority?: number | undefined;
  /** Data-parallel rank to run on. Absent: the engine chooses the least loaded. */
  readonly rank?: number | undefined;
  /** Its KV blocks stay held after its end, until `releaseKv`: another engine reads them. Absent: false. */
  readonly keepsKv?: boolean | undefined;
}

/** What a job shows of itself while it runs and after. */
export interface JobView<Owner> {
  readonly init: JobInit<Owner>;
  /** Tokens generated so far. */
  readonly generated: number;
  /** Tokens computed so far, prompt and output, recomputation included. */
  readonly computedTokens: number;
  /** Tokens computed a second time after preemption. */
  readonly recomputedTokens: number;
  /** Prompt tokens found in the prefix cache at its first scheduling; 0 before. */
  readonly cachedTokens: number;
  /** Hash of the instants of its tokens (32 bits), whole once it has ended. */
  readonly tokenHash: number;
}

export type WorkerEvent<Owner> =
  | { readonly kind: 'first-token'; readonly job: JobView<Owner> }
  | { readonly kind: 'finished'; readonly job: JobView<Owner> }
  /** It ended without its last token: before its first one with an HTTP status, afterwards in a broken stream. */
  | { readonly kind: 'failed'; readonly job: JobView<Owner>; readonly status: number };

/** The two halves of a worker that computes prompts in one place and decodes in another. */
export type Side = 'prefill' | 'decode';

/** A worker's totals since the run began; the …Us fields are integrals over time, brought up to date by `advance`. */
export interface WorkerTotals {
  iterations: number;
  preemptions: number;
  promptTokens: number;
  prefixHitTokens: number;
  generatedTokens: number;
  recomputedTokens: number;
  busyUs: number;
  runningUs: number;
  waitingUs: number;
  kvBlockUs: number;
  kvBlocksMax: number;
}

/** What the engine's own metrics endpoint would say now. */
export interface WorkerGauges {
  readonly running: number;
  readonly waiting: number;
  readonly kvUsedBlocks: number;
  readonly kvTotalBlocks: number;
  readonly decodeBlocks: number;
  readonly waitingPromptTokens: number;
  readonly maxBatchedTokens: number;
  readonly maxRunning: number;
}

export interface WorkerHeld {
  readonly running: number;
  readonly waiting: number;
  readonly kvBlocks: number;
}

/** Told of each gap between tokens: `jobs` sequences got a token `gapUs` after their previous one. */
export interface TokenObserver {
  tokenGaps(gapUs: number, jobs: number): void;
  /**
   * The same of passes in a row: `jobs` ≥ 1 sequences got a token at each of `ends[from]` … `ends[to − 1]` and, before
   * these, at `previousAt`. Absent: `tokenGaps` is told of each.
   */
  tokenStretch?(ends: Float64Array, from: number, to: number, previousAt: number, jobs: number): void;
}

/**
 * Methods in, events out, as for a core: the world calls one method, takes every event, and re-arms the worker's
 * one kernel event to (`nextAt`, `nextPhase`). Times are microseconds and never go backwards. Within an instant,
 * crashes and readings come before the worker's own io event, submissions and cancellations before its own wake:
 * then a worker that skips events answers as one that does not.
 */
export interface SimWorker<Owner> {
  readonly totals: WorkerTotals;
  /** 0 when accepted, else the HTTP status of the refusal (400 can never fit, 503 full). */
  submit(now: number, job: JobInit<Owner>): number;
  /**
   * The job of `owner` is given up; unknown owners are ignored. Answers its final view, or undefined when its last
   * token came at this very instant: then a finished event follows.
   */
  cancel(now: number, owner: Owner): JobView<Owner> | undefined;
  /** Everything running, waiting and cached is lost; answers the jobs that were. */
  crash(now: number): readonly JobView<Owner>[];
  /** Work begun from now on takes `factor` times as long. */
  slowDown(now: number, factor: number): void;
  /**
   * Stands still until `resume`: what runs stops where it is, nothing comes due. Until then nothing is submitted or
   * cancelled; a crash ends the pause. Time stood still counts as running and busy.
   */
  pause(now: number): void;
  /** Goes on where it stopped. */
  resume(now: number): void;
  /** Does what `nextAt` announced: called at that instant and phase, for nothing else. */
  advance(now: number): void;
  /** Brings totals and gauges up to date with what ended before `now`; changes no outcome. */
  catchUp(now: number): void;
  take(): WorkerEvent<Owner> | undefined;
  nextAt(): number;
  nextPhase(): Phase;
  gauges(): WorkerGauges;
  held(): WorkerHeld;
  checkInvariants(): void;
  /** Of a worker with two halves and a link between them; absent: it has none. */
  readonly halves?: WorkerHalves | undefined;
}

/** What can happen to one half of a worker, or between the two. Failures come out of the worker's `take`. */
export interface WorkerHalves {
  /** The half is gone, what it ran and cached is lost; jobs fail for want of it until it is restored, empty. */
  lose(now: number, side: Side): void;
  /** As often as it was lost. */
  restore(now: number, side: Side): void;
  /** The link carries `factor` times its bandwidth from now on, ≥ 0. */
  throttle(now: number, factor: number): void;
}

/**
 * No time yet. A double's zero: V8 keeps a number field in the form of its first value, and one that begins as a small
 * integer has all code that reads it thrown away when the microseconds outgrow 2^31 (36 minutes).
 */
export const NO_TIME = -0;

export function zeroTotals(): WorkerTotals {
  return {
    iterations: 0,
    preemptions: 0,
    promptTokens: 0,
    prefixHitTokens: 0,
    generatedTokens: 0,
    recomputedTokens: 0,
    busyUs: NO_TIME,
    runningUs: NO_TIME,
    waitingUs: NO_TIME,
    kvBlockUs: NO_TIME,
    kvBlocksMax: 0,
  };
}

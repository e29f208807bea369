/**
 * What the three models of a busy worker have in common: what they are told, what they answer. A worker is judged by
 * its data-parallel ranks, a rank by what it last reported; a field of -1 was not said.
 */
import type { AttemptResult, AttemptView, Micros, Snapshots } from '../types.ts';

/** Strict limits: a value above is busy. Infinity switches a check off. */
export interface BusyThresholds {
  /** Of the worker's KV blocks, 0 to 1; the next too. */
  readonly kvUsedRatioMax: number;
  readonly decodeRatioMax: number;
  /** Tokens. */
  readonly prefillTokensMax: number;
  /** Times the tokens of a batch. */
  readonly prefillBatchesMax: number;
}

/** What a worker says of its size; -1: unknown. */
export interface WorkerPool {
  readonly ranks: number;
  /** Per rank. */
  readonly kvTotalBlocks: number;
  readonly maxBatchedTokens: number;
}

/** What a rank says of its load; -1: not said. */
export interface RankLoad {
  readonly kvUsedBlocks: number;
  readonly decodeBlocks: number;
  readonly prefillTokens: number;
}

/** Batch size of a worker that does not say: upstream's stand-in. */
export const BATCH_TOKENS_UNKNOWN = 10_000_000;

export interface BusyMonitor extends Snapshots {
  /** The whole set of known workers. With `reset` false the list is there, but nobody acted on it yet. */
  discovered(now: Micros, workers: readonly number[], reset: boolean): void;
  /** The whole set of known sizes. */
  poolsChanged(now: Micros, pools: ReadonlyMap<number, WorkerPool>): void;
  loaded(now: Micros, worker: number, rank: number, load: RankLoad): void;
  loadsEnded(now: Micros): void;
  thresholdsChanged(now: Micros, thresholds: BusyThresholds): void;
  granted(now: Micros, attempt: AttemptView): void;
  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void;
  /** Whether the worker may get one more. */
  allows(now: Micros, worker: number): boolean;
  /** When an answer of `allows` may change by time alone, after `now`; Infinity when none does. */
  reconsiderAt(now: Micros): Micros;
  /** Workers judged busy, ascending. */
  busy(now: Micros): readonly number[];
  /** Workers with room, of those that are `alive`, in their order. */
  free(now: Micros, alive: readonly number[]): readonly number[];
}

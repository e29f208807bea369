/**
 * Dynamo's busy monitor of summer 2026: three signals a rank, a worker busy when all its declared ranks are, busy
 * workers not selected. Block signals are remembered as a latch, which trips when either is above and clears when both
 * are below, evaluated as the rank reports. A refusal marks the worker until anyone's next report.
 *
 * What is left to beat (rows of spec busy-threshold.md §4b): a signal that goes silent while above holds the latch for
 * ever (U16), and so does a mark when no report comes (U23); changed thresholds wait for a report, and then judge
 * everyone else by latches of the old ones (U24 to U27). One threshold serves both block signals.
 *
 * Source: ai-dynamo/dynamo worker_monitor.rs 00220774a, without the leases of #14210.
 */
import { refill, refillSet } from '../refill.ts';
import type { AttemptResult, AttemptView, Micros } from '../types.ts';
import { BATCH_TOKENS_UNKNOWN, type BusyMonitor, type BusyThresholds } from './monitor.ts';
import type { RankLoad, WorkerPool } from './monitor.ts';

interface RankState {
  kvUsedBlocks: number;
  decodeBlocks: number;
  prefillTokens: number;
  latched: boolean;
}

const UNKNOWN_POOL: WorkerPool = { ranks: -1, kvTotalBlocks: -1, maxBatchedTokens: -1 };

export class LatchMonitor implements BusyMonitor {
  #thresholds: BusyThresholds;
  /** Changed since the last evaluation of everyone. */
  #moved = false;
  #pools: ReadonlyMap<number, WorkerPool> = new Map();
  /** By worker, then rank; of known workers. */
  readonly #ranks = new Map<number, Map<number, RankState>>();
  readonly #over = new Set<number>();
  readonly #marked = new Set<number>();

  constructor(thresholds: BusyThresholds) {
    this.#thresholds = thresholds;
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    for (const worker of this.#ranks.keys()) {
      if (workers.includes(worker)) continue;
      this.#ranks.delete(worker);
      this.#over.delete(worker);
      this.#marked.delete(worker);
    }
    for (const worker of workers) if (!this.#ranks.has(worker)) this.#ranks.set(worker, new Map());
  }

  poolsChanged(_now: Micros, pools: ReadonlyMap<number, WorkerPool>): void {
    const before = this.#pools;
    this.#pools = new Map(pools);
    for (const [worker, ranks] of this.#ranks) {
      const pool = this.#poolOf(worker);
      for (const rank of ranks.keys()) if (pool.ranks >= 0 && rank >= pool.ranks) ranks.delete(rank);
      if (before.get(worker)?.kvTotalBlocks === pool.kvTotalBlocks) continue;
      for (const state of ranks.values()) this.#latch(pool, state);
    }
    this.#evaluateAll();
  }

  loaded(_now: Micros, worker: number, rank: number, load: RankLoad): void {
    const ranks = this.#ranks.get(worker);
    const pool = this.#poolOf(worker);
    if (ranks === undefined || (pool.ranks >= 0 && rank >= pool.ranks)) return;
    let state = ranks.get(rank);
    if (state === undefined) {
      state = { kvUsedBlocks: -1, decodeBlocks: -1, prefillTokens: -1, latched: false };
      ranks.set(rank, state);
    }
    if (load.kvUsedBlocks !== -1) state.kvUsedBlocks = load.kvUsedBlocks;
    if (load.decodeBlocks !== -1) state.decodeBlocks = load.decodeBlocks;
    if (load.prefillTokens !== -1) state.prefillTokens = load.prefillTokens;
    this.#latch(pool, state);
    this.#marked.clear();
    if (this.#moved) this.#evaluateAll();
    else this.#evaluate(worker);
  }

  loadsEnded(): void {}

  thresholdsChanged(_now: Micros, thresholds: BusyThresholds): void {
    this.#thresholds = thresholds;
    this.#moved = true;
  }

  granted(): void {}

  settled(_now: Micros, attempt: AttemptView, result: AttemptResult): void {
    if (result.outcome === 'refused' && this.#ranks.has(attempt.worker.index)) this.#marked.add(attempt.worker.index);
  }

  allows(_now: Micros, worker: number): boolean {
    return !this.#over.has(worker) && !this.#marked.has(worker);
  }

  reconsiderAt(): Micros {
    return Infinity;
  }

  busy(): readonly number[] {
    return [...new Set([...this.#over, ...this.#marked])].sort((a, b) => a - b);
  }

  free(now: Micros, alive: readonly number[]): readonly number[] {
    return alive.filter((worker) => this.allows(now, worker));
  }

  #poolOf(worker: number): WorkerPool {
    return this.#pools.get(worker) ?? UNKNOWN_POOL;
  }

  #latch(pool: WorkerPool, state: RankState): void {
    const limit = this.#thresholds.decodeRatioMax * pool.kvTotalBlocks;
    state.latched = pool.kvTotalBlocks > 0 && (state.kvUsedBlocks > limit || state.decodeBlocks > limit);
  }

  #evaluateAll(): void {
    this.#moved = false;
    for (const worker of this.#ranks.keys()) this.#evaluate(worker);
  }

  #evaluate(worker: number): void {
    const ranks = this.#ranks.get(worker) ?? new Map<number, RankState>();
    const pool = this.#poolOf(worker);
    const declared = pool.ranks >= 0 ? pool.ranks : Math.max(1, ranks.size);
    let over = 0;
    for (const state of ranks.values()) if (this.#rankOver(pool, state)) over++;
    if (over === declared) this.#over.add(worker);
    else this.#over.delete(worker);
  }

  #rankOver(pool: WorkerPool, { latched, prefillTokens }: RankState): boolean {
    const { prefillTokensMax, prefillBatchesMax } = this.#thresholds;
    const batch = pool.maxBatchedTokens === -1 ? BATCH_TOKENS_UNKNOWN : pool.maxBatchedTokens;
    return latched || prefillTokens > prefillTokensMax || prefillTokens > Math.trunc(prefillBatchesMax * batch);
  }

  snapshot(): unknown {
    return [this.#thresholds, this.#moved, this.#pools, this.#ranks, this.#over, this.#marked];
  }

  restore(state: unknown): void {
    const [thresholds, moved, pools, ranks, over, marked] = state as [
      ...[BusyThresholds, boolean, ReadonlyMap<number, WorkerPool>],
      ...[Map<number, Map<number, RankState>>, Set<number>, Set<number>],
    ];
    this.#thresholds = thresholds;
    this.#moved = moved;
    this.#pools = pools;
    refill(this.#ranks, ranks);
    refillSet(this.#over, over);
    refillSet(this.#marked, marked);
  }
}

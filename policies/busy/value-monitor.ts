/**
 * Busy by current values: a rank is busy while any signal it reported within `staleAfter` is above its threshold, a
 * worker while all its declared ranks are. Nothing is latched and nothing waits for an event: thresholds, sizes and
 * age count at the moment of the question, so the answer is a function of what was reported, and when.
 *
 * Regimes. Reports arrive: as above; each signal ages by itself, so one that goes silent does not bind while another
 * speaks. Reports stop while busy: the evidence is stale, the worker unknown, and one probe is let through each
 * `staleAfter`; a probe that ends ok frees the worker, one that is refused or fails waits for the next turn, one that
 * hangs holds nobody up, since its turn passes too. A refusal makes the worker busy for `refusalHold` or until it
 * reports. A rank that never reported is free; one that reported below and went silent stays free. Two other answers
 * to silence exist in the field (`whenStale`): whoever is silent is `busy`, which stops a pool of one for good;
 * whoever was over and is silent is `free`, which trusts the gateway's other limits.
 *
 * Ratios are compared as quotients: 29 of 100 blocks is exactly at 0.29, where upstream's product is just below.
 * Differences from upstream: spec busy-threshold.md §2, H1 to H15 without H9, H10 and H12, which single-threaded
 * inputs exclude.
 */
import { refill } from '../refill.ts';
import type { AttemptResult, AttemptView, Micros } from '../types.ts';
import type { BusyConfig } from './config.ts';
import { BATCH_TOKENS_UNKNOWN, type BusyMonitor, type BusyThresholds } from './monitor.ts';
import type { RankLoad, WorkerPool } from './monitor.ts';

/** A value and when it was said; -Infinity: never. */
interface Signal {
  value: number;
  at: Micros;
}

interface RankSignals {
  readonly kvUsed: Signal;
  readonly decode: Signal;
  readonly prefill: Signal;
}

interface WorkerState {
  pool: WorkerPool;
  readonly ranks: Map<number, RankSignals>;
  refusedUntil: Micros;
  /** No probe before. */
  probeAt: Micros;
  /** The probe under way, or -1. */
  probe: number;
}

type Verdict = 'free' | 'busy' | 'unknown';
type WhenStale = BusyConfig['whenStale'];

export class ValueMonitor implements BusyMonitor {
  #thresholds: BusyThresholds;
  readonly #staleAfter: Micros;
  readonly #refusalHold: Micros;
  readonly #whenStale: WhenStale;
  readonly #workers = new Map<number, WorkerState>();

  constructor(
    thresholds: BusyThresholds,
    staleAfter: Micros,
    refusalHold: Micros,
    whenStale: WhenStale = 'probe',
  ) {
    this.#thresholds = thresholds;
    this.#staleAfter = staleAfter;
    this.#refusalHold = refusalHold;
    this.#whenStale = whenStale;
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    for (const worker of this.#workers.keys()) if (!workers.includes(worker)) this.#workers.delete(worker);
    for (const worker of workers) {
      if (this.#workers.has(worker)) continue;
      const pool = { ranks: -1, kvTotalBlocks: -1, maxBatchedTokens: -1 };
      this.#workers.set(worker, { pool, ranks: new Map(), refusedUntil: -Infinity, probeAt: -Infinity, probe: -1 });
    }
  }

  /** A size that is not said stays as it was. */
  poolsChanged(_now: Micros, pools: ReadonlyMap<number, WorkerPool>): void {
    for (const [worker, pool] of pools) {
      const state = this.#workers.get(worker);
      if (state === undefined) continue;
      state.pool = {
        ranks: pool.ranks === -1 ? state.pool.ranks : pool.ranks,
        kvTotalBlocks: pool.kvTotalBlocks === -1 ? state.pool.kvTotalBlocks : pool.kvTotalBlocks,
        maxBatchedTokens: pool.maxBatchedTokens === -1 ? state.pool.maxBatchedTokens : pool.maxBatchedTokens,
      };
      const { ranks } = state.pool;
      for (const rank of state.ranks.keys()) if (ranks >= 0 && rank >= ranks) state.ranks.delete(rank);
    }
  }

  loaded(now: Micros, worker: number, rank: number, load: RankLoad): void {
    const state = this.#workers.get(worker);
    if (state === undefined || (state.pool.ranks >= 0 && rank >= state.pool.ranks)) return;
    let signals = state.ranks.get(rank);
    if (signals === undefined) {
      signals = { kvUsed: never(), decode: never(), prefill: never() };
      state.ranks.set(rank, signals);
    }
    note(now, signals.kvUsed, load.kvUsedBlocks);
    note(now, signals.decode, load.decodeBlocks);
    note(now, signals.prefill, load.prefillTokens);
    state.refusedUntil = state.probeAt = -Infinity;
    state.probe = -1;
  }

  loadsEnded(): void {}

  thresholdsChanged(_now: Micros, thresholds: BusyThresholds): void {
    this.#thresholds = thresholds;
  }

  granted(now: Micros, attempt: AttemptView): void {
    const state = this.#workers.get(attempt.worker.index);
    if (state === undefined || this.#verdict(now, state) !== 'unknown') return;
    state.probe = attempt.id;
    state.probeAt = now + this.#staleAfter;
  }

  settled(now: Micros, attempt: AttemptView, { outcome }: AttemptResult): void {
    const state = this.#workers.get(attempt.worker.index);
    if (state === undefined) return;
    if (outcome === 'refused') state.refusedUntil = now + this.#refusalHold;
    if (state.probe !== attempt.id) return;
    state.probe = -1;
    if (outcome === 'ok') state.ranks.clear();
    else state.probeAt = outcome === 'cancelled' ? -Infinity : now + this.#staleAfter;
  }

  allows(now: Micros, worker: number): boolean {
    const state = this.#workers.get(worker);
    if (state === undefined) return true;
    const verdict = this.#verdict(now, state);
    return verdict === 'free' || (verdict === 'unknown' && now >= state.probeAt);
  }

  reconsiderAt(now: Micros): Micros {
    let at = Infinity;
    for (const state of this.#workers.values()) {
      switch (this.#verdict(now, state)) {
        case 'busy':
          at = Math.min(at, state.refusedUntil > now ? state.refusedUntil : this.#staleAt(now, state));
          break;
        case 'unknown':
          if (state.probeAt > now) at = Math.min(at, state.probeAt);
          break;
        case 'free':
          break;
      }
    }
    return at;
  }

  busy(now: Micros): readonly number[] {
    const busy: number[] = [];
    for (const [worker, state] of this.#workers) if (this.#verdict(now, state) === 'busy') busy.push(worker);
    return busy.sort((a, b) => a - b);
  }

  free(now: Micros, alive: readonly number[]): readonly number[] {
    return alive.filter((worker) => this.allows(now, worker));
  }

  #verdict(now: Micros, state: WorkerState): Verdict {
    if (now < state.refusedUntil) return 'busy';
    const { ranks, pool } = state;
    if (this.#whenStale === 'busy' && !this.#anySpeaks(now, ranks)) return 'busy';
    if (ranks.size === 0 || ranks.size < pool.ranks) return 'free';
    let verdict: Verdict = 'busy';
    for (const signals of ranks.values()) {
      const overUntil = this.#overUntil(pool, signals);
      if (now < overUntil) continue;
      if (overUntil === -Infinity || this.#speaks(now, signals)) return 'free';
      verdict = 'unknown';
    }
    return verdict === 'unknown' && this.#whenStale === 'free' ? 'free' : verdict;
  }

  /** When the first rank of a busy worker is no longer over. */
  #staleAt(now: Micros, { pool, ranks }: WorkerState): Micros {
    let at = Infinity;
    for (const signals of ranks.values()) at = Math.min(at, this.#overUntil(pool, signals));
    return at > now ? at : Infinity;
  }

  /** Until when a signal above its threshold counts; -Infinity when none is above. */
  #overUntil({ kvTotalBlocks, maxBatchedTokens }: WorkerPool, { kvUsed, decode, prefill }: RankSignals): Micros {
    const { kvUsedRatioMax, decodeRatioMax, prefillTokensMax, prefillBatchesMax } = this.#thresholds;
    const batch = maxBatchedTokens === -1 ? BATCH_TOKENS_UNKNOWN : maxBatchedTokens;
    let at = -Infinity;
    if (kvTotalBlocks > 0 && kvUsed.value / kvTotalBlocks > kvUsedRatioMax) at = Math.max(at, kvUsed.at);
    if (kvTotalBlocks > 0 && decode.value / kvTotalBlocks > decodeRatioMax) at = Math.max(at, decode.at);
    const tokens = prefill.value;
    if (tokens > prefillTokensMax || tokens > Math.trunc(prefillBatchesMax * batch)) at = Math.max(at, prefill.at);
    return at === -Infinity ? -Infinity : at + this.#staleAfter;
  }

  #anySpeaks(now: Micros, ranks: ReadonlyMap<number, RankSignals>): boolean {
    for (const signals of ranks.values()) if (this.#speaks(now, signals)) return true;
    return false;
  }

  /** True while any signal of the rank is fresh. */
  #speaks(now: Micros, { kvUsed, decode, prefill }: RankSignals): boolean {
    return now < Math.max(kvUsed.at, decode.at, prefill.at) + this.#staleAfter;
  }

  snapshot(): unknown {
    return [this.#thresholds, this.#workers];
  }

  restore(state: unknown): void {
    const [thresholds, workers] = state as [BusyThresholds, Map<number, WorkerState>];
    this.#thresholds = thresholds;
    refill(this.#workers, workers);
  }
}

function never(): Signal {
  return { value: -1, at: -Infinity };
}

function note(now: Micros, signal: Signal, value: number): void {
  if (value === -1) return;
  signal.value = value;
  signal.at = now;
}

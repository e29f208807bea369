/**
 * Decides for the worker that saw the prompt's prefix before, while the fleet is balanced; else for the least loaded
 * one. A prefix in the KV cache need not be computed, and with long shared prompts that is most of the work.
 *
 * Regimes. Balanced: the longest known prefix names its owner; if it covers more than `cacheThreshold` of the prompt
 * the owner takes the request, else the worker with the smallest (leases, requests sent, position). Imbalanced, by
 * leases (both the absolute and the relative bound are passed) or by reported KV usage (overload, spread): the least
 * loaded, and it learns the prompt. So one hot prefix heats its owner until the bound of 64 leases and then spreads.
 * `most-overlap` asks who holds most of the prompt instead of who saw it first. Limits: the index is what was sent,
 * not what is cached (see prefix-index.ts); a failed worker is taken again by the next attempt unless a gate objects.
 *
 * Source: smg policies/cache_aware.rs at 73da68ca9, CLI defaults. We differ by default (variant `smg-2026-08-07` is
 * upstream): a match whose owner is no candidate goes to the least loaded worker and is learned, not to the first one;
 * prefixes of workers that left or failed are forgotten; the index is bounded at all times, not every two minutes; a
 * full match refreshes always, not one time in eight; reports expire. Upstream measures text, we measure blocks.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Router, WorkerStatus, WorkerView } from '../types.ts';
import { type CacheAwareConfig, cacheAwareConfig } from './config.ts';
import { type IndexState, PrefixIndex } from './prefix-index.ts';
import { promptPath, tokensPerBlock } from './prompt-path.ts';

type Thresholds = Pick<
  CacheAwareConfig,
  'balanceAbsThreshold' | 'balanceRelThreshold' | 'balanceTokenUsageThreshold' | 'overloadTokenUsageThreshold'
>;

/** Whether affinity is abandoned. `usages`: of the workers that report one. Thresholds have upstream's 32 bits. */
export function imbalanced(
  thresholds: Thresholds,
  usages: readonly number[],
  leasesMin: number,
  leasesMax: number,
): boolean {
  let highest = -Infinity;
  let lowest = Infinity;
  for (const usage of usages) {
    highest = Math.max(highest, usage);
    lowest = Math.min(lowest, usage);
  }
  if (highest > Math.fround(thresholds.overloadTokenUsageThreshold)) return true;
  if (highest - lowest > Math.fround(thresholds.balanceTokenUsageThreshold)) return true;
  const bound = Math.fround(Math.fround(leasesMin) * Math.fround(thresholds.balanceRelThreshold));
  return leasesMax - leasesMin > thresholds.balanceAbsThreshold && Math.fround(leasesMax) > bound;
}

/** Of a balanced fleet; `gone`: the match suffices and its worker is no candidate. Sizes in one unit, any. */
export function routeOf(
  cacheThreshold: number,
  matched: number,
  input: number,
  available: boolean,
): 'cached' | 'min-load' | 'gone' {
  const rate = input === 0 ? 0 : Math.fround(Math.fround(matched) / Math.fround(input));
  if (!(rate > Math.fround(cacheThreshold))) return 'min-load';
  return available ? 'cached' : 'gone';
}

/** Position of the smallest (leases, requests sent, position); `sent` by worker index, 0 where absent. */
export function minLoad(candidates: FleetView, sent: readonly (number | undefined)[]): number {
  let best = 0;
  for (let i = 1; i < candidates.length; i++) {
    const worker = candidates[i] as WorkerView;
    const least = candidates[best] as WorkerView;
    const fewer = worker.inFlight - least.inFlight || (sent[worker.index] ?? 0) - (sent[least.index] ?? 0);
    if (fewer < 0) best = i;
  }
  return best;
}

export class CacheAware implements Router {
  readonly #config: CacheAwareConfig;
  readonly #index: PrefixIndex;
  /** Requests sent, by worker. */
  readonly #sent: (number | undefined)[] = [];
  readonly #usages: number[] = [];
  readonly #scratch: number[] = [];
  readonly #overlaps: number[] = [];
  #interval = 0;
  #fullMatches = 0;

  constructor(config: CacheAwareConfig) {
    this.#config = config;
    this.#index = new PrefixIndex(config.blocksMax);
  }

  pick(now: Micros, request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    this.#evictWhenDue(now);
    const path = promptPath(request, this.#scratch);
    if (this.#imbalanced(now, candidates)) return this.#send(now, path, candidates, minLoad(candidates, this.#sent));
    if (this.#config.choose === 'most-overlap') {
      return this.#send(now, path, candidates, this.#mostOverlap(path, candidates));
    }
    const { blocks, worker } = this.#index.match(path);
    const owner = candidates.findIndex((candidate) => candidate.index === worker);
    const route = routeOf(this.#config.cacheThreshold, blocks, this.#blocksOf(request, path), owner !== -1);
    if (route === 'gone' && this.#config.whenGone === 'first-available') return 0;
    return this.#send(now, path, candidates, route === 'cached' ? owner : minLoad(candidates, this.#sent));
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    if (this.#config.forget === 'gone-and-failed') this.#index.keepOnly(workers);
  }

  statusChanged(_now: Micros, worker: number, status: WorkerStatus): void {
    if (status === 'failed' && this.#config.forget === 'gone-and-failed') this.#index.remove(worker);
  }

  /** Blocks remembered of a worker. */
  remembered(worker: number): number {
    return this.#index.size(worker);
  }

  /** The request's length in blocks of its path, known or not. */
  #blocksOf(request: RequestView, path: readonly number[]): number {
    const { blockTokens } = this.#config;
    if (request.blockHashes.length === 0) return path.length;
    return Math.max(path.length, request.promptTokens / tokensPerBlock(request, blockTokens));
  }

  #imbalanced(now: Micros, candidates: FleetView): boolean {
    const usages = this.#usages;
    usages.length = 0;
    let leasesMin = Infinity;
    let leasesMax = 0;
    for (const { inFlight, reportedAt, reportedKvUsageRatio } of candidates) {
      leasesMin = Math.min(leasesMin, inFlight);
      leasesMax = Math.max(leasesMax, inFlight);
      const fresh = reportedKvUsageRatio >= 0 && now - reportedAt <= this.#config.reportMaxAge;
      if (fresh) usages.push(reportedKvUsageRatio);
    }
    return imbalanced(this.#config, usages, leasesMin, leasesMax);
  }

  /** Most blocks held, then fewest leases, then fewest blocks remembered; without any overlap the least loaded. */
  #mostOverlap(path: readonly number[], candidates: FleetView): number {
    const overlaps = this.#overlaps;
    overlaps.fill(0);
    this.#index.overlaps(path, overlaps);
    let best = minLoad(candidates, this.#sent);
    for (let i = 0; i < candidates.length; i++) {
      const worker = candidates[i] as WorkerView;
      const leader = candidates[best] as WorkerView;
      const more =
        (overlaps[worker.index] ?? 0) - (overlaps[leader.index] ?? 0) ||
        leader.inFlight - worker.inFlight ||
        this.#index.size(leader.index) - this.#index.size(worker.index);
      if (more > 0 && (overlaps[worker.index] ?? 0) > 0) best = i;
    }
    return best;
  }

  #send(now: Micros, path: readonly number[], candidates: FleetView, position: number): number {
    const { index } = candidates[position] as WorkerView;
    this.#sent[index] = (this.#sent[index] ?? 0) + 1;
    const refresh = this.#fullMatches++ % this.#config.refreshEvery === 0;
    this.#index.insert(now, index, path, refresh);
    if (this.#config.evictionInterval === 0) this.#index.trim(index);
    return position;
  }

  #evictWhenDue(now: Micros): void {
    if (this.#config.evictionInterval === 0) return;
    const interval = Math.floor(now / this.#config.evictionInterval);
    if (interval > this.#interval) this.#index.evict(now, Infinity);
    this.#interval = interval;
  }

  snapshot(): unknown {
    const index = this.#index.snapshot();
    const sent = Array.from(this.#sent, (count) => count ?? 0);
    return index === undefined ? undefined : [index, sent, this.#interval, this.#fullMatches];
  }

  restore(state: unknown): void {
    const [index, sent, interval, fullMatches] = state as [IndexState, readonly number[], number, number];
    this.#index.restore(index);
    for (const [worker, count] of sent.entries()) this.#sent[worker] = count;
    this.#interval = interval;
    this.#fullMatches = fullMatches;
  }
}

export const cacheAware: PolicyEntry<'router', CacheAwareConfig> = {
  role: 'router',
  name: 'cache-aware',
  decides: 'Which worker: the one that saw the prompt’s prefix before, while leases and KV usage are balanced.',
  source: 'smg model_gateway/src/policies/cache_aware.rs 73da68ca9',
  config: cacheAwareConfig,
  variants: {
    'smg-2026-08-07': {
      evictionInterval: '120s',
      refreshEvery: 8,
      reportMaxAge: 'none',
      whenGone: 'first-available',
      forget: 'never',
    },
    'smg-2026-08-07-kv-events': { choose: 'most-overlap', reportMaxAge: 'none' },
  },
  make: (config) => new CacheAware(config),
};

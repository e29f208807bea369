/**
 * Decides by the size of the prompt: each worker owns a range of sizes, cut so that recent work is even. Prompts of
 * like length meet, so a batch is not held up by its longest member; meant for the prefill side of a disaggregated
 * fleet. When the workers' recent characters differ by more than both bounds, the emptiest takes the request instead;
 * with upstream's bounds of 32 characters and 0.01 % that is nearly always, and the ranges matter only on an idle
 * fleet.
 *
 * Recuts happen every `adjustInterval`, lazily: the history changes in `pick` alone, so cutting before the next pick
 * gives what a timer would have given. Limits: it counts what was sent, not what runs; a range says nothing of output
 * length. A worker that is discovered joins at the end of the order; who is a candidate only does not own a range.
 *
 * Source: smg policies/bucket.rs at 73da68ca9 (tests reach its recut with the numbers of spec §9). We differ by
 * default: a changed fleet is cut by recent sizes (see bucket-ranges.ts), and a size whose owner is no candidate goes
 * to the emptiest candidate, where upstream selects nobody. Variant `smg-2026-08-07` is upstream, but that the request
 * then waits for a worker instead of failing with 503.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Router, WorkerView } from '../types.ts';
import { BucketRanges } from './bucket-ranges.ts';
import { type BucketConfig, bucketConfig } from './config.ts';

export class Bucket implements Router {
  readonly #config: BucketConfig;
  readonly #ranges: BucketRanges;
  #interval = 0;

  constructor(config: BucketConfig) {
    this.#config = config;
    this.#ranges = new BucketRanges(config.adjustInterval, config.whenFleetChanges);
  }

  pick(now: Micros, request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    const interval = Math.floor(now / this.#config.adjustInterval);
    if (interval > this.#interval) this.#ranges.recut();
    this.#interval = interval;
    const size = Math.max(0, request.promptTokens) * this.#config.charactersPerToken;
    const position = this.#choose(size, candidates);
    if (position !== -1) this.#ranges.post(now, size, (candidates[position] as WorkerView).index);
    return position;
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    this.#ranges.setWorkers(workers);
  }

  #choose(size: number, candidates: FleetView): number {
    const { ranges, loads } = this.#ranges;
    const owner = this.#imbalanced() ? this.#emptiest() : this.#ranges.find(size);
    const position = candidates.findIndex(({ index }) => index === owner);
    if (position !== -1 || (this.#config.whenOwnerAway === 'wait' && ranges.length > 0)) return position;
    let least = 0;
    for (let i = 1; i < candidates.length; i++) {
      const load = loads.get((candidates[i] as WorkerView).index) ?? 0;
      if (load < (loads.get((candidates[least] as WorkerView).index) ?? 0)) least = i;
    }
    return least;
  }

  /** By recent characters of all known workers; the comparison has upstream's 32 bits. */
  #imbalanced(): boolean {
    let most = 0;
    let fewest = Infinity;
    for (const load of this.#ranges.loads.values()) {
      most = Math.max(most, load);
      fewest = Math.min(fewest, load);
    }
    if (fewest === Infinity) return false;
    const bound = Math.fround(Math.fround(this.#config.balanceRelThreshold) * Math.fround(fewest));
    return most - fewest > this.#config.balanceAbsThreshold && Math.fround(most) > bound;
  }

  /** Worker with the fewest recent characters, the first on a tie. */
  #emptiest(): number {
    let emptiest = -1;
    let fewest = Infinity;
    for (const [worker, load] of this.#ranges.loads) {
      if (load >= fewest) continue;
      fewest = load;
      emptiest = worker;
    }
    return emptiest;
  }

  snapshot(): unknown {
    return [this.#ranges.snapshot(), this.#interval];
  }

  restore(state: unknown): void {
    const [ranges, interval] = state as [unknown, number];
    this.#ranges.restore(ranges);
    this.#interval = interval;
  }
}

export const bucket: PolicyEntry<'router', BucketConfig> = {
  role: 'router',
  name: 'bucket',
  decides: 'Which worker: the owner of the prompt’s size range, or the emptiest when recent work is uneven.',
  source: 'smg model_gateway/src/policies/bucket.rs 73da68ca9',
  config: bucketConfig,
  variants: { 'smg-2026-08-07': { whenFleetChanges: 'full-range', whenOwnerAway: 'wait' } },
  make: (config) => new Bucket(config),
};

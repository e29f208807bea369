/**
 * Decides by the prompt's leading tokens: their hash picks a worker on the ring, unless that worker has more than its
 * share of leases. A cheap stand-in for a prefix index: prompts that begin alike meet on one worker, at the cost of one
 * hash and no memory. It cannot tell a long shared prefix from a short one, and a group of prompts larger than one
 * worker's share spills over.
 *
 * A worker is acceptable with at most `loadFactor` times the mean lease count, the new request included, or `slack`
 * leases above the mean. If the ring's worker is not, the least loaded acceptable one takes the request, and if none is
 * acceptable, the ring's worker after all. The key is XXH3 of the tokens as 32-bit words; the port shows blocks, so we
 * hash the ids of as many leading blocks as `prefixTokens` covers, or the prefix key.
 *
 * Source: smg policies/prefix_hash.rs at 73da68ca9. We differ by default: without a key the least loaded worker takes
 * the request, where upstream selects none (variant `smg-2026-08-07`; over HTTP it never sees tokens, so that is every
 * request: `smg-2026-08-07-http`). Upstream then answers 503, after as many attempts and backoffs as a failing worker
 * would get; here such a request is refused once. And `slack` is 10 as since #2150, since a factor alone gives up
 * affinity on an idle fleet: with 4 workers and one lease the bound is 0.625.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Router, WorkerView } from '../types.ts';
import { REFUSE } from './answers.ts';
import { type PrefixHashConfig, prefixHashConfig } from './config.ts';
import { tokensPerBlock } from './prompt-path.ts';
import { WorkerRing } from './worker-ring.ts';
import { xxh3 } from './xxh3.ts';

/** Ring key of the first `count` words, each a whole number below 2^32: sixteen hexadecimal digits. */
export function prefixHashKey(words: readonly number[], count: number): string {
  const length = Math.min(words.length, count);
  const bytes = new DataView(new ArrayBuffer(4 * length));
  for (let i = 0; i < length; i++) bytes.setUint32(4 * i, words[i] as number, true);
  return xxh3(bytes).hex();
}

/** True while a worker with `load` leases of `total` on `workers` workers may take one more. */
export function loadOk(load: number, total: number, workers: number, loadFactor: number, slack = 0): boolean {
  if (total === 0 || workers === 0) return true;
  const mean = (total + 1) / workers;
  return load <= Math.max(mean * loadFactor, slack === 0 ? 0 : mean + slack);
}

export class PrefixHash implements Router {
  readonly #config: PrefixHashConfig;
  readonly #ring = new WorkerRing();
  readonly #words: number[] = [];

  constructor(config: PrefixHashConfig) {
    this.#config = config;
  }

  pick(_now: Micros, request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    const words = this.#leadingWords(request);
    if (words.length === 0) return this.#config.withoutKey === 'refuse' ? REFUSE : leastLeases(candidates);
    const home = this.#ring.pick(prefixHashKey(words, words.length), candidates);
    let total = 0;
    for (const worker of candidates) total += worker.inFlight;
    if (this.#acceptable(candidates[home] as WorkerView, total, candidates.length)) return home;
    const least = leastLeases(candidates);
    return this.#acceptable(candidates[least] as WorkerView, total, candidates.length) ? least : home;
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    this.#ring.discovered(workers);
  }

  snapshot(): unknown {
    return this.#ring.snapshot();
  }

  restore(state: unknown): void {
    this.#ring.restore(state as (string | null)[]);
  }

  #acceptable(worker: WorkerView, total: number, workers: number): boolean {
    return loadOk(worker.inFlight, total, workers, this.#config.loadFactor, this.#config.slack);
  }

  /** Two words for each leading block, or for the prefix key; empty when neither is known. */
  #leadingWords(request: RequestView): readonly number[] {
    const words = this.#words;
    words.length = 0;
    if (this.#config.sees === 'nothing') return words;
    const { blockHashes, prefixKey } = request;
    if (blockHashes.length === 0) {
      if (prefixKey !== 0) pushWords(words, prefixKey);
      return words;
    }
    const covered = Math.floor(this.#config.prefixTokens / tokensPerBlock(request, 'auto'));
    const blocks = Math.min(blockHashes.length, Math.max(1, covered));
    for (let i = 0; i < blocks; i++) pushWords(words, blockHashes[i] as number);
    return words;
  }
}

function pushWords(words: number[], id: number): void {
  words.push(id >>> 0, Math.floor(id / 0x1_0000_0000) >>> 0);
}

/** Position of the candidate with the fewest leases, the first on a tie. */
function leastLeases(candidates: FleetView): number {
  let least = 0;
  for (let i = 1; i < candidates.length; i++) {
    if ((candidates[i] as WorkerView).inFlight < (candidates[least] as WorkerView).inFlight) least = i;
  }
  return least;
}

export const prefixHash: PolicyEntry<'router', PrefixHashConfig> = {
  role: 'router',
  name: 'prefix-hash',
  decides: 'Which worker: the owner of the leading tokens’ hash on a ring, unless it has more than its share.',
  source: 'smg model_gateway/src/policies/prefix_hash.rs 73da68ca9; #2150',
  config: prefixHashConfig,
  variants: {
    'smg-2026-08-07': { slack: 0, withoutKey: 'refuse' },
    'smg-2026-08-07-http': { slack: 0, withoutKey: 'refuse', sees: 'nothing' },
  },
  make: (config) => new PrefixHash(config),
};

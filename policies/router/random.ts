/**
 * Decides by a uniform draw among the candidates. The baseline of load-blind balancing: the fullest of n
 * workers exceeds the mean by about log n / log log n. Draws one number from the policy's stream each time,
 * with one candidate too, so that the stream does not depend on the fleet's health. Source: smg
 * policies/random.rs at 73da68ca9.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Rng, Router } from '../types.ts';
import { type RandomConfig, randomConfig } from './config.ts';

export class Random implements Router {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  pick(_now: Micros, _request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    return Math.floor(this.#rng() * candidates.length);
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const random: PolicyEntry<'router', RandomConfig> = {
  role: 'router',
  name: 'random',
  decides: 'Which worker: a uniform draw.',
  source: 'smg model_gateway/src/policies/random.rs 73da68ca9',
  config: randomConfig,
  variants: {},
  make: (_config, { rng }) => new Random(rng),
};

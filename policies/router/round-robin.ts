/**
 * Decides by turns: one counter, modulo the number of candidates at that moment. Regimes: even when requests
 * and workers are alike; it feeds a slow worker as much as a fast one, and a changing candidate set makes
 * turns skip or repeat. Needs no load information. Source: smg policies/round_robin.rs at 73da68ca9, where
 * `candidates` are the available workers.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Router } from '../types.ts';
import { type RoundRobinConfig, roundRobinConfig } from './config.ts';

export class RoundRobin implements Router {
  #turn = 0;

  pick(_now: Micros, _request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    return this.#turn++ % candidates.length;
  }

  snapshot(): number {
    return this.#turn;
  }

  restore(state: unknown): void {
    this.#turn = state as number;
  }
}

export const roundRobin: PolicyEntry<'router', RoundRobinConfig> = {
  role: 'router',
  name: 'round-robin',
  decides: 'Which worker: each candidate in turn.',
  source: 'smg model_gateway/src/policies/round_robin.rs 73da68ca9',
  config: roundRobinConfig,
  variants: {},
  make: () => new RoundRobin(),
};

/**
 * Decides by memory: a routing key stays with the worker it was given first, for as long as it is used. Stronger than
 * a hash ring: a worker that joins takes no session away from another. For clients whose state lives on a worker.
 *
 * A key remembers two workers at most. The first of them that is a candidate takes the request; if neither is, a
 * third is assigned and the older forgotten, so a key returns to its first worker after a short absence. New keys are
 * assigned at random, to the fewest leases or to the fewest keys in use, ties at random; a request without a key is
 * assigned each time. Limits: an even spread of keys is no even spread of work, and nothing moves a key off a hot
 * worker.
 *
 * Source: smg policies/manual.rs at 73da68ca9, CLI defaults. We differ: an idle key is forgotten the instant its time
 * is up, where upstream sweeps every 60 s, and the number of keys is bounded.
 */
import { refill } from '../refill.ts';
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { AttemptView, FleetView, Micros, RequestView, Rng, Router, WorkerView } from '../types.ts';
import { type ManualConfig, manualConfig } from './config.ts';

const WORKERS_PER_KEY = 2;

/** Keys in one snapshot: some 50 bytes each as text, and what they are long. */
const TOLD_MAX = 1 << 16;

interface Assignment {
  /** Older first. */
  readonly workers: number[];
  usedAt: Micros;
}

export class Manual implements Router {
  readonly #config: ManualConfig;
  readonly #rng: Rng;
  /** In order of last use, the longest unused first. */
  readonly #assignments = new Map<string, Assignment>();
  /** Leases by routing key, by worker. */
  readonly #activeKeys = new Map<number, Map<string, number>>();
  readonly #tied: number[] = [];

  constructor(config: ManualConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  pick(now: Micros, request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    const { routingKey } = request;
    if (routingKey === '') return this.#assign(candidates);
    this.#forgetIdle(now);
    const known = this.#assignments.get(routingKey);
    const workers = known?.workers ?? [];
    for (const worker of workers) {
      const position = candidates.findIndex(({ index }) => index === worker);
      if (position !== -1) {
        this.#remember(now, routingKey, workers);
        return position;
      }
    }
    const position = this.#assign(candidates);
    if (workers.length === WORKERS_PER_KEY) workers.shift();
    workers.push((candidates[position] as WorkerView).index);
    this.#remember(now, routingKey, workers);
    return position;
  }

  granted(_now: Micros, attempt: AttemptView): void {
    const { request, worker } = attempt;
    if (request.routingKey === '') return;
    let keys = this.#activeKeys.get(worker.index);
    if (keys === undefined) this.#activeKeys.set(worker.index, (keys = new Map<string, number>()));
    keys.set(request.routingKey, (keys.get(request.routingKey) ?? 0) + 1);
  }

  settled(_now: Micros, attempt: AttemptView): void {
    const { request, worker } = attempt;
    const keys = this.#activeKeys.get(worker.index);
    const leases = keys?.get(request.routingKey);
    if (keys === undefined || leases === undefined) return;
    if (leases > 1) keys.set(request.routingKey, leases - 1);
    else keys.delete(request.routingKey);
  }

  /** Keys remembered. */
  get keys(): number {
    return this.#assignments.size;
  }

  #remember(now: Micros, key: string, workers: number[]): void {
    this.#assignments.delete(key);
    this.#assignments.set(key, { workers, usedAt: now });
    if (this.#assignments.size <= this.#config.keysMax) return;
    for (const oldest of this.#assignments.keys()) {
      this.#assignments.delete(oldest);
      return;
    }
  }

  #forgetIdle(now: Micros): void {
    for (const [key, { usedAt }] of this.#assignments) {
      if (usedAt + this.#config.maxIdle > now) return;
      this.#assignments.delete(key);
    }
  }

  #assign(candidates: FleetView): number {
    const tied = this.#tied;
    tied.length = 0;
    let least = Infinity;
    for (let i = 0; i < candidates.length; i++) {
      const load = this.#loadOf(candidates[i] as WorkerView);
      if (load > least) continue;
      if (load < least) tied.length = 0;
      least = load;
      tied.push(i);
    }
    if (tied.length === 1) return tied[0] as number;
    return tied[Math.floor(this.#rng() * tied.length)] as number;
  }

  #loadOf(worker: WorkerView): number {
    const { assignment } = this.#config;
    switch (assignment) {
      case 'random':
        return 0;
      case 'min-load':
        return worker.inFlight;
      case 'min-group':
        return this.#activeKeys.get(worker.index)?.size ?? 0;
      default:
        return assignment satisfies never;
    }
  }

  /** Undefined once more keys are remembered than may be written down at once. */
  snapshot(): unknown {
    if (this.#assignments.size > TOLD_MAX) return undefined;
    const assignments = [...this.#assignments].map(([key, { workers, usedAt }]) => [key, usedAt, ...workers]);
    return [assignments, this.#activeKeys];
  }

  restore(state: unknown): void {
    const [assignments, activeKeys] = state as [[string, Micros, ...number[]][], Map<number, Map<string, number>>];
    for (const [key, usedAt, ...workers] of assignments) this.#assignments.set(key, { workers, usedAt });
    refill(this.#activeKeys, activeKeys);
  }
}

export const manual: PolicyEntry<'router', ManualConfig> = {
  role: 'router',
  name: 'manual',
  decides: 'Which worker: the one that the routing key was given before.',
  source: 'smg model_gateway/src/policies/manual.rs 73da68ca9',
  config: manualConfig,
  variants: {},
  make: (config, { rng }) => new Manual(config, rng),
};

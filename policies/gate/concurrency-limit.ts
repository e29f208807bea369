/**
 * Decides whether a worker may take one more request: while the gateway holds fewer than `max` leases there.
 * Keeps the queue in the gateway, where it can be shed, reordered and sent elsewhere, instead of in the
 * engine. Regimes: `max` near the engine's batch size keeps the batch full and its queue empty; far below it
 * starves the batch, far above it does nothing. Limits: it counts sequences, not KV blocks, and knows only
 * this gateway's leases. The answer changes only when a lease is settled, which the core notices itself, so
 * `reconsiderAt` is never. Source: sgl-project/sglang issue 29104 (per-worker cap plus router queue); Envoy's
 * max_requests per host. Variant `llm-d-2295`: leases are forgotten by age (aging-limit.ts).
 */
import type { PolicyEntry } from '../entry.ts';
import type { Gate, Micros, WorkerView } from '../types.ts';
import { AgingLimit } from './aging-limit.ts';
import { type ConcurrencyLimitConfig, concurrencyLimitConfig } from './config.ts';

export class ConcurrencyLimit implements Gate {
  readonly #max: number;

  /** `max`: leases per worker, at least 1. */
  constructor(max: number) {
    this.#max = max;
  }

  allows(_now: Micros, worker: WorkerView): boolean {
    return worker.inFlight < this.#max;
  }

  reconsiderAt(): Micros {
    return Infinity;
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const concurrencyLimit: PolicyEntry<'gate', ConcurrencyLimitConfig> = {
  role: 'gate',
  name: 'concurrency-limit',
  decides: 'Whether a worker may take one more: while fewer than `max` leases are held there.',
  source: 'sgl-project/sglang issue 29104; Envoy circuit_breaker max_requests',
  config: concurrencyLimitConfig,
  variants: { 'llm-d-2295': { forgetAfter: '300s' } },
  make: ({ max, forgetAfter }) => {
    return forgetAfter === Infinity ? new ConcurrencyLimit(max) : new AgingLimit(max, forgetAfter);
  },
};

/**
 * Decides that everyone may enter: no permits, no waiting, whatever the capacity says. The baseline that
 * leaves all queueing to the workers, as gateways do whose concurrency limit is off (smg
 * `max-concurrent-requests` -1). Regimes: fine while the engines keep up; beyond that their own queues grow
 * without bound and every wait is spent where nobody can shed it. It still counts whom it admitted, so that
 * the end of a run can show that all of them left.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { Micros, Queue, QueueEffect, RequestView } from '../types.ts';
import { type NoQueueConfig, noQueueConfig } from './config.ts';

export class NoQueue implements Queue {
  readonly #admitted = new Set<number>();

  offer(_now: Micros, request: RequestView): 'admitted' {
    assert(!this.#admitted.has(request.id), 'a request was offered twice');
    this.#admitted.add(request.id);
    return 'admitted';
  }

  leave(_now: Micros, request: RequestView): void {
    this.#admitted.delete(request.id);
  }

  capacityChanged(): void {}

  wake(): void {}

  take(): QueueEffect | undefined {
    return undefined;
  }

  nextWakeAt(): Micros {
    return Infinity;
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return { waiting: 0, admitted: this.#admitted.size };
  }

  snapshot(): unknown {
    return [...this.#admitted];
  }

  restore(state: unknown): void {
    for (const id of state as number[]) this.#admitted.add(id);
  }
}

export const noQueue: PolicyEntry<'queue', NoQueueConfig> = {
  role: 'queue',
  name: 'none',
  decides: 'Everyone enters at once.',
  source: 'smg model_gateway/src/middleware/concurrency.rs 73da68ca9 (max_concurrent_requests <= 0)',
  config: noQueueConfig,
  variants: {},
  make: () => new NoQueue(),
};

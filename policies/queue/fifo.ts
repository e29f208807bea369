/**
 * Decides who may enter when the gateway is full: first come, first served, with a bounded number of waiters
 * and a bounded wait. It hands out at most `capacity` permits; a permit is held from admission until the
 * request is over, retries and backoffs included. Regimes: below capacity it is invisible; at capacity the
 * wait absorbs bursts up to `size`; under lasting overload every admitted request has waited nearly
 * `timeout`, so a client that gives up sooner makes the queue serve the dead (that is what CoDel and LIFO
 * variants are for).
 *
 * An expired waiter is shed before anything is admitted at that instant, whichever input comes first.
 * Newcomers never pass waiters. A shrunk capacity leaves permits alone and admits nobody until enough came
 * back. Limits: one class, no weights; the request's own deadline is the core's to enforce, by `leave`.
 *
 * Source: smg middleware/concurrency.rs as repaired by smg pull 2265 (FIFO hand-off, real bound). We differ
 * from 73da68ca9, where the bound seldom binds, order is arbitrary and the wait ends when a token should have
 * appeared.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FinishCause, Micros, Queue, QueueEffect, RequestView } from '../types.ts';
import { type FifoConfig, fifoConfig } from './config.ts';
import { KeyedFifo } from './keyed-fifo.ts';

interface Waiter {
  readonly request: RequestView;
  readonly expiresAt: Micros;
}

export class Fifo implements Queue {
  readonly #size: number;
  readonly #timeoutUs: Micros;
  /** Oldest first, which is also the order of expiry: all wait equally long. */
  readonly #waiting = new KeyedFifo<Waiter>();
  readonly #admitted = new Set<number>();
  readonly #outbox = new KeyedFifo<QueueEffect>();
  #capacity = Infinity;
  #now: Micros = -Infinity;

  constructor(config: FifoConfig) {
    this.#size = config.size;
    this.#timeoutUs = config.timeout;
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    this.#enter(now);
    const { id } = request;
    assert(!this.#admitted.has(id) && !this.#waiting.has(id), 'a request was offered twice');
    // A permit is free only while nobody waits: every input that frees one hands it on.
    if (this.#admitted.size < this.#capacity) {
      this.#admitted.add(id);
      return 'admitted';
    }
    if (this.#waiting.size >= this.#size) return 'queue-full';
    this.#waiting.push(id, { request, expiresAt: now + this.#timeoutUs });
    return 'queued';
  }

  leave(now: Micros, request: RequestView): void {
    const { id } = request;
    // Before expiry: a request that is over is not also shed. An answer not yet taken is withdrawn for the
    // same reason.
    this.#outbox.delete(id);
    this.#waiting.delete(id);
    this.#admitted.delete(id);
    this.#enter(now);
    this.#admit();
  }

  capacityChanged(now: Micros, capacity: number): void {
    assert(capacity >= 0, 'a capacity is at least 0');
    this.#enter(now);
    this.#capacity = capacity;
    this.#admit();
  }

  wake(now: Micros): void {
    this.#enter(now);
  }

  take(): QueueEffect | undefined {
    return this.#outbox.shift();
  }

  nextWakeAt(): Micros {
    return this.#waiting.peek()?.expiresAt ?? Infinity;
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return { waiting: this.#waiting.size, admitted: this.#admitted.size };
  }

  /** Every input starts here: what is expired by `now` goes before anything is decided. */
  #enter(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at the queue');
    this.#now = now;
    while (this.nextWakeAt() <= now) {
      const head = this.#waiting.shift() as Waiter;
      this.#outbox.push(head.request.id, { kind: 'shed', request: head.request, cause: 'queue-timeout' });
    }
  }

  #admit(): void {
    while (this.#admitted.size < this.#capacity) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) return;
      this.#admitted.add(waiter.request.id);
      this.#outbox.push(waiter.request.id, { kind: 'admit', request: waiter.request });
    }
  }

  snapshot(): unknown {
    const waiting = [...this.#waiting.values()].map(({ request, expiresAt }) => [request.id, expiresAt]);
    return [waiting, [...this.#admitted], this.#capacity, this.#now];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    const [waiting, admitted, capacity, now] = state as [[number, Micros][], number[], number, Micros];
    for (const [id, expiresAt] of waiting) this.#waiting.push(id, { request: requestOf(id), expiresAt });
    for (const id of admitted) this.#admitted.add(id);
    this.#capacity = capacity;
    this.#now = now;
  }
}

export const fifo: PolicyEntry<'queue', FifoConfig> = {
  role: 'queue',
  name: 'fifo',
  decides: 'Who may enter when the gateway is full: first come, first served, within a size and a wait.',
  source: 'smg model_gateway/src/middleware/concurrency.rs 73da68ca9 with smg pull 2265',
  config: fifoConfig,
  variants: {},
  make: (config) => new Fifo(config),
};

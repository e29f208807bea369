/**
 * Decides who may enter by two limits kept apart: at most `capacity` requests are in at once, and in the long
 * run at most `refillPerSec` enter per second, `burst` of them at once after a pause. First come, first served,
 * with a bounded number of waiters and a bounded wait. Regimes: below both limits it is invisible; short of
 * permits the wait ends when someone leaves, short of tokens when the next one is there, which is announced by
 * `nextWakeAt`; under lasting overload the wait nears `timeout`. Without a refill (the default) only the
 * permits limit, and it decides as queue/fifo.ts does.
 *
 * A waiter whose time is up is shed before anything is admitted at that instant; a newcomer never passes a
 * waiter; a shrunk capacity leaves permits alone. Limits: one class; a token buys any request, long or short.
 *
 * Source: smg middleware/concurrency.rs with pulls 2240 (no refill by default) and 2265 (hand-off in order,
 * real bound). We differ in that a rate does not raise the number that may be in. The historic admission is
 * legacy-queue.ts, by variant `smg-2026-08-07`.
 */
import { refillSet } from '../refill.ts';
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import { KeyedFifo } from '../queue/keyed-fifo.ts';
import type { FinishCause, Micros, Queue, QueueEffect, RequestView } from '../types.ts';
import { type TokenBucketConfig, tokenBucketConfig } from './config.ts';
import { LegacyQueue } from './legacy-queue.ts';
import { type BucketState, refitted, restoredBucket, type TokenBucket } from './token-bucket.ts';

interface Waiter {
  readonly request: RequestView;
  readonly expiresAt: Micros;
}

class BucketQueue implements Queue {
  readonly #config: TokenBucketConfig;
  /** Oldest first, which is also the order of expiry: all wait equally long. */
  readonly #waiting = new KeyedFifo<Waiter>();
  readonly #admitted = new Set<number>();
  readonly #outbox = new KeyedFifo<QueueEffect>();
  /** Undefined while there is no limit on the rate. */
  #bucket: TokenBucket | undefined;
  #capacity = Infinity;
  #now: Micros = -Infinity;

  constructor(config: TokenBucketConfig) {
    this.#config = config;
    this.#limitRate(0);
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    this.#enter(now);
    const { id } = request;
    assert(!this.#admitted.has(id) && !this.#waiting.has(id), 'a request was offered twice');
    // Room is free only while nobody waits: every input that brings some hands it on.
    if (this.#grantRoom(now, id)) return 'admitted';
    if (this.#waiting.size >= this.#config.size) return 'queue-full';
    this.#waiting.push(id, { request, expiresAt: now + this.#config.timeout });
    return 'queued';
  }

  leave(now: Micros, request: RequestView): void {
    const { id } = request;
    // Before expiry: a request that is over is not also shed, and an answer not yet taken is withdrawn.
    this.#outbox.delete(id);
    this.#waiting.delete(id);
    this.#admitted.delete(id);
    this.#enter(now);
  }

  capacityChanged(now: Micros, capacity: number): void {
    assert(capacity >= 0, 'a capacity is at least 0');
    this.#expire(now);
    this.#capacity = capacity;
    this.#limitRate(now);
    this.#enter(now);
  }

  wake(now: Micros): void {
    this.#enter(now);
  }

  take(): QueueEffect | undefined {
    return this.#outbox.shift();
  }

  nextWakeAt(): Micros {
    const head = this.#waiting.peek();
    if (head === undefined) return Infinity;
    if (this.#bucket === undefined || this.#admitted.size >= this.#capacity) return head.expiresAt;
    return Math.min(head.expiresAt, this.#bucket.readyAt(this.#now, 1));
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return { waiting: this.#waiting.size, admitted: this.#admitted.size };
  }

  /** Every input passes here: the expired go, then the waiters that have room come in. */
  #enter(now: Micros): void {
    this.#expire(now);
    for (let head = this.#waiting.peek(); head !== undefined; head = this.#waiting.peek()) {
      const { request } = head;
      if (!this.#grantRoom(now, request.id)) return;
      this.#waiting.delete(request.id);
      this.#outbox.push(request.id, { kind: 'admit', request });
    }
  }

  #expire(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at the queue');
    this.#now = now;
    for (let head = this.#waiting.peek(); head !== undefined; head = this.#waiting.peek()) {
      if (head.expiresAt > now) return;
      this.#waiting.shift();
      this.#outbox.push(head.request.id, { kind: 'shed', request: head.request, cause: 'queue-timeout' });
    }
  }

  /** A permit and a token, or neither. */
  #grantRoom(now: Micros, id: number): boolean {
    if (this.#admitted.size >= this.#capacity) return false;
    // A look that fails banks nothing: asked twice, the bucket answers alike to the last digit.
    if (this.#bucket !== undefined && this.#bucket.peek(now) < 1) return false;
    this.#bucket?.take(now, 1);
    this.#admitted.add(id);
    return true;
  }

  #limitRate(now: Micros): void {
    const { refillPerSec, burst } = this.#config;
    const perSec = refillPerSec === 'capacity' ? this.#capacity : refillPerSec;
    const size = burst === 'capacity' ? this.#capacity : burst;
    this.#bucket = refitted(this.#bucket, now, size, perSec);
  }

  snapshot(): unknown {
    const waiting = [...this.#waiting.values()].map(({ request, expiresAt }) => [request.id, expiresAt]);
    return [waiting, this.#admitted, this.#bucket?.snapshot() ?? null, this.#capacity, this.#now];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    const [waiting, admitted, bucket, capacity, now] = state as [
      ...[[number, Micros][], Set<number>, BucketState | null, number, Micros],
    ];
    for (const [id, expiresAt] of waiting) this.#waiting.push(id, { request: requestOf(id), expiresAt });
    refillSet(this.#admitted, admitted);
    this.#bucket = restoredBucket(bucket);
    this.#capacity = capacity;
    this.#now = now;
  }
}

export const tokenBucket: PolicyEntry<'queue', TokenBucketConfig> = {
  role: 'queue',
  name: 'token-bucket',
  decides: 'Who may enter by a limit on how many are in and one on how many enter per second, in order of arrival.',
  source: 'smg model_gateway/src/middleware/{concurrency,token_bucket}.rs 73da68ca9, smg pulls 2240 and 2265',
  config: tokenBucketConfig,
  variants: { 'smg-2026-08-07': { refillPerSec: 'capacity', admission: 'legacy' } },
  make: (config) => (config.admission === 'legacy' ? new LegacyQueue(config) : new BucketQueue(config)),
};

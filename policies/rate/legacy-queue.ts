/**
 * The admission of smg as it was, made deterministic. One bucket of `capacity` tokens is both rate and
 * concurrency limit: everyone admitted takes a token and gives it back at the end, and by default n flow in per
 * second besides, so that over time n *per second* are admitted however many are in flight (48,331 against a
 * limit of 8000, smg pull 2240). Who finds no token waits in a line that nothing bounds: upstream's queue of
 * `size` is emptied at once by the task that turns its entries into waiters, so only `size` 0 refuses. With a
 * refill a waiter gives up after (1 − tokens) / rate, the time in which one token would appear if nobody else
 * took it, and not after `timeout`; without, it waits for a return for `timeout`. The next newcomer takes what
 * they missed.
 *
 * Waiters look for a token when one is given back and, with a refill, every 10 ms from their last look.
 * Upstream leaves open who looks first; here it is whoever looked longest ago, ties by arrival, which is not
 * the order of arrival. A look at the very instant of giving up still counts. Not reproduced: the return that
 * is missed between a look and its registration, tokens leaked by abandoned waiters (upstream issues 31907 and
 * 29165 of sglang), timer granularity. A capacity that changes (upstream's is fixed) moves the level of the
 * bucket with it. Source: smg middleware/{concurrency,token_bucket}.rs at 73da68ca9.
 */
import { refillSet } from '../refill.ts';
import { assert } from '../../src/kernel/assert.ts';
import { Deadlines } from '../admission/deadlines.ts';
import { KeyedFifo } from '../queue/keyed-fifo.ts';
import type { FinishCause, Micros, Queue, QueueEffect, RequestView } from '../types.ts';
import type { TokenBucketConfig } from './config.ts';
import { type BucketState, restoredBucket, TokenBucket } from './token-bucket.ts';

const POLL_US = 10e3;

interface Waiter {
  readonly request: RequestView;
  readonly givesUpAt: Micros;
  /** Next look by time alone; Infinity without a refill. */
  pollAt: Micros;
}

export class LegacyQueue implements Queue {
  readonly #config: TokenBucketConfig;
  /** By their last look, longest ago first. */
  readonly #line = new Map<number, Waiter>();
  /** When each waiter looks again or gives up. */
  readonly #due = new Deadlines();
  readonly #admitted = new Set<number>();
  readonly #outbox = new KeyedFifo<QueueEffect>();
  /** Undefined while there is no limit. */
  #bucket: TokenBucket | undefined;
  #capacity = Infinity;
  #now: Micros = -Infinity;

  constructor(config: TokenBucketConfig) {
    this.#config = config;
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    this.wake(now);
    const { id } = request;
    assert(!this.#admitted.has(id) && !this.#line.has(id), 'a request was offered twice');
    if (this.#takeToken(now)) {
      this.#admitted.add(id);
      return 'admitted';
    }
    if (this.#config.size === 0) return 'queue-full';
    const waiter: Waiter = { request, givesUpAt: this.#givesUpAt(now), pollAt: this.#pollAt(now) };
    this.#line.set(id, waiter);
    this.#due.set(id, Math.min(waiter.givesUpAt, waiter.pollAt));
    return 'queued';
  }

  leave(now: Micros, request: RequestView): void {
    const { id } = request;
    this.#outbox.delete(id);
    this.#dismiss(id);
    const returned = this.#admitted.delete(id);
    this.wake(now);
    if (!returned) return;
    this.#bucket?.add(1);
    this.#wakeAll(now);
  }

  capacityChanged(now: Micros, capacity: number): void {
    assert(capacity >= 0, 'a capacity is at least 0');
    this.wake(now);
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    const refill = this.#refillPerSec();
    if (capacity === Infinity) {
      this.#bucket = undefined;
    } else if (this.#bucket === undefined) {
      this.#bucket = new TokenBucket(now, capacity, refill);
      this.#bucket.add(-this.#admitted.size);
    } else {
      this.#bucket.resize(now, capacity, refill);
    }
    this.#wakeAll(now);
  }

  wake(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at the queue');
    this.#now = now;
    for (let id = this.#due.shiftDue(now); id !== undefined; id = this.#due.shiftDue(now)) this.#look(now, id);
  }

  take(): QueueEffect | undefined {
    return this.#outbox.shift();
  }

  nextWakeAt(): Micros {
    return this.#due.earliestAt();
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return { waiting: this.#line.size, admitted: this.#admitted.size };
  }

  #refillPerSec(): number {
    const { refillPerSec } = this.#config;
    return refillPerSec === 'capacity' ? this.#capacity : refillPerSec;
  }

  #takeToken(now: Micros): boolean {
    return this.#bucket === undefined || this.#bucket.take(now, 1);
  }

  #givesUpAt(now: Micros): Micros {
    const refill = this.#refillPerSec();
    if (refill === 0) return now + this.#config.timeout;
    const tokens = this.#bucket?.peek(now) ?? 1;
    return now + ((1 - tokens) / refill) * 1e6;
  }

  #pollAt(now: Micros): Micros {
    return this.#refillPerSec() === 0 ? Infinity : now + POLL_US;
  }

  /** The waiter's time has come: it looks when it was to look, and gives up when it was to give up. */
  #look(now: Micros, id: number): void {
    const waiter = this.#line.get(id);
    assert(waiter !== undefined, 'a time came for someone who does not wait');
    if (waiter.pollAt <= now && waiter.pollAt <= waiter.givesUpAt && this.#takeToken(now)) {
      this.#admit(waiter);
    } else if (waiter.givesUpAt <= now) {
      this.#line.delete(id);
      this.#outbox.push(id, { kind: 'shed', request: waiter.request, cause: 'queue-timeout' });
    } else {
      this.#line.delete(id);
      this.#line.set(id, waiter);
      this.#waitOn(now, waiter);
    }
  }

  #waitOn(now: Micros, waiter: Waiter): void {
    waiter.pollAt = this.#pollAt(now);
    this.#due.set(waiter.request.id, Math.min(waiter.givesUpAt, waiter.pollAt));
  }

  /** Everyone looks, in the order of the line; who finds nothing polls from here on. */
  #wakeAll(now: Micros): void {
    for (const waiter of this.#line.values()) {
      if (!this.#takeToken(now)) break;
      this.#admit(waiter);
    }
    if (this.#refillPerSec() === 0) return;
    for (const waiter of this.#line.values()) {
      this.#due.delete(waiter.request.id);
      this.#waitOn(now, waiter);
    }
  }

  #admit(waiter: Waiter): void {
    const { request } = waiter;
    this.#dismiss(request.id);
    this.#admitted.add(request.id);
    this.#outbox.push(request.id, { kind: 'admit', request });
  }

  #dismiss(id: number): void {
    this.#line.delete(id);
    this.#due.delete(id);
  }

  snapshot(): unknown {
    const line = [...this.#line].map(([id, { givesUpAt, pollAt }]) => [id, givesUpAt, pollAt]);
    const bucket = this.#bucket?.snapshot() ?? null;
    return [line, this.#due.values(), this.#admitted, bucket, this.#capacity, this.#now];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    const [line, due, admitted, bucket, capacity, now] = state as [
      ...[[number, Micros, Micros][], [number, Micros][], Set<number>, BucketState | null],
      ...[number, Micros],
    ];
    for (const [id, givesUpAt, pollAt] of line) this.#line.set(id, { request: requestOf(id), givesUpAt, pollAt });
    for (const [id, at] of due) this.#due.set(id, at);
    refillSet(this.#admitted, admitted);
    this.#bucket = restoredBucket(bucket);
    this.#capacity = capacity;
    this.#now = now;
  }
}

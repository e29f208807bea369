/**
 * What queues with an order of their own share: the permits, the size, the outbox and the order of events in an input.
 * The discipline owns who waits and says who is next and who has waited too long; what has expired is shed before
 * anything else is decided, and newcomers never pass waiters, for a permit is free only while nobody waits. The claims
 * are those of `fifo` (fifo.ts), which came first and stands on its own.
 */
import { refillSet } from '../refill.ts';
import { assert } from '../../src/kernel/assert.ts';
import type { AttemptResult, AttemptView, FinishCause, Micros, Queue, QueueEffect, RequestView } from '../types.ts';
import { KeyedFifo } from './keyed-fifo.ts';

/** What becomes of a waiter that is taken out. */
export type Selection = Exclude<QueueEffect, { kind: 'preempt' }>;

/** A waiter and its times. */
export interface Waiter {
  readonly request: RequestView;
  readonly since: Micros;
  /** Infinity: it may wait as long as it likes. */
  readonly expiresAt: Micros;
}

export interface Discipline {
  /** How many wait. */
  readonly waiting: number;
  has(id: number): boolean;
  /** Why a newcomer is turned away whether there is room or not; undefined lets it in. */
  refuses?(now: Micros, request: RequestView): FinishCause | undefined;
  /** A newcomer entered at once. */
  passed?(now: Micros): void;
  /** A newcomer waits. */
  join(now: Micros, request: RequestView): void;
  /** A waiter is over, for reasons of its own. Unknown ones are ignored. */
  withdraw(id: number): void;
  /** Takes out one waiter that may wait no longer at `now`. Called first in every input, until there is none. */
  takeExpired(now: Micros): Selection | undefined;
  /** Takes out the waiter whose turn it is: to be admitted, or shed after all. Asked while a permit is free. */
  takeNext(now: Micros): Selection | undefined;
  /** Earliest instant at which `takeExpired` would do something; Infinity while nobody waits. */
  nextWakeAt(): Micros;
  granted?(now: Micros, attempt: AttemptView): void;
  settled?(now: Micros, attempt: AttemptView, result: AttemptResult): void;
  /** As `Snapshots`, and every one can. */
  snapshot(): unknown;
  restore(state: unknown, requestOf: (id: number) => RequestView): void;
}

/** Waiters as a snapshot has them: request, since, expiry. */
export type WaiterState = readonly [number, Micros, Micros];

/** Oldest first. */
export function waiterStates(waiting: KeyedFifo<Waiter>): WaiterState[] {
  return [...waiting.values()].map(({ request, since, expiresAt }) => [request.id, since, expiresAt]);
}

/** Fills an empty list with what `waiterStates` answered. */
export function refillWaiters(
  waiting: KeyedFifo<Waiter>,
  states: readonly WaiterState[],
  requestOf: (id: number) => RequestView,
): void {
  for (const [id, since, expiresAt] of states) waiting.push(id, { request: requestOf(id), since, expiresAt });
}

export class DisciplinedQueue implements Queue {
  readonly #size: number;
  readonly #discipline: Discipline;
  readonly #admitted = new Set<number>();
  readonly #outbox = new KeyedFifo<QueueEffect>();
  #capacity = Infinity;
  #now: Micros = -Infinity;

  /** `size`: requests that may wait. */
  constructor(size: number, discipline: Discipline) {
    this.#size = size;
    this.#discipline = discipline;
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    this.#enter(now);
    const { id } = request;
    assert(!this.#admitted.has(id) && !this.#discipline.has(id), 'a request was offered twice');
    const refused = this.#discipline.refuses?.(now, request);
    if (refused !== undefined) return refused;
    if (this.#admitted.size < this.#capacity) {
      this.#admitted.add(id);
      this.#discipline.passed?.(now);
      return 'admitted';
    }
    if (this.#discipline.waiting >= this.#size) return 'queue-full';
    this.#discipline.join(now, request);
    return 'queued';
  }

  leave(now: Micros, { id }: RequestView): void {
    // Before expiry: a request that is over is not also shed. An answer not yet taken is withdrawn for that reason.
    this.#outbox.delete(id);
    this.#discipline.withdraw(id);
    this.#admitted.delete(id);
    this.#enter(now);
    this.#admit(now);
  }

  capacityChanged(now: Micros, capacity: number): void {
    assert(capacity >= 0, 'a capacity is at least 0');
    this.#enter(now);
    this.#capacity = capacity;
    this.#admit(now);
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.#discipline.granted?.(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#discipline.settled?.(now, attempt, result);
  }

  wake(now: Micros): void {
    this.#enter(now);
  }

  take(): QueueEffect | undefined {
    return this.#outbox.shift();
  }

  nextWakeAt(): Micros {
    return this.#discipline.nextWakeAt();
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return { waiting: this.#discipline.waiting, admitted: this.#admitted.size };
  }

  /** Every input starts here: what is expired by `now` goes before anything is decided. */
  #enter(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at the queue');
    this.#now = now;
    for (let over = this.#discipline.takeExpired(now); over !== undefined; over = this.#discipline.takeExpired(now)) {
      this.#outbox.push(over.request.id, over);
    }
  }

  #admit(now: Micros): void {
    while (this.#admitted.size < this.#capacity) {
      const selected = this.#discipline.takeNext(now);
      if (selected === undefined) return;
      if (selected.kind === 'admit') this.#admitted.add(selected.request.id);
      this.#outbox.push(selected.request.id, selected);
    }
  }

  snapshot(): unknown {
    return [this.#discipline.snapshot(), this.#admitted, this.#capacity, this.#now];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    const [discipline, admitted, capacity, now] = state as [unknown, Set<number>, number, Micros];
    this.#discipline.restore(discipline, requestOf);
    refillSet(this.#admitted, admitted);
    this.#capacity = capacity;
    this.#now = now;
  }
}

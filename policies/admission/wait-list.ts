/**
 * Those who wait for a lease: in fair order (fair-queue.ts, one group a resource), each with a deadline. It keeps the
 * resources' counts of waiters, and knows when time alone will let somebody out: at the earliest deadline, or from the
 * instant at which a resource somebody waits for may have one more.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { Micros } from '../types.ts';
import type { RequestAdmissionConfig } from './config.ts';
import { Deadlines } from './deadlines.ts';
import type { Endpoint } from './endpoint.ts';
import { type EmptiedGroup, FairQueue } from './fair-queue.ts';
import type { ResourceLimit } from './resource-limit.ts';

interface Waiter {
  readonly item: number;
  readonly limit: ResourceLimit;
}

export class WaitList {
  readonly #queue: FairQueue<Waiter>;
  readonly #waiters = new Map<number, Waiter>();
  readonly #deadlines = new Deadlines();

  constructor(emptied: EmptiedGroup) {
    this.#queue = new FairQueue(emptied);
  }

  get size(): number {
    return this.#waiters.size;
  }

  has(item: number): boolean {
    return this.#waiters.has(item);
  }

  /** `deadlineAt`: Infinity to wait for ever. */
  join(item: number, limit: ResourceLimit, deadlineAt: Micros): void {
    const waiter: Waiter = { item, limit };
    this.#waiters.set(item, waiter);
    this.#queue.push(limit.key, limit.settings.weight, item, waiter);
    if (deadlineAt < Infinity) this.#deadlines.set(item, deadlineAt);
    limit.waiting++;
  }

  /** Takes one out unserved. Undefined when it was not waiting. */
  leave(item: number): Waiter | undefined {
    const waiter = this.#waiters.get(item);
    if (waiter === undefined) return undefined;
    this.#queue.remove(item);
    this.#forget(waiter);
    return waiter;
  }

  /** Takes out one whose deadline has come, earliest first. */
  shiftExpired(now: Micros): Waiter | undefined {
    const item = this.#deadlines.shiftDue(now);
    return item === undefined ? undefined : this.leave(item);
  }

  /** Takes out the first, in fair order, that may have a lease now. */
  shiftEligible(now: Micros): Waiter | undefined {
    if (this.#waiters.size === 0) return undefined;
    const waiter = this.#queue.select(({ limit }) => limit.eligibleFrom() <= now);
    if (waiter === undefined) return undefined;
    this.#queue.commit(waiter.item);
    this.#forget(waiter);
    return waiter;
  }

  /** Would a newcomer at this endpoint pass somebody who may go now? */
  ahead(now: Micros, endpoint: Endpoint, rule: RequestAdmissionConfig['newcomers']): boolean {
    if (this.#waiters.size === 0) return false;
    const first = this.#queue.select(
      ({ limit }) => limit.eligibleFrom() <= now && (rule === 'behind-fair-head' || limit.endpoint === endpoint),
    );
    return first?.limit.endpoint === endpoint;
  }

  nextWakeAt(): Micros {
    let at = this.#deadlines.earliestAt();
    for (const { limit } of this.#queue.heads()) at = Math.min(at, limit.eligibleFrom());
    return at;
  }

  checkInvariants(): void {
    this.#queue.checkInvariants();
    assert(this.#queue.size === this.#waiters.size, 'everyone who waits is in the fair queue');
    assert(this.#deadlines.size <= this.#waiters.size, 'only those who wait have deadlines');
  }

  #forget({ item, limit }: Waiter): void {
    this.#waiters.delete(item);
    this.#deadlines.delete(item);
    limit.waiting--;
  }
}

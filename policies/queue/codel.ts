/**
 * Decides who may enter as `fifo` does, and under overload lets nobody wait long: controlled delay. At the end of each
 * `interval` it asks for the least wait of all who left the queue in it. Above `target`, the queue never cleared: it
 * is no burst but a standing backlog, and until the next verdict whoever has waited twice the target is shed.
 * Intuition: a good queue empties; a wait that nobody escapes serves no one, and shedding early leaves the rest in
 * time for their clients.
 *
 * Regimes: a burst shorter than the interval is absorbed in full up to `timeout`; under lasting overload waits stay
 * between nothing and 2 × target, so the admitted are fresh and the shed know within a second. Limits: no order but
 * arrival; the first interval of an overload is served as by fifo; one lucky entry in an interval ends the strictness
 * for the next.
 *
 * Source: folly executors/Codel (the variant `folly`: 100 ms, 5 ms) after B. Maurer, "Fail at Scale" (ACM Queue,
 * 2015). Defaults are rescaled to services that take seconds. We differ: folly looks when a task is dequeued, here a
 * waiter is shed at the instant its wait is up; a request that enters at once counts as a wait of 0; when nobody left
 * the queue in an interval the age of the oldest waiter stands in, and a whole interval without any waiter ends the
 * overload.
 */
import type { PolicyEntry } from '../entry.ts';
import type { Micros, RequestView } from '../types.ts';
import { type CodelConfig, codelConfig } from './config.ts';
import { type Discipline, DisciplinedQueue, refillWaiters, waiterStates } from './disciplined-queue.ts';
import type { Selection, Waiter, WaiterState } from './disciplined-queue.ts';
import { KeyedFifo } from './keyed-fifo.ts';

class ControlledDelay implements Discipline {
  readonly #config: CodelConfig;
  /** Oldest first, which is the order of expiry and of shedding too. */
  readonly #waiting = new KeyedFifo<Waiter>();
  /** Least wait of this interval; Infinity while nobody left the queue. */
  #leastUs: Micros = Infinity;
  #intervalEndsAt: Micros = -Infinity;
  #overloaded = false;

  constructor(config: CodelConfig) {
    this.#config = config;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  passed(): void {
    this.#leastUs = 0;
  }

  join(now: Micros, request: RequestView): void {
    this.#waiting.push(request.id, { request, since: now, expiresAt: now + this.#config.timeout });
  }

  withdraw(id: number): void {
    this.#waiting.delete(id);
  }

  takeExpired(now: Micros): Selection | undefined {
    if (now >= this.#intervalEndsAt) this.#judge(now);
    if (this.#headGoesAt() > now) return undefined;
    const { request } = this.#takeHead(now) as Waiter;
    return { kind: 'shed', request, cause: 'queue-timeout' };
  }

  takeNext(now: Micros): Selection | undefined {
    const head = this.#takeHead(now);
    return head === undefined ? undefined : { kind: 'admit', request: head.request };
  }

  nextWakeAt(): Micros {
    return this.#waiting.size === 0 ? Infinity : Math.min(this.#headGoesAt(), this.#intervalEndsAt);
  }

  /** When the oldest waiter has to go; Infinity when there is none. */
  #headGoesAt(): Micros {
    const head = this.#waiting.peek();
    if (head === undefined) return Infinity;
    return this.#overloaded ? Math.min(head.expiresAt, head.since + 2 * this.#config.target) : head.expiresAt;
  }

  #takeHead(now: Micros): Waiter | undefined {
    const head = this.#waiting.shift();
    if (head !== undefined) this.#leastUs = Math.min(this.#leastUs, now - head.since);
    return head;
  }

  /** The verdict at the end of an interval, which begins the next one. */
  #judge(now: Micros): void {
    const { interval, target } = this.#config;
    const head = this.#waiting.peek();
    const idle = head === undefined && (this.#leastUs === Infinity || now >= this.#intervalEndsAt + interval);
    const standIn = head === undefined ? 0 : now - head.since;
    const leastUs = this.#leastUs === Infinity ? standIn : this.#leastUs;
    this.#overloaded = !idle && leastUs > target;
    this.#leastUs = Infinity;
    this.#intervalEndsAt = now + interval;
  }

  snapshot(): unknown {
    return [waiterStates(this.#waiting), this.#leastUs, this.#intervalEndsAt, this.#overloaded];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    const [waiting, leastUs, intervalEndsAt, overloaded] = state as [WaiterState[], Micros, Micros, boolean];
    refillWaiters(this.#waiting, waiting, requestOf);
    this.#leastUs = leastUs;
    this.#intervalEndsAt = intervalEndsAt;
    this.#overloaded = overloaded;
  }
}

export const codel: PolicyEntry<'queue', CodelConfig> = {
  role: 'queue',
  name: 'codel',
  decides: 'Who may enter when the gateway is full: first come, first served, and no long waits once a backlog stands.',
  source: 'facebook/folly folly/executors/Codel.cpp; Maurer, Fail at Scale (ACM Queue 2015)',
  config: codelConfig,
  variants: { folly: { interval: '100ms', target: '5ms' } },
  make: (config) => new DisciplinedQueue(config.size, new ControlledDelay(config)),
};

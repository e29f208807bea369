/**
 * Decides who may enter when the gateway is full: first come, first served while waits are short, and newest first
 * once the oldest waiter is older than `threshold`. Intuition: with a long backlog the oldest clients are about to
 * give up, or have; whoever came last has most patience left. In order, everyone waits too long; newest first, some
 * are served in time.
 *
 * Regimes: a burst shorter than the threshold is served in order; under lasting overload newcomers are served almost
 * at once and those of the first bad minute wait until `timeout` sheds them; when the old ones are gone it is a FIFO
 * again. Limits: waits are unfair by design (the mean is that of FIFO, the median far below, the tail is `timeout`);
 * clients that come back after a timeout are newest again; with clients that wait for ever it only costs fairness.
 *
 * Size, timeout, permits and expiry are those of `fifo`. Source: B. Maurer, "Fail at Scale" (ACM Queue, 2015),
 * adaptive LIFO, there with a queue not empty for 100 ms. We differ: the threshold is the age of the oldest waiter and
 * five seconds, and controlled delay is a policy of its own (codel.ts).
 */
import type { PolicyEntry } from '../entry.ts';
import type { Micros, RequestView } from '../types.ts';
import { type AdaptiveLifoConfig, adaptiveLifoConfig } from './config.ts';
import { type Discipline, DisciplinedQueue, refillWaiters, waiterStates } from './disciplined-queue.ts';
import type { Selection, Waiter, WaiterState } from './disciplined-queue.ts';
import { KeyedFifo } from './keyed-fifo.ts';

class NewestWhenLate implements Discipline {
  readonly #timeoutUs: Micros;
  readonly #thresholdUs: Micros;
  /** Oldest first, which is the order of expiry too. */
  readonly #waiting = new KeyedFifo<Waiter>();

  constructor({ timeout, threshold }: AdaptiveLifoConfig) {
    this.#timeoutUs = timeout;
    this.#thresholdUs = threshold;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  join(now: Micros, request: RequestView): void {
    this.#waiting.push(request.id, { request, since: now, expiresAt: now + this.#timeoutUs });
  }

  withdraw(id: number): void {
    this.#waiting.delete(id);
  }

  takeExpired(now: Micros): Selection | undefined {
    if (this.nextWakeAt() > now) return undefined;
    const { request } = this.#waiting.shift() as Waiter;
    return { kind: 'shed', request, cause: 'queue-timeout' };
  }

  takeNext(now: Micros): Selection | undefined {
    const oldest = this.#waiting.peek();
    if (oldest === undefined) return undefined;
    const isLate = now - oldest.since >= this.#thresholdUs;
    const { request } = (isLate ? this.#waiting.pop() : this.#waiting.shift()) as Waiter;
    return { kind: 'admit', request };
  }

  nextWakeAt(): Micros {
    return this.#waiting.peek()?.expiresAt ?? Infinity;
  }

  snapshot(): unknown {
    return waiterStates(this.#waiting);
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    refillWaiters(this.#waiting, state as WaiterState[], requestOf);
  }
}

export const adaptiveLifo: PolicyEntry<'queue', AdaptiveLifoConfig> = {
  role: 'queue',
  name: 'adaptive-lifo',
  decides: 'Who may enter when the gateway is full: first come, first served, or newest first once the oldest is late.',
  source: 'Maurer, Fail at Scale (ACM Queue 2015)',
  config: adaptiveLifoConfig,
  variants: {},
  make: (config) => new DisciplinedQueue(config.size, new NewestWhenLate(config)),
};

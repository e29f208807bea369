/**
 * Who may enter the gateway: the rate limit of the tenant first, then the queue under the capacity of the moment. It
 * passes each request on to both when it is over, so that neither keeps what it gave.
 */
import type { Capacity, FinishCause, Micros, PolicySet, Queue, QueueEffect } from '../../policies/types.ts';
import type { RateLimit } from '../../policies/rate/types.ts';
import type { GatewayRequest } from './request.ts';

export class Entrance {
  readonly #capacity: Capacity;
  readonly #rate: RateLimit;
  readonly #queue: Queue;
  #permits = NaN;

  constructor({ capacity, rate, queue }: PolicySet) {
    this.#capacity = capacity;
    this.#rate = rate;
    this.#queue = queue;
  }

  /** As the queue was told last; NaN before. */
  get permits(): number {
    return this.#permits;
  }

  /** The queue knows of them already. */
  restore(permits: number): void {
    this.#permits = permits;
  }

  /** At both ends of an input: news changes the capacity, and an operator may have turned it since the last one. */
  refresh(now: Micros): void {
    const permits = this.#capacity.current();
    if (permits === this.#permits) return;
    this.#permits = permits;
    this.#queue.capacityChanged(now, permits);
  }

  offer(now: Micros, request: GatewayRequest): 'admitted' | 'queued' | FinishCause {
    const waitUs = this.#rate.charge(now, request);
    if (waitUs === 0) return this.#queue.offer(now, request);
    request.retryAfterUs = waitUs;
    return 'rate-limited';
  }

  /** The request is over. What no attempt was made for has used nothing; what a worker did not count is kept. */
  leave(now: Micros, request: GatewayRequest): void {
    this.#rate.settle(now, request, request.attemptCount === 0 ? 0 : request.usedTokens);
    this.#queue.leave(now, request);
  }

  wake(now: Micros): void {
    this.#queue.wake(now);
  }

  take(): QueueEffect | undefined {
    return this.#queue.take();
  }

  nextWakeAt(): Micros {
    return this.#queue.nextWakeAt();
  }

  /** Requests that the queue keeps waiting. */
  get waiting(): number {
    return this.#queue.held().waiting;
  }

  held(): { readonly waiting: number; readonly admitted: number; readonly charges: number } {
    const { waiting, admitted } = this.#queue.held();
    return { waiting, admitted, charges: this.#rate.held().charges };
  }
}

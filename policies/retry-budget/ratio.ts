/**
 * Allows a retry while retries under way stay below a fifth of the leases held, or below three. Intuition: the load
 * retries add is the concurrency they occupy; a share of what runs now needs no window and follows traffic at once.
 *
 * Regimes: under overload attempts last longer, so fewer retries a second are made, of itself; at low traffic the
 * minimum binds and a short outage is retried in full. Limits: it bounds concurrency, not rate: fast refusals free
 * their place at once, so a fleet that answers 429 in a millisecond is retried as fast as the backoff lets (a rate
 * budget bounds that).
 *
 * A retry is under way from the moment it is allowed, while its request backs off, until its lease is settled. Nobody
 * tells a budget that a request died while it backed off; such a reservation lapses when its delay is over. One that
 * is delayed further for want of a worker lapses too, and counts again from its grant. Source: Envoy circuit_breaker
 * RetryBudget (budget_percent 20, min_retry_concurrency 3). We differ: Envoy's base adds requests pending a
 * connection.
 */
import { refill } from '../refill.ts';
import type { AttemptResult, AttemptView, Micros, RequestView } from '../types.ts';
import { type RatioConfig, ratioConfig } from './config.ts';
import type { RetryBudget, RetryBudgetEntry } from './types.ts';

export class RatioBudget implements RetryBudget {
  readonly #retryRatio: number;
  readonly #minRetries: number;
  /** Retries that back off: the end of the delay by request. At most as many as were allowed together. */
  readonly #reserved = new Map<number, Micros>();
  /** Leases held, by attempt; true for a retry. */
  readonly #leases = new Map<number, boolean>();
  #retries = 0;

  constructor({ retryRatio, minRetries }: RatioConfig) {
    this.#retryRatio = retryRatio;
    this.#minRetries = minRetries;
  }

  /** Retries under way, those that back off included. */
  get underWay(): number {
    return this.#retries + this.#reserved.size;
  }

  granted(_now: Micros, { id, request }: AttemptView): void {
    const isRetry = request.attemptCount > 1;
    this.#reserved.delete(request.id);
    this.#leases.set(id, isRetry);
    if (isRetry) this.#retries++;
  }

  settled(_now: Micros, { id }: AttemptView, _result: AttemptResult): void {
    if (this.#leases.get(id) === true) this.#retries--;
    this.#leases.delete(id);
  }

  allows(now: Micros, request: RequestView, delayUs: Micros): boolean {
    const most = Math.max(this.#minRetries, this.#retryRatio * this.#leases.size);
    if (this.underWay >= most) this.#lapse(now);
    if (this.underWay >= most) return false;
    this.#reserved.set(request.id, now + delayUs);
    return true;
  }

  #lapse(now: Micros): void {
    for (const [id, until] of this.#reserved) {
      if (until < now) this.#reserved.delete(id);
    }
  }

  snapshot(): unknown {
    return [this.#reserved, this.#leases, this.#retries];
  }

  restore(state: unknown): void {
    const [reserved, leases, retries] = state as [Map<number, Micros>, Map<number, boolean>, number];
    refill(this.#reserved, reserved);
    refill(this.#leases, leases);
    this.#retries = retries;
  }
}

export const ratioBudget: RetryBudgetEntry<RatioConfig> = {
  role: 'retry-budget',
  name: 'ratio',
  decides: 'Whether one more retry may be under way: within a share of the leases held, and always a few.',
  source: 'envoyproxy/envoy api/envoy/config/cluster/v3/circuit_breaker.proto (RetryBudget)',
  config: ratioConfig,
  variants: {},
  make: (config) => new RatioBudget(config),
};

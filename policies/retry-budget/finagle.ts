/**
 * Allows a retry while retries stay below a fifth of the requests of the last ten seconds, plus a reserve of ten a
 * second. Intuition: in good times every failure can be retried, since failures are few; when most requests fail,
 * retries stop at a fixed share and amplification stays below 1.2 whatever each request would like. The reserve lets a
 * quiet client retry.
 *
 * Regimes: at high rates the share binds, below fifty requests a second the reserve does. Limits: the default reserve
 * is large for LLM traffic, where a gateway may see ten requests a second in all (set `minRetriesPerSec` to 0 or 1
 * there); the budget is global, so one sick worker may spend it for all.
 *
 * Source: twitter/finagle RetryBudget (percentCanRetry 0.2, minRetriesPerSec 10, ttl 10 s): a deposit per request, a
 * withdrawal per retry, both forgotten after the ttl. We differ: deposits are made when the first attempt is granted,
 * so what the queue sheds gives no credit.
 */
import type { AttemptView, Micros } from '../types.ts';
import { type FinagleConfig, finagleConfig } from './config.ts';
import { SlidingCount, type SlidingState } from './sliding-count.ts';
import type { RetryBudget, RetryBudgetEntry } from './types.ts';

/** As the windowed adder of finagle. */
const SLICES = 10;
const US_PER_SEC = 1e6;
/** Keeps a product such as 0.29 × 100 from losing a whole retry to rounding. */
const ROUNDING = 1e-9;

export class FinagleBudget implements RetryBudget {
  readonly #retryRatio: number;
  readonly #reserve: number;
  readonly #requests: SlidingCount;
  readonly #retries: SlidingCount;

  constructor({ retryRatio, minRetriesPerSec, window }: FinagleConfig) {
    this.#retryRatio = retryRatio;
    this.#reserve = (minRetriesPerSec * window) / US_PER_SEC;
    this.#requests = new SlidingCount(window, SLICES);
    this.#retries = new SlidingCount(window, SLICES);
  }

  granted(now: Micros, { request }: AttemptView): void {
    if (request.attemptCount <= 1) this.#requests.add(now);
  }

  allows(now: Micros): boolean {
    const budget = this.#reserve + this.#retryRatio * this.#requests.total(now) + ROUNDING;
    if (this.#retries.total(now) + 1 > budget) return false;
    this.#retries.add(now);
    return true;
  }

  snapshot(): unknown {
    return [this.#requests.snapshot(), this.#retries.snapshot()];
  }

  restore(state: unknown): void {
    const [requests, retries] = state as [SlidingState, SlidingState];
    this.#requests.restore(requests);
    this.#retries.restore(retries);
  }
}

export const finagleBudget: RetryBudgetEntry<FinagleConfig> = {
  role: 'retry-budget',
  name: 'finagle',
  decides: 'Whether one more retry fits: a share of the requests of the last seconds, plus a reserve a second.',
  source: 'twitter/finagle finagle-core RetryBudget.scala',
  config: finagleConfig,
  variants: {},
  make: (config) => new FinagleBudget(config),
};

/**
 * A retry policy under a budget: another attempt follows when the inner policy wants it and then the budget allows it.
 * The budget is asked last, so that what is not worth retrying spends nothing. Both hear of every lease, the inner one
 * first. Limits: a retry the budget refused is final, as in the systems the budgets come from; the inner policy is not
 * told. Source: the composition in twitter/finagle RetryFilter and in Envoy's router.
 */
import type { AttemptResult, AttemptView, Micros, RequestView, Retry } from '../types.ts';
import type { RetryBudget } from './types.ts';

export class Budgeted implements Retry {
  readonly #inner: Retry;
  readonly #budget: RetryBudget;

  constructor(inner: Retry, budget: RetryBudget) {
    this.#inner = inner;
    this.#budget = budget;
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.#inner.granted?.(now, attempt);
    this.#budget.granted?.(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    this.#inner.firstToken?.(now, attempt);
    this.#budget.firstToken?.(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#inner.settled?.(now, attempt, result);
    this.#budget.settled?.(now, attempt, result);
  }

  delayUs(now: Micros, request: RequestView, result: AttemptResult): Micros {
    const delayUs = this.#inner.delayUs(now, request, result);
    return delayUs >= 0 && this.#budget.allows(now, request, delayUs) ? delayUs : -1;
  }

  snapshot(): unknown {
    const [inner, budget] = [this.#inner.snapshot?.(), this.#budget.snapshot?.()];
    return inner === undefined || budget === undefined ? undefined : [inner, budget];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView, attemptOf: (id: number) => AttemptView): void {
    const [inner, budget] = state as [unknown, unknown];
    this.#inner.restore?.(inner, requestOf, attemptOf);
    this.#budget.restore?.(budget, requestOf, attemptOf);
  }
}

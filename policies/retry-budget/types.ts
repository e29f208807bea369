/**
 * The role of a retry budget: a bound on retries that all requests share, beside the bound each request has for
 * itself. Backoff spreads the load of retries over time, only a budget bounds its sum, and only that keeps an overload
 * from feeding itself. A budget is a decider; it learns of the traffic as a lease observer and is asked once per
 * retry.
 */
import type { PolicyContext, PolicyEntry } from '../entry.ts';
import type { LeaseObserver, Micros, RequestView, Snapshots } from '../types.ts';

export interface RetryBudget extends LeaseObserver, Snapshots {
  /**
   * May `request` be tried once more, `delayUs` from now? True spends it, even when the core then drops the retry
   * because the deadline comes first. Asked right after the failed lease was settled, and only when the retry policy
   * wants to.
   */
  allows(now: Micros, request: RequestView, delayUs: Micros): boolean;
}

/** What the registry knows of a budget: a policy entry for the role. */
export interface RetryBudgetEntry<Config extends { name: string }>
  extends Omit<PolicyEntry, 'role' | 'config' | 'make'> {
  readonly role: 'retry-budget';
  readonly config: PolicyEntry<never, Config>['config'];
  make(config: Config, context: PolicyContext): RetryBudget;
}

/**
 * Allows every retry: what each request may do for itself is the only bound. The baseline that shows what a budget
 * buys; in a lasting outage every request then makes all its attempts. Source: smg at 73da68ca9, which has no retry
 * budget.
 */
import { type NoBudgetConfig, noBudgetConfig } from './config.ts';
import type { RetryBudget, RetryBudgetEntry } from './types.ts';

class NoBudget implements RetryBudget {
  allows(): boolean {
    return true;
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const noBudget: RetryBudgetEntry<NoBudgetConfig> = {
  role: 'retry-budget',
  name: 'none',
  decides: 'Every retry may be made.',
  source: 'smg model_gateway/src/routers/common/retry.rs 73da68ca9',
  config: noBudgetConfig,
  variants: {},
  make: () => new NoBudget(),
};

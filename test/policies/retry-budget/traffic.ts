/** Leases as retry budgets see them. */
import type { AttemptResult, AttemptView } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../views.ts';

/** A lease of request `id`; `attemptCount` 1 is its first. */
export function leaseOf(id: number, attemptCount = 1): AttemptView {
  const request = requestView({ id, attemptCount });
  return { id: id * 100 + attemptCount, request, worker: workerView(), startedAt: 0 };
}

export const OK: AttemptResult = attemptResult({ outcome: 'ok', status: 200 });
export const FAILED: AttemptResult = attemptResult({ outcome: 'failed', status: 503 });
export const REJECTED: AttemptResult = attemptResult({ outcome: 'failed', status: 400 });
export const CANCELLED: AttemptResult = attemptResult({ outcome: 'cancelled', status: 0 });

/** Leases as the adaptive limits see them. */
import type { AttemptOutcome, AttemptResult, AttemptView } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../views.ts';

export function lease(id: number, startedAt = 0): AttemptView {
  return { id, request: requestView({ id }), worker: workerView(), startedAt };
}

export function ended(outcome: AttemptOutcome): AttemptResult {
  return attemptResult({ outcome, status: outcome === 'ok' ? 200 : 0 });
}

/** Attempts as the priority scheduler and its vectors see them. */
import type { AttemptView } from '../../../policies/types.ts';
import { requestView, workerView } from '../views.ts';

export function attemptView(fields: Partial<AttemptView> = {}): AttemptView {
  return { id: 0, request: requestView(), worker: workerView(), startedAt: 0, ...fields };
}

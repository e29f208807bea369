/** How attempts end that the gateway itself ends, and how a failed last attempt ends its request. */
import type { AttemptResult, FinishCause, FinishReason } from '../../policies/types.ts';

export type Ending = Omit<AttemptResult, 'bytesSent'>;

export const TIMED_OUT: Ending = { outcome: 'timeout', status: 0, retryAfterUs: -1 };
/** Neutral: no evidence about the worker. */
export const CANCELLED: Ending = { outcome: 'cancelled', status: 0, retryAfterUs: -1 };

/** `ending` of an attempt, with what it has sent. */
export function endingOf(ending: Ending, bytesSent: boolean): AttemptResult {
  return { ...ending, bytesSent };
}

export function reasonOf(result: AttemptResult): FinishReason {
  if (result.outcome === 'timeout') return 'timeout';
  return result.outcome === 'cancelled' ? 'cancelled' : 'failed';
}

export function causeOf(result: AttemptResult): FinishCause {
  return result.status === 429 ? 'rate-limited' : 'upstream';
}

/**
 * Which HTTP status a failed attempt stands for, and which statuses are worth another attempt. A transport
 * failure has no status; the gateway judges the response it would send the client: 500 when the request could
 * not be sent or the reply broke off, 504 when it timed out. Retryable are exactly 408, 429, 500, 502, 503
 * and 504: not 501, 505 or 529, and no other 4xx, since the same request would meet the same refusal. Source:
 * smg routers/common/retry.rs and routers/error.rs at 73da68ca9.
 */
import type { AttemptResult } from '../types.ts';

const RETRYABLE: readonly number[] = [408, 429, 500, 502, 503, 504];

export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.includes(status);
}

/** HTTP status by which the result is judged. */
export function effectiveStatus(result: AttemptResult): number {
  if (result.status !== 0) return result.status;
  return result.outcome === 'timeout' ? 504 : 500;
}

/**
 * False for an attempt nobody may repeat: it succeeded, its client or gateway gave it up, or bytes of it are
 * out.
 */
export function isRepeatable(result: AttemptResult): boolean {
  return result.outcome !== 'ok' && result.outcome !== 'cancelled' && !result.bytesSent;
}

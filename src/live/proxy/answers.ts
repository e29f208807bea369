/** The one table from how a request ended in the core to what its client is told. */
import type { AttemptResult, FinishCause, FinishReason, Micros } from '../../../policies/types.ts';
import type { ApiError } from '../http/api-error.ts';

/** What of a finished request its client's answer depends on. */
export interface Ended {
  readonly reason: FinishReason;
  readonly cause: FinishCause;
  /** Of the last attempt that failed. */
  readonly lastFailure: AttemptResult | undefined;
  /** Of a rate limit: -1 none, Infinity: asking again is no use. */
  readonly retryAfterUs: Micros;
}

const US_PER_SEC = 1e6;
/** Queues and busy workers clear within seconds, or not soon. */
const SOON_SEC = 1;

/** Statuses of a worker that are about the request itself and are passed on with their body. */
export function isClientsFault(status: number): boolean {
  return status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 407;
}

export function answerFor({ reason, cause, lastFailure, retryAfterUs }: Ended): ApiError {
  switch (cause) {
    case 'queue-full':
      return overload(429, 'queue_full', 'The queue is full.');
    case 'queue-timeout':
      return overload(503, 'queue_timeout', 'The request waited too long in the queue.');
    case 'no-worker':
      return overload(503, 'no_worker', 'No worker is available.');
    case 'all-busy':
      return overload(529, 'all_busy', 'All workers are busy.');
    case 'preempted':
      return overload(503, 'preempted', 'A request of a higher class took the place of this one.');
    case 'rate-limited':
      return lastFailure === undefined ? rateLimited(retryAfterUs) : upstreamLimited(lastFailure);
    case 'deadline':
      return { status: 504, type: 'timeout_error', code: 'deadline', message: 'The request took too long.' };
    case 'upstream':
      return reason === 'timeout' ? attemptTimedOut() : upstreamFailed(lastFailure);
    case 'client':
    case 'none':
      return shuttingDown();
    default:
      return cause satisfies never;
  }
}

/** The gateway ends while the request is in it. */
export function shuttingDown(): ApiError {
  return overload(503, 'shutting_down', 'The gateway is shutting down.');
}

function overload(status: number, code: string, message: string): ApiError {
  const type = status === 429 ? 'rate_limit_error' : 'overloaded_error';
  return { status, type, code, message, retryAfterSec: SOON_SEC };
}

function rateLimited(retryAfterUs: Micros): ApiError {
  const error = { status: 429, type: 'rate_limit_error', code: 'rate_limited' };
  if (retryAfterUs === Infinity) {
    return { ...error, message: 'The request is larger than the rate of its tenant allows.', isFinal: true };
  }
  const message = 'The rate of this tenant is used up.';
  return { ...error, message, retryAfterSec: Math.max(0, retryAfterUs) / US_PER_SEC };
}

function upstreamLimited(failure: AttemptResult): ApiError {
  const message = 'The worker turns requests away.';
  return { status: 429, type: 'rate_limit_error', code: 'upstream_rate_limited', message, ...askedFor(failure) };
}

function attemptTimedOut(): ApiError {
  return {
    status: 504,
    type: 'timeout_error',
    code: 'upstream_timeout',
    message: 'The worker did not answer in time.',
  };
}

function upstreamFailed(failure: AttemptResult | undefined): ApiError {
  const status = failure?.status ?? 0;
  const what = status === 0 ? 'did not answer, or broke off' : `answered with status ${status}`;
  const message = `The worker ${what}.`;
  return { status: 502, type: 'upstream_error', code: 'upstream_failed', message, ...askedFor(failure) };
}

function askedFor(failure: AttemptResult | undefined): Pick<ApiError, 'retryAfterSec'> {
  const us = failure?.retryAfterUs ?? -1;
  return us < 0 ? {} : { retryAfterSec: us / US_PER_SEC };
}

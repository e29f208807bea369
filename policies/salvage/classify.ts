/**
 * What kind of failure a model call ended in, and what follows for the three who act on it: the executor (another
 * attempt?), request admission (outcome of the lease) and salvage (defer the task, keep it, or drop its row). One
 * table of kinds, so that a failure means the same to all three.
 *
 * The point of the incident DataDesigner 725 is here: waiting too long in our own queue is not a slow provider.
 * `request-admission-timeout` is a kind of its own since pull 730; before, it was `timeout`, which is deferred but
 * not kept after the salvage rounds, so a stalled host lost rows that no provider had ever seen.
 *
 * Source: DataDesigner models/clients/errors.py, models/errors.py, clients/model_request_executor.py 99517abc. The
 * wordings that tell quota, context window and parameters apart are ours: a few that providers use, matched without
 * case.
 */
import type { DenialReason, ReleaseOutcome } from '../admission/types.ts';
import type { AttemptResult, TaskFailure } from '../types.ts';

/** Closed set. */
export type ErrorKind =
  | 'api-error'
  | 'api-connection'
  | 'authentication'
  | 'context-window-exceeded'
  | 'quota-exceeded'
  | 'unsupported-params'
  | 'bad-request'
  | 'internal-server'
  | 'not-found'
  | 'permission-denied'
  | 'rate-limit'
  | 'request-admission-timeout'
  | 'timeout'
  | 'unprocessable-entity'
  | 'unsupported-capability';

const QUOTA = /insufficient[_ ]quota|quota (exceeded|exhausted)|exceeded your (current )?quota|credit balance/i;
const CONTEXT_WINDOW = /context (window|length)|too many tokens|maximum context|prompt is too long/i;
const UNSUPPORTED = /(unsupported|unknown|unrecognized) param|cannot both be specified|not supported with this model/i;

const KIND_OF_STATUS: ReadonlyMap<number, ErrorKind> = new Map([
  [400, 'bad-request'],
  [401, 'authentication'],
  [403, 'permission-denied'],
  [404, 'not-found'],
  [408, 'timeout'],
  [413, 'context-window-exceeded'],
  [422, 'unprocessable-entity'],
  [429, 'rate-limit'],
]);

/** Kind of a response that is no success. Quota wording wins over any status: no retry brings credit back. */
export function kindOfResponse(status: number, body = ''): ErrorKind {
  if (QUOTA.test(body)) return 'quota-exceeded';
  if (status === 400 && CONTEXT_WINDOW.test(body)) return 'context-window-exceeded';
  if (status === 400 && UNSUPPORTED.test(body)) return 'unsupported-params';
  return KIND_OF_STATUS.get(status) ?? (status >= 500 && status < 600 ? 'internal-server' : 'api-error');
}

/** Kind of an exception that came with no response, by the name of its class. */
export function kindOfException(name: string): ErrorKind {
  if (/timeout/i.test(name)) return 'timeout';
  if (/connect/i.test(name)) return 'api-connection';
  if (/auth/i.test(name)) return 'authentication';
  return /rate_?limit/i.test(name) ? 'rate-limit' : 'api-error';
}

/** Kind of an attempt that failed. Without a status it timed out or the connection broke. */
export function kindOfResult({ outcome, status }: AttemptResult): ErrorKind {
  if (status !== 0) return kindOfResponse(status);
  return outcome === 'timeout' ? 'timeout' : 'api-connection';
}

/** Kind of a call that never left: its request was not admitted. `baseline` is DataDesigner before pull 730. */
export function kindOfDenial(reason: DenialReason, variant: 'repaired' | 'baseline' = 'repaired'): ErrorKind {
  return reason === 'queue-timeout' && variant === 'repaired' ? 'request-admission-timeout' : 'timeout';
}

/** Outcome with which the lease of an attempt that failed in this way is released. */
export function releaseOutcomeOfKind(kind: ErrorKind): ReleaseOutcome {
  if (kind === 'rate-limit') return 'rate-limited';
  return kind === 'timeout' ? 'provider-timeout' : 'provider-failure';
}

/** Outcome with which the lease of an attempt is released. A cancelled one says nothing about the provider. */
export function releaseOutcomeOf(result: AttemptResult): ReleaseOutcome {
  if (result.outcome === 'ok') return 'success';
  return result.outcome === 'cancelled' ? 'local-cancelled' : releaseOutcomeOfKind(kindOfResult(result));
}

/** Status for which a salvage policy answers as for the kind; 0 where there was no response. */
const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  'api-error': 400,
  'api-connection': 0,
  authentication: 401,
  'context-window-exceeded': 413,
  'quota-exceeded': 402,
  'unsupported-params': 400,
  'bad-request': 400,
  'internal-server': 500,
  'not-found': 404,
  'permission-denied': 403,
  'rate-limit': 429,
  'request-admission-timeout': 0,
  timeout: 0,
  'unprocessable-entity': 422,
  'unsupported-capability': 400,
};

/**
 * The failure as salvage sees it. A response with quota wording becomes 402 here, whatever its status: 429 would be
 * kept for ever.
 */
export function failureOfKind(kind: ErrorKind): TaskFailure {
  const status = STATUS_OF_KIND[kind];
  switch (kind) {
    case 'request-admission-timeout':
      return { reason: 'timeout', cause: 'queue-timeout', status };
    case 'timeout':
      return { reason: 'timeout', cause: 'upstream', status };
    case 'rate-limit':
      return { reason: 'failed', cause: 'rate-limited', status };
    default:
      return { reason: 'failed', cause: 'upstream', status };
  }
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^[+-]?inf(inity)?$/i;
const HTTP_DATE = /^(mon|tue|wed|thu|fri|sat|sun), \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/i;

/**
 * Seconds that a Retry-After header asks for, from `epochSeconds`, the wall clock when the response came; undefined
 * when it asks for nothing sensible. A date in the past is 0. `head` takes what Python's float takes, as
 * DataDesigner does: negative numbers, NaN and Infinity too.
 */
export function retryAfterSeconds(
  header: string,
  epochSeconds: number,
  variant: 'repaired' | 'head' = 'repaired',
): number | undefined {
  const text = header.trim();
  if (NUMBER.test(text)) {
    const seconds = Number(text);
    return variant === 'head' || (seconds >= 0 && Number.isFinite(seconds)) ? seconds : undefined;
  }
  if (variant === 'head' && INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (variant === 'head' && /^[+-]?nan$/i.test(text)) return NaN;
  if (!HTTP_DATE.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at / 1000 - epochSeconds);
}

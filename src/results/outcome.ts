/**
 * How requests and attempts can end, as the result document counts them. Both sets are closed, and every logical
 * request is in exactly one class, so that the classes sum to what was offered.
 *
 * The cause decides before the reason does: a core may call an expired wait `timeout` or `shed`, and a client that left
 * `cancelled` or `timeout`, but what happened to the request is the same.
 */
import type { AttemptOutcome } from '../../policies/types.ts';
import type { RequestRecord } from './record.ts';

/** `unfinished` is what was sent and has no record: in flight when the run ended early. */
export const REQUEST_OUTCOMES = [
  'ok',
  'ok_after_retry',
  'ok_salvaged',
  'shed_queue_full',
  'queue_timeout',
  'shed_other',
  'client_timeout',
  'deadline',
  'failed',
  'cancelled',
  'unfinished',
] as const;
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

/** In the order in which they are emitted. */
export const ATTEMPT_OUTCOMES = [
  'ok',
  'refused',
  'failed',
  'timeout',
  'cancelled',
] as const satisfies readonly AttemptOutcome[];

/** Why computed tokens were of use to nobody. */
export const WASTE_CAUSES = ['timeout', 'failed', 'cancelled', 'crash', 'preempt'] as const;
export type WasteCause = (typeof WASTE_CAUSES)[number];

/** `salvaged`: the call had been deferred after a failure and this request is its later try. */
export function requestOutcome(record: RequestRecord, salvaged: boolean): Exclude<RequestOutcome, 'unfinished'> {
  if (record.reason === 'ok') {
    if (salvaged) return 'ok_salvaged';
    return record.attempts > 1 ? 'ok_after_retry' : 'ok';
  }
  switch (record.cause) {
    case 'queue-full':
      return 'shed_queue_full';
    case 'queue-timeout':
      return 'queue_timeout';
    case 'deadline':
      return 'deadline';
    case 'client':
      return 'client_timeout';
    case 'no-worker':
    case 'all-busy':
    case 'rate-limited':
    case 'preempted':
      return 'shed_other';
    case 'upstream':
    case 'none':
      return outcomeOfReason(record.reason);
    default:
      return record.cause satisfies never;
  }
}

function outcomeOfReason(
  reason: Exclude<RequestRecord['reason'], 'ok'>,
): 'shed_other' | 'cancelled' | 'failed' {
  switch (reason) {
    case 'shed':
      return 'shed_other';
    case 'cancelled':
      return 'cancelled';
    case 'failed':
    case 'timeout':
      return 'failed';
    default:
      return reason satisfies never;
  }
}

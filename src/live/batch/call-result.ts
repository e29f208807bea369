/** What a request's end at the gateway is to the batch: policies/salvage/classify.ts, applied to a reply. */
import type { ReleaseOutcome } from '../../../policies/admission/types.ts';
import {
  failureOfKind,
  kindOfResponse,
  kindOfResult,
  releaseOutcomeOfKind,
} from '../../../policies/salvage/classify.ts';
import type { FinishCause, FinishReason } from '../../../policies/types.ts';
import type { CallResult } from '../../dataset/types.ts';
import type { ExchangeEnd } from './row-exchange.ts';

/** `end`: of the last attempt; undefined when none was made, or the gateway gave it up. */
export function callResultOf(reason: FinishReason, cause: FinishCause, end: ExchangeEnd | undefined): CallResult {
  if (reason === 'ok') return { failure: undefined, outcome: 'success', retryAfterUs: -1 };
  const isUpstreams = cause === 'upstream' || cause === 'rate-limited';
  if (!isUpstreams || end === undefined) {
    return { failure: { reason, cause, status: 0 }, outcome: ownOutcome(reason, cause), retryAfterUs: -1 };
  }
  const { result, reply, cause: proxys } = end;
  if (proxys !== undefined) {
    const { status, retryAfterUs } = result;
    const outcome = status === 429 ? 'rate-limited' : 'provider-failure';
    return { failure: { reason: 'shed', cause: proxys, status }, outcome, retryAfterUs };
  }
  const kind = result.status === 0 ? kindOfResult(result) : kindOfResponse(result.status, reply?.text);
  const failure = failureOfKind(kind);
  return {
    // Which of the server's faults it was decides whether the executor repeats the call.
    failure: kind === 'internal-server' ? { ...failure, status: result.status } : failure,
    outcome: releaseOutcomeOfKind(kind),
    retryAfterUs: result.retryAfterUs,
  };
}

function ownOutcome(reason: FinishReason, cause: FinishCause): ReleaseOutcome {
  if (cause === 'rate-limited') return 'rate-limited';
  return reason === 'timeout' ? 'provider-timeout' : 'provider-failure';
}

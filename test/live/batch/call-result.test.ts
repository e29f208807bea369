/** What a reply is to the batch: failure, outcome of the lease, and how long to wait. */
import { describe, expect, it } from 'vitest';
import type { AttemptOutcome, FinishCause, FinishReason } from '../../../policies/types.ts';
import { callResultOf } from '../../../src/live/batch/call-result.ts';
import type { ExchangeEnd } from '../../../src/live/batch/row-exchange.ts';
import { rowFailure } from '../../../src/live/batch/row-failure.ts';

function ended(status: number, outcome: AttemptOutcome, text = '', cause?: FinishCause): ExchangeEnd {
  const reply = status === 0 ? undefined : { status, requestId: 'r', text };
  return { result: { outcome, status, retryAfterUs: 5, bytesSent: false }, reply, error: undefined, cause };
}

const failed = ended(0, 'failed');
const wrong = ended(400, 'failed');
const refused = ended(503, 'refused');
const busy = ended(529, 'failed');
const TABLE: readonly (readonly [FinishReason, FinishCause, ExchangeEnd | undefined, unknown, string])[] = [
  ['failed', 'upstream', failed, { reason: 'failed', cause: 'upstream', status: 0 }, 'provider-failure'],
  ['timeout', 'upstream', ended(0, 'timeout'), { reason: 'timeout', cause: 'upstream', status: 0 }, 'provider-timeout'],
  ['failed', 'upstream', wrong, { reason: 'failed', cause: 'upstream', status: 400 }, 'provider-failure'],
  ['failed', 'upstream', refused, { reason: 'failed', cause: 'upstream', status: 503 }, 'provider-failure'],
  ['failed', 'upstream', busy, { reason: 'failed', cause: 'upstream', status: 529 }, 'provider-failure'],
  ['failed', 'upstream', ended(408, 'failed'), { reason: 'timeout', cause: 'upstream', status: 0 }, 'provider-timeout'],
  ['failed', 'rate-limited', ended(429, 'refused'), { cause: 'rate-limited', status: 429 }, 'rate-limited'],
  ['failed', 'rate-limited', ended(429, 'refused', 'insufficient_quota'), { status: 402 }, 'provider-failure'],
  ['failed', 'upstream', ended(503, 'refused', '', 'queue-timeout'), { cause: 'queue-timeout' }, 'provider-failure'],
  ['failed', 'rate-limited', ended(429, 'refused', '', 'queue-full'), { cause: 'queue-full' }, 'rate-limited'],
  ['shed', 'no-worker', undefined, { reason: 'shed', cause: 'no-worker', status: 0 }, 'provider-failure'],
  ['timeout', 'deadline', undefined, { reason: 'timeout', cause: 'deadline', status: 0 }, 'provider-timeout'],
];

describe('the end of a call', () => {
  it.each(TABLE)('%s by %s after %j is %j', (reason, cause, end, failure, outcome) => {
    const result = callResultOf(reason, cause, end);
    expect(result.failure).toMatchObject(failure as object);
    expect([result.outcome, result.retryAfterUs]).toEqual([outcome, end === undefined ? -1 : 5]);
  });

  it('is a success without a failure', () => {
    const success = { failure: undefined, outcome: 'success', retryAfterUs: -1 };
    expect(callResultOf('ok', 'none', ended(200, 'ok'))).toEqual(success);
  });
});

describe('a row that nobody answered', () => {
  it('says what its last call met, or why there was none', () => {
    const failure = { reason: 'timeout', cause: 'queue-timeout', status: 0 } as const;
    const chain = [{ failure, times: 3, firstAt: 0, lastAt: 9 }];
    expect(rowFailure({ code: 'c', message: 'm' }, [])).toEqual({ code: 'c', message: 'm' });
    expect(rowFailure({ code: 'c', message: 'm' }, chain)).toEqual({ code: 'c', message: 'm, after 3 tries' });
    const waited = { code: 'queue_timeout', message: 'it waited too long to be called, after 3 tries' };
    expect(rowFailure(undefined, chain)).toEqual(waited);
    expect(rowFailure(undefined, [])).toEqual({ code: 'none', message: 'it ended as none' });
  });
});

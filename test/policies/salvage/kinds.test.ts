/** The table of failure kinds: how a response, an exception or a denial gets one, and what follows from it. */
import { describe, expect, it } from 'vitest';
import {
  type ErrorKind,
  failureOfKind,
  kindOfDenial,
  kindOfException,
  kindOfResponse,
  kindOfResult,
  releaseOutcomeOfKind,
  retryAfterSeconds,
} from '../../../policies/salvage/classify.ts';
import { attemptResult } from '../views.ts';

describe('the kind of a response', () => {
  it.each<[number, ErrorKind]>([
    [400, 'bad-request'],
    [401, 'authentication'],
    [402, 'api-error'],
    [403, 'permission-denied'],
    [404, 'not-found'],
    [408, 'timeout'],
    [413, 'context-window-exceeded'],
    [422, 'unprocessable-entity'],
    [429, 'rate-limit'],
    [499, 'api-error'],
    [500, 'internal-server'],
    [529, 'internal-server'],
    [599, 'internal-server'],
    [600, 'api-error'],
    [302, 'api-error'],
  ])('with status %i is %s', (status, kind) => {
    expect(kindOfResponse(status)).toBe(kind);
  });

  it.each<[number, string, ErrorKind]>([
    [429, '{"error":{"code":"insufficient_quota"}}', 'quota-exceeded'],
    [403, 'Insufficient Quota for this key', 'quota-exceeded'],
    [400, 'quota exceeded', 'quota-exceeded'],
    [500, 'your quota exhausted', 'quota-exceeded'],
    [429, 'You exceeded your current quota', 'quota-exceeded'],
    [429, 'You have exceeded your quota', 'quota-exceeded'],
    [400, 'Your credit balance is too low', 'quota-exceeded'],
    [429, 'exceeded your share of it', 'rate-limit'],
    [400, 'larger than the context window', 'context-window-exceeded'],
    [400, "this model's maximum context is 8192", 'context-window-exceeded'],
    [400, 'context length 9000', 'context-window-exceeded'],
    [400, 'too many tokens', 'context-window-exceeded'],
    [400, 'The prompt is too long: 9 > 8', 'context-window-exceeded'],
    [500, 'too many tokens', 'internal-server'],
    [422, 'too many tokens', 'unprocessable-entity'],
    [400, 'Unsupported parameter: top_k', 'unsupported-params'],
    [400, 'unknown param top_k', 'unsupported-params'],
    [400, 'unrecognized parameter', 'unsupported-params'],
    [400, 'temperature and top_p cannot both be specified', 'unsupported-params'],
    [400, 'logprobs is not supported with this model', 'unsupported-params'],
    [404, 'Unsupported parameter: top_k', 'not-found'],
    [400, 'something else', 'bad-request'],
  ])('with status %i and the words %j is %s', (status, body, kind) => {
    expect(kindOfResponse(status, body)).toBe(kind);
  });
});

describe('the kind of a failure without a response', () => {
  it.each<[string, ErrorKind]>([
    ['ReadTimeout', 'timeout'],
    ['ConnectTimeout', 'timeout'],
    ['ConnectError', 'api-connection'],
    ['AuthenticationError', 'authentication'],
    ['RateLimitError', 'rate-limit'],
    ['rate_limit', 'rate-limit'],
    ['ValueError', 'api-error'],
    ['', 'api-error'],
  ])('is told by the name of the exception: %s is %s', (name, kind) => {
    expect(kindOfException(name)).toBe(kind);
  });

  it('is a timeout, or else a broken connection', () => {
    const kinds = (['timeout', 'failed', 'refused'] as const).map((outcome) => {
      return kindOfResult(attemptResult({ outcome, status: 0 }));
    });
    expect(kinds).toEqual(['timeout', 'api-connection', 'api-connection']);
    expect(kindOfResult(attemptResult({ outcome: 'timeout', status: 500 }))).toBe('internal-server');
  });

  it('is one of its own for a wait too long, by default, and a timeout for every other denial', () => {
    const reasons = ['queue-timeout', 'hard-policy-denial', 'cooldown', 'no-capacity'] as const;
    expect(reasons.map((reason) => kindOfDenial(reason))).toEqual([
      ...['request-admission-timeout', 'timeout', 'timeout', 'timeout'],
    ]);
    expect(reasons.map((reason) => kindOfDenial(reason, 'baseline'))).toEqual(reasons.map(() => 'timeout'));
  });
});

describe('what follows from a kind', () => {
  const FATAL: readonly (readonly [ErrorKind, number])[] = [
    ['api-error', 400],
    ['authentication', 401],
    ['context-window-exceeded', 413],
    ['quota-exceeded', 402],
    ['unsupported-params', 400],
    ['bad-request', 400],
    ['internal-server', 500],
    ['not-found', 404],
    ['permission-denied', 403],
    ['unprocessable-entity', 422],
    ['unsupported-capability', 400],
    ['api-connection', 0],
  ];

  it.each(FATAL)('is a failure of the provider: %s, %i to salvage', (kind, status) => {
    expect(releaseOutcomeOfKind(kind)).toBe('provider-failure');
    expect(failureOfKind(kind)).toEqual({ reason: 'failed', cause: 'upstream', status });
  });

  it('is a limit that was met, or time that was up, here or there', () => {
    expect([releaseOutcomeOfKind('rate-limit'), failureOfKind('rate-limit')]).toEqual([
      ...['rate-limited', { reason: 'failed', cause: 'rate-limited', status: 429 }],
    ]);
    expect([releaseOutcomeOfKind('timeout'), failureOfKind('timeout')]).toEqual([
      ...['provider-timeout', { reason: 'timeout', cause: 'upstream', status: 0 }],
    ]);
    const failure = { reason: 'timeout', cause: 'queue-timeout', status: 0 };
    expect(failureOfKind('request-admission-timeout')).toEqual(failure);
  });
});

describe('a Retry-After', () => {
  it.each<[string, number | undefined, number | undefined]>([
    ['15', 15, 15],
    ['+15', 15, 15],
    ['15.', 15, 15],
    ['15.25', 15.25, 15.25],
    ['.75', 0.75, 0.75],
    ['1e2', 100, 100],
    ['1E+2', 100, 100],
    ['25e-1', 2.5, 2.5],
    ['-0', -0, -0],
    ['1e400', undefined, Infinity],
    ['infinity', undefined, Infinity],
    ['+Inf', undefined, Infinity],
    ['-inf', undefined, -Infinity],
    ['-NaN', undefined, NaN],
    ['nano', undefined, undefined],
    ['an', undefined, undefined],
    ['xnan', undefined, undefined],
    ['info', undefined, undefined],
    ['xinf', undefined, undefined],
    ['x1', undefined, undefined],
    ['1x', undefined, undefined],
    ['1e', undefined, undefined],
    ['.', undefined, undefined],
    ['2026-11-21', undefined, undefined],
    ['Thu, 01 Jan 1970 00:01:40 GMT', 40, 40],
    ['thu, 01 jan 1970 00:01:40 gmt', 40, 40],
    ['so Thu, 01 Jan 1970 00:01:40 GMT', undefined, undefined],
    ['Thu, 01 Jan 1970 00:01:40 GMT+1', undefined, undefined],
    ['Thu, 01 Jan 1970 00:01:40', undefined, undefined],
  ])('of %j asks for %d seconds, upstream for %d', (header, repaired, head) => {
    expect(retryAfterSeconds(header, 60)).toEqual(repaired);
    expect(retryAfterSeconds(header, 60, 'head')).toEqual(head);
  });
});

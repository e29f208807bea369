import { describe, expect, it } from 'vitest';
import { openaiSdkConfig } from '../../../policies/retry/config.ts';
import { openaiSdk } from '../../../policies/retry/openai-sdk.ts';
import type { AttemptResult } from '../../../policies/types.ts';
import { attemptResult, requestView } from '../views.ts';

function delay(attemptCount: number, result: Partial<AttemptResult>, settings: object = {}, draw = 0) {
  const config = openaiSdkConfig.parse({ name: 'openai-sdk', ...settings });
  const policy = openaiSdk.make(config, { rng: () => draw });
  return policy.delayUs(0, requestView({ attemptCount }), attemptResult(result));
}

describe('openai-sdk', () => {
  it.each([
    [1, 0, 0.5e6],
    [2, 0, 1e6],
    [3, 0, 2e6],
    [4, 0, 4e6],
    [5, 0, 8e6],
    [6, 0, 8e6],
    [1, 0.5, 437_500],
    [6, 0.999, 6_002_000],
  ])('waits, after attempt %d and draw %d, for %d µs', (attemptCount, draw, us) => {
    expect(delay(attemptCount, { status: 503 }, { maxRetries: 9 }, draw)).toBe(us);
  });

  it('retries twice', () => {
    expect([1, 2, 3].map((count) => delay(count, { status: 500 }))).toEqual([0.5e6, 1e6, -1]);
  });

  it.each([408, 409, 429, 500, 501, 503, 529, 599])('retries status %d', (status) => {
    expect(delay(1, { status })).toBe(0.5e6);
  });

  it.each([400, 401, 403, 404, 422, 499])('gives up on status %d', (status) => {
    expect(delay(1, { status })).toBe(-1);
  });

  it.each(['refused', 'failed', 'timeout'] as const)('retries a transport failure that ended as %s', (outcome) => {
    expect(delay(1, { outcome, status: 0 })).toBe(0.5e6);
  });

  it('never repeats what succeeded, was cancelled, or sent bytes', () => {
    expect(delay(1, { outcome: 'ok', status: 500 })).toBe(-1);
    expect(delay(1, { outcome: 'cancelled', status: 0 })).toBe(-1);
    expect(delay(1, { status: 503, bytesSent: true })).toBe(-1);
  });

  it('obeys a Retry-After of any length to the letter', () => {
    for (const us of [0, 1, 3e6, 3600e6]) expect(delay(1, { status: 429, retryAfterUs: us }, {}, 0.5)).toBe(us);
  });

  it('ignores a Retry-After of a minute and more (retry-after-60s)', () => {
    const variant = openaiSdk.variants['retry-after-60s'] as object;
    expect(delay(1, { status: 429, retryAfterUs: 59e6 }, variant)).toBe(59e6);
    expect(delay(1, { status: 429, retryAfterUs: 60e6 }, variant)).toBe(0.5e6);
  });
});

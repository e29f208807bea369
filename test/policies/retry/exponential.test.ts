import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExponentialConfig, exponentialConfig, validateRetry } from '../../../policies/retry/config.ts';
import { Exponential, exponential } from '../../../policies/retry/exponential.ts';
import { NoRetry } from '../../../policies/retry/none.ts';
import type { AttemptResult } from '../../../policies/types.ts';
import { attemptResult, requestView } from '../views.ts';

const SEED = 7251730;
const HISTORIC = exponential.variants['smg-2026-08-07'] as Partial<ExponentialConfig>;

function make(fields: Partial<ExponentialConfig> = {}, draw = 0.5) {
  return new Exponential({ ...exponentialConfig.parse({ name: 'exponential' }), ...fields }, () => draw);
}

function delay(policy: Exponential, attemptCount: number, result: Partial<AttemptResult> = {}) {
  return policy.delayUs(0, requestView({ attemptCount }), attemptResult(result));
}

describe('Exponential', () => {
  it('waits longer after each failure and gives up after maxAttempts', () => {
    const policy = make();
    expect([1, 2, 3, 4, 5, 6].map((count) => delay(policy, count))).toEqual([50e3, 75e3, 112e3, 168e3, -1, -1]);
  });

  it('never retries with a single attempt', () => {
    expect(delay(make({ maxAttempts: 1 }), 1)).toBe(-1);
  });

  it.each([408, 429, 500, 502, 503, 504])('retries status %d', (status) => {
    expect(delay(make(), 1, { status })).toBe(50e3);
  });

  it.each([200, 400, 401, 404, 422, 425, 499, 501, 505, 529])('gives up on status %d', (status) => {
    expect(delay(make(), 1, { status })).toBe(-1);
  });

  it.each(['refused', 'failed', 'timeout'] as const)('retries a transport failure that ended as %s', (outcome) => {
    expect(delay(make(), 1, { outcome, status: 0 })).toBe(50e3);
  });

  it.each(['ok', 'cancelled'] as const)('never repeats an attempt that ended as %s', (outcome) => {
    expect(delay(make(), 1, { outcome, status: 503 })).toBe(-1);
  });

  it('never repeats an attempt after bytes were sent', () => {
    expect(delay(make(), 1, { status: 503, bytesSent: true })).toBe(-1);
  });

  it('waits until the later of backoff and Retry-After', () => {
    expect(delay(make(), 1, { status: 429, retryAfterUs: 2e6 })).toBe(2e6);
    expect(delay(make(), 1, { status: 429, retryAfterUs: 10 })).toBe(50e3);
  });

  it('ignores Retry-After (smg-2026-08-07)', () => {
    expect(delay(make(HISTORIC), 1, { status: 429, retryAfterUs: 2e6 })).toBe(50e3);
  });

  it('bounds the jittered delay by maxBackoff, or only its base (smg-2026-08-07)', () => {
    const long = { maxAttempts: 100 };
    expect(delay(make(long, 1 - 2 ** -53), 40)).toBe(30e6);
    expect(delay(make({ ...long, ...HISTORIC }, 1 - 2 ** -53), 40)).toBe(36e6);
  });

  it('answers -1 or a whole number of milliseconds within the cap', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0, 200, 408, 429, 500, 501, 503),
      fc.constantFrom('refused', 'failed', 'timeout', 'cancelled'),
      fc.boolean(),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (attemptCount, status, outcome, bytesSent, draw) => {
        const policy = make({ maxAttempts: 30 }, draw);
        const delayUs = delay(policy, attemptCount, { status, outcome: outcome as 'failed', bytesSent });
        if (bytesSent || outcome === 'cancelled' || attemptCount >= 30) expect(delayUs).toBe(-1);
        if (delayUs === -1) return;
        expect(delayUs % 1000).toBe(0);
        expect(delayUs).toBeGreaterThanOrEqual(0);
        expect(delayUs).toBeLessThanOrEqual(30e6);
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 1000 });
  });
});

describe('NoRetry', () => {
  it('gives up at once', () => {
    expect(new NoRetry().delayUs()).toBe(-1);
  });
});

describe('exponentialConfig', () => {
  it.each([
    [{ initialBackoff: '1500us' }, 'initialBackoff', 'whole milliseconds'],
    [{ initialBackoff: '0ms' }, 'initialBackoff', 'at least 1ms'],
    [{ initialBackoff: '2s', maxBackoff: '1s' }, 'maxBackoff', 'at least initialBackoff'],
    [{ initialBackoff: 50 }, 'initialBackoff', 'duration with its unit'],
    [{ maxAttempts: 0 }, 'maxAttempts', '>=1'],
    [{ backoffMultiplier: 0.99 }, 'backoffMultiplier', '>=1'],
    [{ jitterFactor: 1.1 }, 'jitterFactor', '<=1'],
    [{ max_retries: 3 }, '', "unknown key 'max_retries'"],
  ])('refuses %j with the field and the range', (fields, path, message) => {
    const { error } = exponentialConfig.safeParse({ name: 'exponential', ...fields });
    expect(error?.issues[0]?.path.join('.')).toBe(path);
    expect(error?.issues[0]?.message).toContain(message);
  });

  it.each([
    [{ maxAttempts: 1 }, undefined],
    [{ maxBackoff: 50 }, undefined],
    [{ maxBackoff: 49 }, 'maxBackoff'],
    [{ initialBackoff: 0, maxBackoff: 0 }, 'initialBackoff'],
    [{ backoffMultiplier: 1 - 2 ** -30 }, undefined],
    [{ jitterFactor: 0 }, undefined],
    [{ jitterFactor: -0.1 }, 'jitterFactor'],
    [{ jitterFactor: 1.1 }, 'jitterFactor'],
  ])('judges %j in binary32: %s', (fields, fault) => {
    const valid = { maxAttempts: 5, initialBackoff: 50, maxBackoff: 500, backoffMultiplier: 1.5, jitterFactor: 0.2 };
    expect(validateRetry({ ...valid, ...fields })).toBe(fault);
  });

  it('names the first invalid setting in upstream order', () => {
    const valid = { maxAttempts: 5, initialBackoff: 50, maxBackoff: 50, backoffMultiplier: 1, jitterFactor: 1 };
    const bad = { maxAttempts: 0, initialBackoff: 0, maxBackoff: -1, backoffMultiplier: 0.9, jitterFactor: NaN };
    const faults: unknown[] = [];
    for (let settings = bad; ; ) {
      const fault = validateRetry(settings);
      faults.push(fault);
      if (fault === undefined) break;
      settings = { ...settings, [fault]: valid[fault] };
    }
    const order = ['maxAttempts', 'initialBackoff', 'maxBackoff', 'backoffMultiplier', 'jitterFactor', undefined];
    expect(faults).toEqual(order);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JitteredConfig, jitteredConfig } from '../../../policies/retry/config.ts';
import { Jittered, jittered, jitteredUs } from '../../../policies/retry/jittered.ts';
import type { AttemptResult } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../views.ts';

const SEED = 7251730;
const SHAPES = ['full', 'equal', 'decorrelated', 'none'] as const;

function make(fields: Partial<JitteredConfig> = {}, rng = () => 0.5) {
  return new Jittered({ ...jitteredConfig.parse({ name: 'jittered' }), maxAttempts: 99, ...fields }, rng);
}

function delay(policy: Jittered, attemptCount: number, result: Partial<AttemptResult> = {}, id = 0) {
  return policy.delayUs(0, requestView({ id, attemptCount }), attemptResult({ status: 503, ...result }));
}

function settle(policy: Jittered, result: Partial<AttemptResult>, deadlineAt = Infinity) {
  const attempt = { id: 0, request: requestView({ deadlineAt }), worker: workerView(), startedAt: 0 };
  policy.settled(10, attempt, attemptResult(result));
}

describe('jitteredUs', () => {
  const config = { initialBackoff: 100, maxBackoff: 1000, multiplier: 2 };
  it.each([
    ['none', 0, 0, 0.9, 100],
    ['none', 3, 0, 0.9, 800],
    ['none', 4, 0, 0.9, 1000],
    ['none', 5000, 0, 0.9, 1000],
    ['full', 0, 0, 0, 0],
    ['full', 2, 0, 0.25, 100],
    ['full', 9, 0, 0.5, 500],
    ['equal', 2, 0, 0, 200],
    ['equal', 2, 0, 0.5, 300],
    ['equal', 9, 0, 0.25, 625],
    ['decorrelated', 0, 100, 0, 100],
    ['decorrelated', 0, 100, 0.5, 200],
    ['decorrelated', 7, 200, 0.5, 350],
    ['decorrelated', 7, 900, 0.5, 1000],
  ] as const)('is right for %s after %d retries and a delay of %d, draw %d: %d', (shape, retries, last, draw, us) => {
    expect(jitteredUs({ ...config, shape }, retries, last, draw)).toBe(us);
  });

  it('stays within the bounds of its shape', () => {
    const property = fc.property(
      fc.constantFrom(...SHAPES),
      fc.nat({ max: 60 }),
      fc.integer({ min: 100, max: 1000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (shape, retries, last, draw) => {
        const us = jitteredUs({ ...config, shape }, retries, last, draw);
        const base = Math.min(1000, 100 * 2 ** retries);
        const least = { none: base, equal: base / 2, full: 0, decorrelated: 100 }[shape];
        expect(us).toBeGreaterThanOrEqual(least);
        expect(us).toBeLessThanOrEqual(shape === 'decorrelated' ? Math.min(1000, 3 * last) : base);
        expect(Number.isInteger(us)).toBe(true);
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 300 });
  });
});

describe('Jittered', () => {
  it('gives up after maxAttempts, on a status not worth repeating, and after bytes were sent', () => {
    const policy = make({ maxAttempts: 3 });
    expect([1, 2, 3].map((count) => delay(policy, count))).toEqual([50e3, 100e3, -1]);
    expect(delay(policy, 1, { status: 501 })).toBe(-1);
    expect(delay(policy, 1, { bytesSent: true })).toBe(-1);
    expect(delay(policy, 1, { outcome: 'cancelled' })).toBe(-1);
  });

  it('waits until the later of backoff and Retry-After, or ignores it', () => {
    expect(delay(make(), 1, { retryAfterUs: 7e6 })).toBe(7e6);
    expect(delay(make(), 1, { retryAfterUs: 1 })).toBe(50e3);
    expect(delay(make({ retryAfter: 'ignore' }), 1, { retryAfterUs: 7e6 })).toBe(50e3);
  });

  it('grows the decorrelated delay from the last one of the same request', () => {
    const policy = make({ shape: 'decorrelated', initialBackoff: 100, maxBackoff: 1000 });
    expect([1, 2, 3, 4, 5].map((count) => delay(policy, count))).toEqual([200, 350, 575, 913, 1000]);
    expect(delay(policy, 1, {}, 7)).toBe(200);
  });

  it.each([
    ['it ended ok', { outcome: 'ok' }, Infinity],
    ['it was cancelled', { outcome: 'cancelled' }, Infinity],
    ['bytes of it were sent', { bytesSent: true }, Infinity],
    ['its deadline has come', { outcome: 'timeout' }, 10],
  ] as const)('forgets the last delay of a request when %s', (_why, result, deadlineAt) => {
    const policy = make({ shape: 'decorrelated' });
    delay(policy, 1);
    settle(policy, { outcome: 'failed' });
    expect(policy.remembered).toBe(1);
    settle(policy, result, deadlineAt);
    expect(policy.remembered).toBe(0);
  });

  it('forgets the last delay of a request it gives up', () => {
    const policy = make({ shape: 'decorrelated', maxAttempts: 2 });
    delay(policy, 1);
    expect(delay(policy, 2)).toBe(-1);
    expect(policy.remembered).toBe(0);
  });

  it('remembers at most 65536 delays, the latest', () => {
    const policy = make({ shape: 'decorrelated', initialBackoff: 100, maxBackoff: 1000 });
    for (let id = 0; id <= 65_536; id++) delay(policy, 1, {}, id);
    expect(policy.remembered).toBe(65_536);
    expect([delay(policy, 2, {}, 0), delay(policy, 2, {}, 65_536)]).toEqual([200, 350]);
  });

  it('draws nothing without jitter', () => {
    const policy = make({ shape: 'none' }, () => {
      throw new Error('drawn');
    });
    expect(delay(policy, 2)).toBe(200e3);
  });

  it('offers variants its schema accepts', () => {
    for (const settings of Object.values(jittered.variants)) jitteredConfig.parse({ name: 'jittered', ...settings });
    expect(jitteredConfig.safeParse({ name: 'jittered', initialBackoff: '2s', maxBackoff: '1s' }).success).toBe(false);
  });

  it.each(['full', 'equal', 'none'] as const)(
    'remembers no delay of a shape that does not build on it: %s',
    (shape) => {
      const policy = make({ shape });
      delay(policy, 1);
      expect(policy.remembered).toBe(0);
    },
  );
});

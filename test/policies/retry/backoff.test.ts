import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, jitterOf, powf32 } from '../../../policies/retry/backoff.ts';

const SEED = 7251730;
const DEFAULTS = { initialMs: 50, maxMs: 30000, multiplier: 1.5, jitterFactor: 0.2 };

describe('backoffMs', () => {
  it('gives the default sequence without jitter, the cap from attempt 16', () => {
    const settings = { ...DEFAULTS, jitterFactor: 0 };
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 16, 1000].map((attempt) => backoffMs(settings, attempt, 0.5));
    expect(delays).toEqual([50, 75, 112, 168, 253, 379, 569, 854, 30000, 30000]);
  });

  it('adds jitter after the cap', () => {
    expect(backoffMs(DEFAULTS, 30, Math.fround(0.2))).toBe(36000);
  });

  it('rounds jitter half away from zero', () => {
    const settings = { initialMs: 10, maxMs: 10, multiplier: 1, jitterFactor: 1 };
    expect([0.25, -0.25, 0.05, -0.05].map((draw) => backoffMs(settings, 0, draw))).toEqual([13, 7, 11, 9]);
  });

  it('never goes below zero', () => {
    expect(backoffMs({ ...DEFAULTS, jitterFactor: 1 }, 0, -1)).toBe(0);
  });

  it('loses digits above 2^24 as binary32 does', () => {
    expect(backoffMs({ initialMs: 123456789, maxMs: 2 ** 40, multiplier: 1.3, jitterFactor: 0 }, 7, 0)).toBe(774672832);
  });

  it('stays within base × (1 ± jitter), rounded', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 1, max: 8, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat({ max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (initialMs, multiplier, jitterFactor, attempt, draw) => {
        const settings = { initialMs, maxMs: 30_000, multiplier, jitterFactor };
        const base = backoffMs({ ...settings, jitterFactor: 0 }, attempt, 0);
        const delay = backoffMs(settings, attempt, jitterOf(jitterFactor, draw));
        expect(Number.isInteger(delay)).toBe(true);
        expect(Math.abs(delay - base)).toBeLessThanOrEqual(base * Math.fround(jitterFactor) + 0.51);
        expect(base).toBeGreaterThanOrEqual(Math.min(initialMs, 30_000));
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 1000 });
  });
});

describe('powf32', () => {
  it.each([
    [1.5, 0, 1],
    [2, 10, 1024],
    [10, 39, Infinity],
    [1, 1_000_000, 1],
    [1.5, 7, 17.0859375],
  ])('raises %d to %d', (base, exponent, power) => {
    expect(powf32(base, exponent)).toBe(power);
  });

  it('rounds to binary32 at each step', () => {
    expect(powf32(1.1, 2)).toBe(Math.fround(Math.fround(1.1) * Math.fround(1.1)));
    expect(powf32(1.1, 2)).not.toBe(1.1 ** 2);
  });
});

describe('jitterOf', () => {
  it('spreads a uniform draw over the symmetric interval', () => {
    expect(jitterOf(0.2, 0)).toBe(-Math.fround(0.2));
    expect(jitterOf(0.2, 0.5)).toBe(0);
    expect(jitterOf(7, 0)).toBe(-1);
  });
});

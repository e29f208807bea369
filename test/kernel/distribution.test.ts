import { describe, expect, it } from 'vitest';
import { sampler, type Distribution } from '../../src/kernel/distribution.ts';
import { Keyed, stream } from '../../src/kernel/rng.ts';

const DRAWS = 100_000;
const WIDE = { min: 0, max: Number.MAX_SAFE_INTEGER };

function draws(distribution: Distribution, count: number, name = 'test'): number[] {
  const draw = sampler(distribution, stream(42, name));
  return Array.from({ length: count }, draw);
}

function moments(values: readonly number[]): { mean: number; sd: number; fourth: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const central = (power: number) => values.reduce((sum, x) => sum + (x - mean) ** power, 0) / values.length;
  return { mean, sd: Math.sqrt(central(2)), fourth: central(4) };
}

const shapes: [string, Distribution, number, number][] = [
  ['uniform', { dist: 'uniform', min: 1000, max: 9000 }, 5000, Math.sqrt((8001 ** 2 - 1) / 12)],
  ['exponential', { dist: 'exponential', mean: 50_000, ...WIDE }, 50_000, 50_000],
  ['normal', { dist: 'normal', mean: 50_000, sd: 4000, ...WIDE }, 50_000, 4000],
  ['lognormal', { dist: 'lognormal', mean: 50_000, cv: 0.8, ...WIDE }, 50_000, 40_000],
  ['smooth gamma', { dist: 'gamma', mean: 50_000, cv: 0.5, ...WIDE }, 50_000, 25_000],
  ['bursty gamma', { dist: 'gamma', mean: 50_000, cv: 2, ...WIDE }, 50_000, 100_000],
];

/** One draw of each shape that d3 builds on a pair of normals, bounded to 1 … 10^9. */
const POSITIVE = { min: 1, max: 1e9 };
const keyedShapes: Distribution[] = [
  { dist: 'normal', mean: 5000, sd: 900, ...POSITIVE },
  { dist: 'lognormal', mean: 5000, cv: 1, ...POSITIVE },
  { dist: 'gamma', mean: 5000, cv: 0.7, ...POSITIVE },
  { dist: 'exponential', mean: 5000, ...POSITIVE },
  { dist: 'uniform', min: 1, max: 5000 },
];

describe('sampler', () => {
  it.each(shapes)('draws %s with its mean and deviation', (_, distribution, mean, sd) => {
    const seen = moments(draws(distribution, DRAWS));
    // Four standard errors; that of the deviation by the delta method from the sample's fourth moment.
    expect(Math.abs(seen.mean - mean)).toBeLessThan((4 * sd) / Math.sqrt(DRAWS));
    const sdError = Math.sqrt((seen.fourth - seen.sd ** 4) / DRAWS) / (2 * seen.sd);
    expect(Math.abs(seen.sd - sd)).toBeLessThan(4 * sdError);
  });

  it('draws every whole number of a narrow uniform range equally often', () => {
    const counts = [0, 0, 0, 0];
    for (const value of draws({ dist: 'uniform', min: 1, max: 3 }, 30_000)) counts[value] = (counts[value] ?? 0) + 1;
    expect(counts[0]).toBe(0);
    for (const count of counts.slice(1)) expect(Math.abs(count - 10_000)).toBeLessThan(4 * Math.sqrt(20_000 / 3));
  });

  it('repeats a constant, rounded', () => {
    expect(draws({ dist: 'constant', value: 7.4 }, 3)).toEqual([7, 7, 7]);
  });

  it.each(shapes)('draws whole numbers within the bounds of %s', (_, distribution) => {
    if (distribution.dist === 'constant') return;
    const bounded = { ...distribution, min: 4000, max: 6000 };
    const values = draws(bounded, 5000);
    expect(values.every((value) => Number.isInteger(value) && value >= 4000 && value <= 6000)).toBe(true);
  });

  it('moves a draw inside fractional bounds to the nearest whole number inside', () => {
    const values = draws({ dist: 'normal', mean: 10, sd: 100, min: 9.6, max: 11.7 }, 1000);
    expect(new Set(values)).toEqual(new Set([10, 11]));
  });

  it('refuses bounds without a whole number between them', () => {
    expect(() => sampler({ dist: 'normal', mean: 0, sd: 1, min: 0.2, max: 0.8 }, () => 0.5)).toThrow('no whole number');
  });

  it('never answers -0', () => {
    const values = draws({ dist: 'normal', mean: 0, sd: 0.4, min: -5, max: 5 }, 1000);
    expect(values.some((value) => Object.is(value, -0))).toBe(false);
    expect(Object.is(sampler({ dist: 'constant', value: -0.2 }, () => 0.5)(), 0)).toBe(true);
  });

  it('draws the mean when there is no spread', () => {
    for (const dist of ['lognormal', 'gamma'] as const) {
      expect(draws({ dist, mean: 500, cv: 0, ...WIDE }, 3)).toEqual([500, 500, 500]);
    }
    expect(draws({ dist: 'normal', mean: 500, sd: 0, ...WIDE }, 3)).toEqual([500, 500, 500]);
  });

  it('draws zero when the mean is zero', () => {
    for (const dist of ['lognormal', 'gamma'] as const) {
      expect(draws({ dist, mean: 0, cv: 1, ...WIDE }, 2)).toEqual([0, 0]);
    }
    expect(draws({ dist: 'exponential', mean: 0, ...WIDE }, 2)).toEqual([0, 0]);
  });

  it.each(keyedShapes)('draws a key alike whatever was drawn before ($dist)', (distribution) => {
    const alone = Array.from({ length: 50 }, (_, i) => {
      const keyed = new Keyed(1, 'service').at(i, 0);
      return sampler(distribution, keyed.draw)();
    });
    const keyed = new Keyed(1, 'service');
    const draw = sampler(distribution, keyed.draw);
    const inOrder = alone.map((_, i) => (keyed.at(i, 0), draw()));
    expect(inOrder).toEqual(alone);
  });

  it('draws the pinned numbers', () => {
    const pinned = keyedShapes.map((distribution) => [distribution.dist, ...draws(distribution, 4)].join(' '));
    expect(pinned).toMatchInlineSnapshot(`
      [
        "normal 5981 4978 6087 4466",
        "lognormal 8763 3466 9660 2158",
        "gamma 8734 6175 2557 2607",
        "exponential 1923 5142 43 2894",
        "uniform 1597 3213 43 2197",
      ]
    `);
  });
});

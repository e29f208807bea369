import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sample } from '../../src/results/sample.ts';

/** From numpy 2.4.6: `np.percentile(values, p)`, `np.std`, `np.mean`. */
const VALUES = [3, 1, 4, 1.5, 9, 2.6, 5.3, 5.8, 9.7];
const NUMPY = new Map([
  [0, 1],
  [25, 2.6],
  [50, 4],
  [75, 5.8],
  [90, 9.14],
  [95, 9.42],
  [99, 9.644],
  [99.9, 9.6944],
  [100, 9.7],
]);

function sampleOf(values: readonly number[], exactMax?: number): Sample {
  const sample = new Sample(exactMax);
  for (const value of values) sample.add(value);
  return sample;
}

/** The definition, written the slow way. */
function naivePercentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = ((sorted.length - 1) * p) / 100;
  const low = sorted[Math.floor(rank)] as number;
  const high = sorted[Math.ceil(rank)] as number;
  return low + (high - low) * (rank - Math.floor(rank));
}

describe('Sample', () => {
  it('gives the percentiles, mean and deviation of numpy', () => {
    const sample = sampleOf(VALUES);
    for (const [p, expected] of NUMPY) expect(sample.percentile(p), `p${p}`).toBe(expected);
    expect(sample.mean).toBeCloseTo(4.655555555555556, 14);
    expect(sample.std).toBeCloseTo(2.9204684217551704, 14);
    expect([sample.min, sample.max, sample.count, sample.method]).toEqual([1, 9.7, 9, 'exact']);
    expect(sample.sum).toBeCloseTo(41.9, 12);
  });

  it('interpolates linearly between order statistics', () => {
    const values = fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 3000, size: 'max' });
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 1000 }), (all, perMille) => {
        const expected = naivePercentile(all, perMille / 10);
        const found = sampleOf(all).percentile(perMille / 10) as number;
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-9 * expected + 1e-6);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('answers the same whether it was asked before or not', () => {
    // A sum of squares in this order differs in its last bit from one in ascending order.
    const asked = new Sample();
    const quiet = new Sample();
    for (const value of [2364.6, 3692.7, 5042.4, 7048.8, 505.4, 3695.2]) {
      asked.add(value);
      quiet.add(value);
    }
    asked.percentile(50);
    expect([asked.std, asked.mean, asked.percentile(99)]).toEqual([quiet.std, quiet.mean, quiet.percentile(99)]);
  });

  it('spills into a histogram beyond its bound and keeps count, sum and extremes exact', () => {
    const values = Array.from({ length: 500 }, (_, index) => (index * 7919) % 100_003);
    const exact = sampleOf(values, 500);
    const spilled = sampleOf(values, 499);
    expect([exact.method, spilled.method]).toEqual(['exact', 'histogram']);
    expect([spilled.count, spilled.sum, spilled.min, spilled.max]).toEqual([
      exact.count,
      exact.sum,
      exact.min,
      exact.max,
    ]);
    expect(spilled.std).toBeCloseTo(exact.std as number, 6);
    for (const p of [1, 25, 50, 90, 99, 99.9]) {
      const truth = exact.percentile(p) as number;
      expect(Math.abs((spilled.percentile(p) as number) - truth)).toBeLessThanOrEqual(truth * 2 ** -11);
    }
  });

  it('has no statistics when empty', () => {
    const empty = new Sample();
    expect([empty.mean, empty.std, empty.min, empty.max, empty.percentile(50)]).toEqual(Array(5).fill(null));
    expect([empty.count, empty.sum]).toEqual([0, 0]);
  });

  it('refuses what is no duration', () => {
    expect(() => new Sample().add(Number.NaN)).toThrow('finite values');
    expect(() => new Sample().add(-1)).toThrow('finite values');
    expect(() => new Sample().add(Infinity)).toThrow('finite values');
  });
});

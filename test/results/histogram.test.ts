import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../src/results/histogram.ts';
import { Sample } from '../../src/results/sample.ts';

type Weighted = readonly (readonly [value: number, weight: number])[];

const PERCENTILES = [0, 1, 25, 50, 75, 90, 95, 99, 99.9, 100];

function histogramOf(values: Weighted): Histogram {
  const histogram = new Histogram();
  for (const [value, weight] of values) histogram.record(value, weight);
  return histogram;
}

/** The multiset, value by value. */
function expanded(values: Weighted): Sample {
  const sample = new Sample();
  for (const [value, weight] of values) for (let copy = 0; copy < weight; copy++) sample.add(value);
  return sample;
}

function weighted(max: number): fc.Arbitrary<Weighted> {
  const value = fc.oneof(
    fc.integer({ min: 0, max: Math.min(max, 4200) }),
    fc.integer({ min: 0, max: Math.min(max, 2 ** 22) }),
    fc.integer({ min: 0, max }),
  );
  return fc.array(fc.tuple(value, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 300, size: 'max' });
}

describe('Histogram', () => {
  it('gives the percentiles, mean and deviation of numpy below 2048', () => {
    // np.percentile([1]*3 + [5]*4 + [2047]*2 + [100], p)
    const histogram = histogramOf([
      [5, 4],
      [2047, 2],
      [1, 3],
      [100, 1],
    ]);
    const expected = [1, 2, 5, 76.25, 2047, 2047, 2047, 2047];
    expect([0, 25, 50, 75, 90, 95, 99, 100].map((p) => histogram.percentile(p))).toEqual(expected);
    expect(histogram.mean).toBeCloseTo(421.7, 12);
    expect(histogram.std).toBeCloseTo(813.1550959072936, 9);
    expect([histogram.count, histogram.sum, histogram.sumOfSquares]).toEqual([10, 4217, 8390521]);
  });

  it('is exact below 2048', () => {
    fc.assert(
      fc.property(weighted(2047), (values) => {
        const truth = expanded(values);
        const histogram = histogramOf(values);
        for (const p of PERCENTILES) expect(histogram.percentile(p)).toBe(truth.percentile(p));
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it.each([2 ** 16, 2 ** 31 + 5000, 2 ** 40, Number.MAX_SAFE_INTEGER])(
    'is off by at most 2^-11 of the value up to %d',
    (max) => {
      fc.assert(
        fc.property(weighted(max), (values) => {
          const truth = expanded(values);
          const histogram = histogramOf(values);
          expect([histogram.count, histogram.min, histogram.max]).toEqual([truth.count, truth.min, truth.max]);
          expect([histogram.percentile(0), histogram.percentile(100)]).toEqual([truth.min, truth.max]);
          for (const p of truth.count === 0 ? [] : PERCENTILES) {
            const exact = truth.percentile(p) as number;
            const error = Math.abs((histogram.percentile(p) as number) - exact);
            expect(error).toBeLessThanOrEqual(exact * 2 ** -11);
          }
        }),
        { seed: 3, numRuns: 100 },
      );
    },
  );

  it('keeps single values at the edges of its buckets within the bound', () => {
    for (let exponent = 10; exponent <= 52; exponent++) {
      for (const value of [2 ** exponent - 1, 2 ** exponent, 2 ** exponent + 1]) {
        const histogram = histogramOf([
          [0, 1],
          [value, 1],
          [Number.MAX_SAFE_INTEGER, 1],
        ]);
        const error = Math.abs((histogram.percentile(50) as number) - value);
        expect(error, String(value)).toBeLessThanOrEqual(value * 2 ** -11);
      }
    }
  });

  it('merges into what recording everything in one gives', () => {
    fc.assert(
      fc.property(weighted(2 ** 33), weighted(2 ** 20), (first, second) => {
        const merged = histogramOf(first);
        merged.merge(histogramOf(second));
        const together = histogramOf([...first, ...second]);
        expect([merged.count, merged.sum, merged.min, merged.max]).toEqual([
          together.count,
          together.sum,
          together.min,
          together.max,
        ]);
        for (const p of PERCENTILES) expect(merged.percentile(p)).toBe(together.percentile(p));
      }),
      { seed: 4, numRuns: 100 },
    );
  });

  it('has no statistics when empty or given no weight', () => {
    for (const empty of [new Histogram(), histogramOf([[5, 0]])]) {
      expect([empty.mean, empty.std, empty.min, empty.max, empty.percentile(50)]).toEqual(Array(5).fill(null));
      expect(empty.count).toBe(0);
    }
  });

  it('has deviation 0 when all values are equal, whatever the rounding', () => {
    const same = Array.from({ length: 7 }, () => [836_933_659, 1] as const);
    expect(histogramOf(same).std).toBe(0);
  });

  it('refuses fractions, negative values and negative weights', () => {
    expect(() => new Histogram().record(1.5, 1)).toThrow('whole values');
    expect(() => new Histogram().record(-1, 1)).toThrow('whole values');
    expect(() => new Histogram().record(Number.NaN, 1)).toThrow('whole values');
    expect(() => new Histogram().record(1, -1)).toThrow('negative weight');
  });

  it('records the gaps of a row of instants as one by one', () => {
    const instants = Float64Array.from([5, 5, 2100, 2103, 9_000_000, 6e9]);
    const together = new Histogram();
    together.recordGaps(instants, 1, 6, 3, 4);
    const single = new Histogram();
    for (const gap of [2, 2095, 3, 8_997_897, 6e9 - 9_000_000]) single.record(gap, 4);
    const shown = (of: Histogram) => [of.count, of.sum, of.sumOfSquares, of.min, of.max, of.percentile(50), of.std];
    expect(shown(together)).toEqual(shown(single));
  });
});

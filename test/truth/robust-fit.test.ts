import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nondecreasing, relativeCovariance, relativeFit } from '../../src/truth/robust-fit.ts';

const XS = [1, 2, 4, 8, 16, 32, 64, 128];

describe('the relative fit', () => {
  it('goes through the rows although some are far off', () => {
    const rows = XS.map((x, i) => ({ features: [1, x], value: (5 + 2 * x) * (i === 3 ? 1.8 : 1) }));
    const [a, b] = relativeFit(rows);
    expect(a).toBeCloseTo(5, 1);
    expect(b).toBeCloseTo(2, 2);
  });

  it('leaves out a coefficient that would be negative, the first never', () => {
    const falling = XS.map((x) => ({ features: [1, x, x * x], value: 500 - x }));
    const [a, b, c] = relativeFit(falling);
    expect(a).toBeGreaterThan(300);
    expect([b, c]).toEqual([0, 0]);
    const below = XS.map((x) => ({ features: [1, x], value: 3 * x - 1 }));
    expect(relativeFit(below)[0]).toBeCloseTo(-1, 3);
  });
});

describe('the covariance of a relative fit', () => {
  it('is as wide as the rows scatter, and names the coefficients that are not zero', () => {
    const rows = XS.map((x, i) => ({ features: [1, x, x * x], value: 2 * x * (i % 2 === 0 ? 1.1 : 0.9) }));
    const { features, covariance } = relativeCovariance(rows, [0, 2, 0]);
    expect(features).toEqual([1]);
    expect(Math.sqrt(covariance[0]?.[0] ?? NaN)).toBeCloseTo(0.1 / Math.sqrt(XS.length), 2);
  });

  it('is nothing where every row is met', () => {
    const rows = XS.map((x) => ({ features: [1, x], value: 5 + 2 * x }));
    const { features, covariance } = relativeCovariance(rows, [5, 2]);
    expect(features).toEqual([0, 1]);
    for (const value of covariance.flat()) expect(value).toBeCloseTo(0, 12);
  });
});

describe('values that may not fall', () => {
  it('are pooled where they do, by weight', () => {
    expect(nondecreasing([1, 3, 2, 4], [1, 1, 1, 1])).toEqual([1, 2.5, 2.5, 4]);
    expect(nondecreasing([4, 1, 1], [1, 1, 2])).toEqual([1.75, 1.75, 1.75]);
    expect(nondecreasing([3, 3, 2, 5], [1, 1, 2, 1])).toEqual([2.5, 2.5, 2.5, 5]);
  });

  it('rise, keep their weighted sum, and are nearest to what they were (random values)', () => {
    const values = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8, size: 'max' });
    const property = fc.property(values, (list) => {
      const weights = list.map(() => 1);
      const risen = nondecreasing(list, weights);
      risen.forEach((value, i) => expect(value).toBeGreaterThanOrEqual(risen[i - 1] ?? -Infinity));
      const sum = (those: readonly number[]): number => those.reduce((total, value) => total + value, 0);
      expect(sum(risen)).toBeCloseTo(sum(list), 9);
      // No flat line and no sorted list comes nearer.
      const distance = (those: readonly number[]): number => sum(those.map((v, i) => (v - (list[i] as number)) ** 2));
      const flat = list.map(() => sum(list) / list.length);
      const sorted = [...list].sort((a, b) => a - b);
      expect(distance(risen)).toBeLessThanOrEqual(Math.min(distance(flat), distance(sorted)) + 1e-9);
    });
    fc.assert(property, { seed: 11, numRuns: 1000 });
  });
});

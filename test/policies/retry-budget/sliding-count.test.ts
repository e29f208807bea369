import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingCount } from '../../../policies/retry-budget/sliding-count.ts';

const SEED = 7251730;

describe('SlidingCount', () => {
  it('forgets a slice once it is a whole window old', () => {
    const count = new SlidingCount(100, 10);
    count.add(5);
    count.add(19);
    expect([19, 109, 110, 119, 120].map((now) => count.total(now))).toEqual([2, 2, 1, 1, 0]);
  });

  it('forgets everything over a long pause', () => {
    const count = new SlidingCount(100, 10);
    for (let now = 0; now < 100; now++) count.add(now);
    expect(count.total(1e12)).toBe(0);
    count.add(1e12);
    expect(count.total(1e12 + 99)).toBe(1);
  });

  it('counts exactly what fell into this slice and the slices before it', () => {
    const gaps = fc.array(fc.constantFrom(0, 1, 9, 10, 35, 100, 250), { maxLength: 60, size: 'max' });
    const property = fc.property(gaps, (steps) => {
      const count = new SlidingCount(100, 10);
      const added: number[] = [];
      let now = 0;
      for (const step of steps) {
        now += step;
        count.add(now);
        added.push(now);
        const from = (Math.floor(now / 10) - 10) * 10;
        expect(count.total(now)).toBe(added.filter((at) => at >= from).length);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 150 });
  });
});

import { describe, expect, it } from 'vitest';
import { holmAdjusted } from '../../../src/lab/compare/holm.ts';
import { mser5 } from '../../../src/lab/compare/mser5.ts';
import { pairedBootstrap } from '../../../src/lab/compare/paired-bootstrap.ts';
import { pairedT } from '../../../src/lab/compare/paired-t.ts';
import { stream } from '../../../src/kernel/rng.ts';

describe("Student's paired t", () => {
  it('has the interval and p of the textbook', () => {
    const { mean, low, high, p } = pairedT([1, 2, 3, 4, 5], 0.95);
    expect(mean).toBe(3);
    // scipy.stats.ttest_1samp([1, 2, 3, 4, 5], 0): t 4.2426, p 0.013236, interval 1.03676 to 4.96324.
    expect(low).toBeCloseTo(1.03676, 5);
    expect(high).toBeCloseTo(4.96324, 5);
    expect(p).toBeCloseTo(0.013236, 5);
  });

  it('says nothing from one pair, and all from equal ones', () => {
    expect(pairedT([7], 0.95)).toEqual({ mean: 7, low: -Infinity, high: Infinity, p: 1 });
    expect(pairedT([2, 2, 2], 0.95)).toEqual({ mean: 2, low: 2, high: 2, p: 0 });
    expect(pairedT([0, 0], 0.95).p).toBe(1);
  });
});

describe('the paired bootstrap', () => {
  it('covers the true mean of skewed differences about as often as it says', () => {
    const draw = stream(1, 'coverage');
    let covered = 0;
    for (let i = 0; i < 200; i++) {
      const differences = Array.from({ length: 25 }, () => -Math.log(1 - draw()) - 1);
      const { low, high } = pairedBootstrap(differences, 0.9, `coverage/${i}`);
      if (low <= 0 && high >= 0) covered++;
    }
    // Nominal 180; the percentile interval of 25 skewed values covers a little less.
    expect(covered).toBeGreaterThan(160);
    expect(covered).toBeLessThan(194);
  });

  it('answers the same for the same name, and a small p when all pairs agree', () => {
    const differences = [3, 4, 5, 4, 3, 5];
    expect(pairedBootstrap(differences, 0.95, 'a')).toEqual(pairedBootstrap(differences, 0.95, 'a'));
    expect(pairedBootstrap(differences, 0.95, 'a').p).toBeLessThan(0.001);
    expect(pairedBootstrap([0, 0, 0], 0.95, 'a')).toEqual({ mean: 0, low: 0, high: 0, p: 1 });
  });
});

describe("Holm's correction", () => {
  it('multiplies the least p by the number of comparisons and never lets a later one fall below', () => {
    expect(holmAdjusted([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
    expect(holmAdjusted([0.9, 0.8])).toEqual([1, 1]);
    expect(holmAdjusted([])).toEqual([]);
  });
});

describe('MSER-5', () => {
  it('leaves out the climb of a series that settles', () => {
    const draw = stream(5, 'mser');
    const series = Array.from({ length: 1000 }, (_, i) => Math.min(i, 100) + draw());
    const { observations, settled } = mser5(series);
    expect(settled).toBe(true);
    expect(observations).toBeGreaterThanOrEqual(90);
    expect(observations).toBeLessThanOrEqual(110);
  });

  it('leaves out nothing of a level series, and says when a series never settles', () => {
    expect(mser5(Array.from({ length: 100 }, () => 4))).toEqual({ observations: 0, settled: true });
    expect(mser5(Array.from({ length: 400 }, (_, i) => i)).settled).toBe(false);
    expect(mser5([1, 2, 3])).toEqual({ observations: 0, settled: false });
  });
});

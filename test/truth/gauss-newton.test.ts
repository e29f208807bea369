import { describe, expect, it } from 'vitest';
import {
  anchored,
  clusteredCovariance,
  type Fit,
  gaussNewton,
  polished,
  residualDeviation,
  sumOfSquares,
} from '../../src/truth/gauss-newton.ts';
import { downhill } from '../../src/truth/simplex.ts';

/** Residuals of y = a + b·x² with a = 2, b = 3, rounded to `step` as a replay's jumps round it. */
function residualsAt(step: number) {
  return ([a = 0, b = 0]: readonly number[]): number[] => {
    return Array.from({ length: 30 }, (_, x) => {
      const value = a + b * x * x;
      const seen = step === 0 ? value : Math.round(value / step) * step;
      return seen / (2 + 3 * x * x) - 1;
    });
  };
}

describe('least squares', () => {
  it('finds the coefficients from where they are half or twice', () => {
    const fit = gaussNewton([1, 6], residualsAt(0));
    expect(fit.multipliers[0]).toBeCloseTo(2, 6);
    expect(fit.multipliers[1]).toBeCloseTo(3, 6);
    expect(sumOfSquares(fit)).toBeLessThan(1e-12);
  });

  it('comes near on a rough function, and nearer when it is polished', () => {
    const residuals = residualsAt(0.5);
    const fit = gaussNewton([1, 6], residuals);
    const better = polished(fit, residuals, 100);
    expect(sumOfSquares(better)).toBeLessThanOrEqual(sumOfSquares(fit));
    expect(better.multipliers[1]).toBeCloseTo(3, 1);
  });

  it('leaves a coefficient alone on which nothing depends', () => {
    const fit = gaussNewton([1, 1], ([a = 0]) => [a - 1.5, a - 1.5]);
    expect(fit.multipliers[0]).toBeCloseTo(1.5, 6);
    expect(fit.multipliers[1]).toBe(1);
    expect(clusteredCovariance(fit, 2)).toEqual([[0, 0], [0, 0]]);
  });
});

describe('the clustered covariance', () => {
  it('is that of a mean when every residual stands alone', () => {
    const residuals = [1, -1, 2, -2, 0.5, -0.5];
    const fit: Fit = { multipliers: [1], residuals, jacobian: [residuals.map(() => 1)] };
    const squares = residuals.reduce((sum, value) => sum + value * value, 0);
    expect(clusteredCovariance(fit, 6)[0]?.[0]).toBeCloseTo(squares / 36 / (5 / 6), 12);
  });

  it('is wider when neighbours err alike', () => {
    const alike: Fit = { multipliers: [1], residuals: [1, 1, -1, -1, 1, 1, -1, -1], jacobian: [Array(8).fill(1)] };
    const variance = (clusters: number): number => clusteredCovariance(alike, clusters)[0]?.[0] ?? 0;
    expect(variance(4)).toBeGreaterThan(1.5 * variance(8));
  });
});

describe('anchors', () => {
  const residuals = [0.01, -0.01, 0.02, -0.02, 0.01, -0.01];
  /** The first coefficient is measured by every residual, the second by none. */
  const fit: Fit = { multipliers: [1, 1], residuals, jacobian: [residuals.map(() => 1), residuals.map(() => 0)] };

  it('count as no measurement', () => {
    expect(residualDeviation(fit, 0)).toBeCloseTo(Math.sqrt(0.0012 / 4), 12);
    expect(residualDeviation(anchored(fit), 2)).toBeCloseTo(Math.sqrt(0.0012 / 4), 12);
  });

  it('leave what is not measured uncertain by a factor of two, and what is as it was', () => {
    const [[known = 0] = [], [, open = 0] = []] = clusteredCovariance(anchored(fit), 6, 2);
    expect(Math.sqrt(open)).toBeCloseTo(Math.LN2, 9);
    const alone: Fit = { ...fit, jacobian: fit.jacobian.slice(0, 1) };
    expect(known / (clusteredCovariance(alone, 6)[0]?.[0] ?? NaN)).toBeCloseTo(1, 1);
  });
});

describe('the simplex', () => {
  it('walks down a bent valley', () => {
    const valley = ([x = 0, y = 0]: readonly number[]): number => (1 - x) ** 2 + 100 * (y - x * x) ** 2;
    const [x, y] = downhill([-1, 1], [[0.5, 0], [0, 0.5]], valley, 400);
    expect(x).toBeCloseTo(1, 3);
    expect(y).toBeCloseTo(1, 3);
  });

  it('never answers a worse point than it began with', () => {
    expect(downhill([0, 0], [[1, 0], [0, 1]], ([x = 0, y = 0]) => x + y, 4)).toEqual([0, 0]);
  });
});

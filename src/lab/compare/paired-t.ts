/**
 * Student's t on paired differences: the mean, its confidence interval and the p-value of "no difference". Right for
 * means and counts over many seeds, where the mean of differences is close to normal; quantiles and ratios go to the
 * bootstrap. With one pair nothing can be said: the interval is infinite and p is 1.
 */
import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided, of the hypothesis that there is no difference. */
  readonly p: number;
}

/** `level`: coverage of the interval, such as 0.95. */
export function pairedT(differences: readonly number[], level: number): Interval {
  const n = differences.length;
  const mean = differences.reduce((sum, each) => sum + each, 0) / n;
  if (n < 2) return { mean, low: -Infinity, high: Infinity, p: 1 };
  const squares = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  const error = Math.sqrt(squares / (n - 1) / n);
  if (error === 0) return { mean, low: mean, high: mean, p: mean === 0 ? 1 : 0 };
  const half = tQuantile((1 + level) / 2, n - 1) * error;
  return { mean, low: mean - half, high: mean + half, p: Math.min(1, 2 * tCdf(-Math.abs(mean) / error, n - 1)) };
}

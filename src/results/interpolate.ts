/**
 * Where a percentile falls between two order statistics: numpy's method `linear`, the one of `vllm bench serve`. The
 * p-th percentile of n values has rank p/100 × (n − 1), counted from 0; between two ranks it is interpolated.
 */

/** The value `ratio` (0 to 1) of the way from `low` to `high`, rounded exactly as numpy rounds it. */
export function interpolate(low: number, high: number, ratio: number): number {
  const step = high - low;
  return ratio < 0.5 ? low + step * ratio : high - step * (1 - ratio);
}

/** Rank, 0 to `count` − 1 and seldom whole, of percentile `p` (0 to 100) among `count` values. */
export function rankOf(p: number, count: number): number {
  return (count - 1) * (p / 100);
}

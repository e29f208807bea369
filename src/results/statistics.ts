/**
 * What the result document says of a set of values: mean, median, standard deviation, extremes and five
 * percentiles. The names are those of `vllm bench serve`, so that its readers can read ours.
 */

/** A set of values that can be asked for its statistics. All are null when it is empty: there is no number to give. */
export interface Statistics {
  readonly method: PercentileMethod;
  readonly count: number;
  readonly mean: number | null;
  /** Of the population (numpy's `ddof=0`). */
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** `p` from 0 to 100; numpy's linear interpolation. */
  percentile(p: number): number | null;
}

/** `exact`: order statistics of all values. `histogram`: of buckets, off by at most 2^-11 of the value. */
export type PercentileMethod = 'exact' | 'histogram';

/** In the order in which they are emitted. There is no `p50`: it is `median`. */
export const STATISTIC_NAMES = [
  'mean',
  'median',
  'std',
  'min',
  'max',
  'p75',
  'p90',
  'p95',
  'p99',
  'p99_9',
] as const;
export type StatisticName = (typeof STATISTIC_NAMES)[number];

/** One statistic, in the unit of the values. */
export function statistic(of: Statistics, name: StatisticName): number | null {
  switch (name) {
    case 'mean':
      return of.mean;
    case 'std':
      return of.std;
    case 'min':
      return of.min;
    case 'max':
      return of.max;
    case 'median':
      return of.percentile(50);
    case 'p75':
      return of.percentile(75);
    case 'p90':
      return of.percentile(90);
    case 'p95':
      return of.percentile(95);
    case 'p99':
      return of.percentile(99);
    case 'p99_9':
      return of.percentile(99.9);
    default:
      return name satisfies never;
  }
}

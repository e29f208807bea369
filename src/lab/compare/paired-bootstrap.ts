/**
 * Percentile bootstrap of the mean of paired differences, for quantiles and ratios, whose differences over seeds are
 * skewed. Pairs are drawn with replacement from a seeded stream, so the interval is the same on every machine. Limits:
 * below some ten pairs the interval is too narrow.
 */
import { stream } from '../../kernel/rng.ts';
import { interpolate, rankOf } from '../../results/interpolate.ts';
import type { Interval } from './paired-t.ts';

/** Resamples; Efron and Tibshirani ask for 1,000 or more. */
const RESAMPLES = 10_000;

/** `name` seeds the stream; equal names draw equal resamples. */
export function pairedBootstrap(differences: readonly number[], level: number, name: string): Interval {
  const n = differences.length;
  const mean = differences.reduce((sum, each) => sum + each, 0) / n;
  if (n < 2) return { mean, low: -Infinity, high: Infinity, p: 1 };
  const draw = stream('bootstrap', name);
  const means = new Float64Array(RESAMPLES);
  let below = 0;
  let above = 0;
  for (let i = 0; i < RESAMPLES; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += differences[Math.floor(draw() * n)] as number;
    means[i] = sum / n;
    if (sum <= 0) below++;
    if (sum >= 0) above++;
  }
  means.sort();
  const tail = 50 * (1 - level);
  const p = Math.min(1, (2 * (Math.min(below, above) + 1)) / (RESAMPLES + 1));
  return { mean, low: percentile(means, tail), high: percentile(means, 100 - tail), p };
}

function percentile(sorted: Float64Array, p: number): number {
  const rank = rankOf(p, sorted.length);
  const below = Math.floor(rank);
  const low = sorted[below] as number;
  return interpolate(low, sorted[below + 1] ?? low, rank - below);
}

/**
 * The numbers that a comparison looks at, unless told which: the headlines of a result, and how each is tested. Counts,
 * means and rates over many seeds are near normal (paired t); quantiles and ratios are not (bootstrap).
 */
import type { RunResult } from '../../results/result.ts';
import { type LeafValue, valueAt } from '../../results/compare-values.ts';

export type NumberFormat = 'count' | 'ms' | 'percent' | 'rate' | 'factor';

export interface ComparedMetric {
  /** Of the result document. */
  readonly path: string;
  readonly label: string;
  readonly better: 'less' | 'more';
  readonly test: 't' | 'bootstrap';
  readonly format: NumberFormat;
}

type Row = readonly [string, string, ComparedMetric['better'], ComparedMetric['test'], NumberFormat];

const ROWS: readonly Row[] = [
  ['rows.dropped', 'rows dropped', 'less', 't', 'count'],
  ['rows.admission_timeouts', 'admission timeouts', 'less', 't', 'count'],
  ['failed', 'requests failed', 'less', 't', 'count'],
  ['outcomes.queue_timeout', 'queue timeouts', 'less', 't', 'count'],
  ['good_request_fraction', 'good requests', 'more', 'bootstrap', 'percent'],
  ['mean_ttft_ms', 'mean TTFT', 'less', 't', 'ms'],
  ['p99_ttft_ms', 'p99 TTFT', 'less', 'bootstrap', 'ms'],
  ['mean_tpot_ms', 'mean TPOT', 'less', 't', 'ms'],
  ['p99_tpot_ms', 'p99 TPOT', 'less', 'bootstrap', 'ms'],
  ['mean_e2el_ms', 'mean E2E', 'less', 't', 'ms'],
  ['p99_e2el_ms', 'p99 E2E', 'less', 'bootstrap', 'ms'],
  ['request_goodput', 'goodput req/s', 'more', 't', 'rate'],
  ['amplification', 'amplification', 'less', 'bootstrap', 'factor'],
  ['wasted_tokens.total', 'wasted tokens', 'less', 't', 'count'],
  ['prefix_hit_ratio', 'prefix hit ratio', 'more', 'bootstrap', 'percent'],
  ['preemptions', 'preemptions', 'less', 't', 'count'],
  ['simulated_seconds', 'duration s', 'less', 't', 'rate'],
];

export const HEADLINES: readonly ComparedMetric[] = ROWS.map(([path, label, better, test, format]) => {
  return { path, label, better, test, format };
});

/** A path of the user's own: less is better, tested by bootstrap, unless it is a headline. */
export function metricAt(path: string): ComparedMetric {
  const known = HEADLINES.find((metric) => metric.path === path);
  return known ?? { path, label: path, better: 'less', test: 'bootstrap', format: 'rate' };
}

/** Undefined when the run has no such number. Throws UnknownFieldError when no run could have it. */
export function numberAt(result: RunResult, { path }: ComparedMetric): number | undefined {
  if (path.startsWith('rows.') && result.rows === undefined) return undefined;
  const value: LeafValue = valueAt(result, path);
  return typeof value === 'number' ? value : undefined;
}

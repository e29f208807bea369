/**
 * A comparison in words and in tables: per arm one sentence of what it makes better, worse, and what was not shown,
 * then every metric with its interval. Nothing is called a difference that the test does not show.
 */
import type { Difference } from '../lab/compare/comparison.ts';
import type { NumberFormat } from '../lab/compare/metrics.ts';
import { formatCount, formatFactor, formatMs, formatPercent, formatRate, NONE } from './format.ts';

const FORMATS: Readonly<Record<NumberFormat, (value: number) => string>> = {
  count: formatMean,
  ms: formatMs,
  percent: formatPercent,
  rate: formatRate,
  factor: formatFactor,
};

/** A mean of counts: whole numbers as such. */
function formatMean(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : formatRate(value);
}

/** One line an arm: `preserve beats baseline: rows dropped 81 → 0 in 30 of 30 seeds; …`. */
export function comparisonVerdicts(baseline: string, differences: readonly Difference[]): string[] {
  const arms = [...new Set(differences.map(({ arm }) => arm))];
  return arms.map((arm) => {
    const own = differences.filter((each) => each.arm === arm);
    const moved = own.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
    const open = own.filter(({ verdict }) => verdict === 'no difference shown');
    const parts = [...moved, ...open].map(sentence);
    return `${headline(arm, baseline, own)}: ${parts.length === 0 ? 'every metric is equal' : parts.join('; ')}.`;
  });
}

function headline(arm: string, baseline: string, own: readonly Difference[]): string {
  const better = own.some(({ verdict }) => verdict === 'better');
  const worse = own.some(({ verdict }) => verdict === 'worse');
  if (better && !worse) return `${arm} beats ${baseline}`;
  if (worse && !better) return `${arm} loses to ${baseline}`;
  return better ? `${arm} trades with ${baseline}` : `${arm} against ${baseline}`;
}

function sentence(difference: Difference): string {
  const { metric, beforeMean, afterMean, wins, losses, pairs, verdict } = difference;
  const format = FORMATS[metric.format];
  if (verdict === 'no difference shown') return `${metric.label} ${relativeText(difference)}: no difference shown`;
  const unit = metric.format === 'ms' ? ' ms' : '';
  const seeds = `${verdict === 'better' ? wins : losses} of ${pairs} seeds`;
  return `${metric.label} ${format(beforeMean)} → ${format(afterMean)}${unit}, ${verdict} in ${seeds}`;
}

/** `+3.0 % [−1.0, +7.0]`, of the first arm's mean; absolute when that is 0. */
export function relativeText({ interval, beforeMean, metric }: Difference): string {
  const [scale, unit] = beforeMean === 0 ? [1, ''] : [100 / Math.abs(beforeMean), ' %'];
  const text = (value: number): string => {
    if (!Number.isFinite(value)) return value < 0 ? '−∞' : '+∞';
    const size = Math.abs(value * scale);
    const digits = unit === '' ? FORMATS[metric.format](size) : size.toFixed(1);
    return `${value < 0 ? '−' : '+'}${digits}`;
  };
  return `${text(interval.mean)}${unit} [${text(interval.low)}, ${text(interval.high)}]`;
}

/** Cells of the full table, a line a metric and arm. */
export const COMPARISON_HEAD = [
  'metric',
  'arm',
  'before',
  'after',
  'difference',
  'p',
  'won',
  'var. reduced',
  'verdict',
];

export function comparisonCells(difference: Difference): string[] {
  const { metric, arm, beforeMean, afterMean, interval, wins, pairs, varianceReduction, verdict } = difference;
  const format = FORMATS[metric.format];
  return [
    metric.label,
    arm,
    format(beforeMean),
    format(afterMean),
    relativeText(difference),
    interval.p < 0.001 ? '<0.001' : interval.p.toFixed(3),
    `${wins}/${pairs}`,
    varianceReduction === null ? NONE : formatPercent(varianceReduction),
    verdict,
  ];
}

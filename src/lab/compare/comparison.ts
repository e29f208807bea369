/**
 * What several arms (variants, or points of a sweep) did to each metric, over the same seeds. Each arm is held against
 * the first one seed by seed: the world's draws are equal, so what both share cancels, and the difference is known far
 * better than either value. With more than one arm to hold against it, p-values are corrected after Holm, metric by
 * metric.
 *
 * Limits: a difference that is not shown is not shown to be absent; the interval says how large it could be.
 */
import type { RunResult } from '../../results/result.ts';
import { holmAdjusted } from './holm.ts';
import { type ComparedMetric, numberAt } from './metrics.ts';
import { pairedBootstrap } from './paired-bootstrap.ts';
import { type Interval, pairedT } from './paired-t.ts';

/** Coverage of every interval; the chance of one false claim a metric is 1 − LEVEL. */
const LEVEL = 0.95;

/** Results of one arm, in order of the seeds. */
export interface Arm {
  readonly name: string;
  readonly results: readonly RunResult[];
}

export type Verdict = 'better' | 'worse' | 'no difference shown' | 'no difference';

export interface Difference {
  readonly metric: ComparedMetric;
  readonly arm: string;
  /** Seeds in which both have the number. */
  readonly pairs: number;
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly beforeMean: number;
  readonly afterMean: number;
  /** Of after − before; p corrected after Holm. */
  readonly interval: Interval;
  /** Seeds in which the arm is better, and in which it is worse. */
  readonly wins: number;
  readonly losses: number;
  /** 1 − var(difference) ÷ (var(before) + var(after)): what pairing by seed gained; null when nothing varies. */
  readonly varianceReduction: number | null;
  readonly verdict: Verdict;
}

/** Every arm against the first, metric by metric; metrics that no arm has are left out. */
export function compareArms(arms: readonly Arm[], metrics: readonly ComparedMetric[]): Difference[] {
  const [baseline, ...others] = arms;
  if (baseline === undefined) return [];
  return metrics.flatMap((metric) => {
    const differences = others.flatMap((arm) => differenceOf(baseline, arm, metric) ?? []);
    const adjusted = holmAdjusted(differences.map(({ interval }) => interval.p));
    return differences.map((difference, i) => judged(difference, adjusted[i] as number));
  });
}

function differenceOf(baseline: Arm, arm: Arm, metric: ComparedMetric): Difference | undefined {
  const before: number[] = [];
  const after: number[] = [];
  baseline.results.forEach((result, i) => {
    const other = arm.results[i];
    const [from, to] = [numberAt(result, metric), other && numberAt(other, metric)];
    if (from === undefined || to === undefined) return;
    before.push(from);
    after.push(to);
  });
  if (before.length === 0) return undefined;
  const differences = before.map((from, i) => (after[i] as number) - from);
  const name = `${metric.path}/${arm.name}`;
  const interval = metric.test === 't' ? pairedT(differences, LEVEL) : pairedBootstrap(differences, LEVEL, name);
  const sign = metric.better === 'less' ? -1 : 1;
  return {
    metric,
    arm: arm.name,
    pairs: before.length,
    before,
    after,
    beforeMean: meanOf(before),
    afterMean: meanOf(after),
    interval,
    wins: differences.filter((each) => each * sign > 0).length,
    losses: differences.filter((each) => each * sign < 0).length,
    varianceReduction: varianceReduction(before, after, differences),
    verdict: 'no difference shown',
  };
}

function judged(difference: Difference, p: number): Difference {
  const { interval, metric, wins, losses } = difference;
  const corrected = { ...interval, p };
  if (wins === 0 && losses === 0) return { ...difference, interval: corrected, verdict: 'no difference' };
  const shown = p < 1 - LEVEL && (interval.low > 0 || interval.high < 0);
  const improves = interval.mean < 0 === (metric.better === 'less');
  return {
    ...difference,
    interval: corrected,
    verdict: shown ? (improves ? 'better' : 'worse') : 'no difference shown',
  };
}

function varianceReduction(
  before: readonly number[],
  after: readonly number[],
  differences: readonly number[],
): number | null {
  const apart = varianceOf(before) + varianceOf(after);
  return apart === 0 || before.length < 2 ? null : 1 - varianceOf(differences) / apart;
}

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, values.length - 1);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}

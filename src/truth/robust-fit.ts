/**
 * Linear fits that no single bad row can bend: least sizes of relative errors, by weighted least squares repeated with
 * weights that fall with the error (an approximation of the median regression). Coefficients after the first are not
 * negative: one that would be is left out.
 */
import { assert } from '../kernel/assert.ts';
import { clusteredCovariance } from './gauss-newton.ts';
import { solve } from './linear.ts';

const ROUNDS = 50;
/** Relative errors below this count alike. */
const CLOSE = 0.003;

/** One row: what the value is linear in, and the value, > 0. */
export interface FitRow {
  readonly features: readonly number[];
  readonly value: number;
}

/** Coefficients, one a feature. At least one row a feature. */
export function relativeFit(rows: readonly FitRow[]): number[] {
  const count = rows[0]?.features.length ?? 0;
  let used = Array.from({ length: count }, (_, i) => i);
  for (;;) {
    const fitted = reweighted(rows, used);
    const negative = used.filter((feature, i) => feature > 0 && (fitted[i] as number) < 0);
    if (negative.length === 0) {
      const coefficients = Array.from({ length: count }, () => 0);
      used.forEach((feature, i) => (coefficients[feature] = fitted[i] as number));
      return coefficients;
    }
    used = used.filter((feature) => !negative.includes(feature));
  }
}

/** Coefficients that are not zero, by number, and the covariance of their relative deviations. */
export interface RelativeCovariance {
  readonly features: readonly number[];
  readonly covariance: readonly (readonly number[])[];
}

/** Stretches of neighbouring rows whose errors may be one. */
const CLUSTERS = 12;

/** As of least squares of relative errors: what the form cannot follow counts, in stretches of neighbouring rows. */
export function relativeCovariance(rows: readonly FitRow[], coefficients: readonly number[]): RelativeCovariance {
  const used = coefficients.flatMap((value, feature) => (value === 0 ? [] : [feature]));
  const share = ({ features, value }: FitRow, feature: number): number => {
    return ((features[feature] as number) * (coefficients[feature] as number)) / value;
  };
  const jacobian = used.map((feature) => rows.map((row) => share(row, feature)));
  const residuals = rows.map((row) => used.reduce((sum, feature) => sum + share(row, feature), 0) - 1);
  const fit = { multipliers: used.map(() => 1), residuals, jacobian };
  return { features: used, covariance: clusteredCovariance(fit, Math.min(CLUSTERS, rows.length)) };
}

function reweighted(rows: readonly FitRow[], used: readonly number[]): number[] {
  let coefficients: number[] = used.map(() => 0);
  let weights = rows.map(() => 1);
  for (let round = 0; round < ROUNDS; round++) {
    coefficients = weightedFit(rows, used, weights);
    weights = rows.map((row) => 1 / Math.max(CLOSE, Math.abs(predicted(row, used, coefficients) - 1)));
  }
  return coefficients;
}

/** Predicted ÷ measured. */
function predicted({ features, value }: FitRow, used: readonly number[], coefficients: readonly number[]): number {
  return used.reduce((sum, feature, i) => sum + (features[feature] as number) * (coefficients[i] as number), 0) / value;
}

/** Least squares of predicted ÷ measured − 1. */
function weightedFit(rows: readonly FitRow[], used: readonly number[], weights: readonly number[]): number[] {
  const normal = used.map(() => used.map(() => 0));
  const right = used.map(() => 0);
  rows.forEach(({ features, value }, r) => {
    const weight = weights[r] as number;
    used.forEach((a, i) => {
      const x = (features[a] as number) / value;
      const row = normal[i] as number[];
      right[i] = (right[i] as number) + weight * x;
      used.forEach((b, j) => (row[j] = (row[j] as number) + (weight * x * (features[b] as number)) / value));
    });
  });
  const solution = solve(normal, right);
  assert(solution !== undefined, 'a fit has fewer rows than coefficients, or two that are one');
  return solution;
}

/**
 * The nearest values that do not fall along the list (pool adjacent violators), by weighted means: measured durations
 * of growing work, freed from noise that says otherwise.
 */
export function nondecreasing(values: readonly number[], weights: readonly number[]): number[] {
  const pools: { value: number; weight: number; count: number }[] = [];
  values.forEach((value, i) => {
    pools.push({ value, weight: weights[i] as number, count: 1 });
    for (let last = pools.at(-1), before = pools.at(-2); last && before && before.value > last.value; ) {
      pools.length -= 2;
      const weight = before.weight + last.weight;
      const mean = (before.value * before.weight + last.value * last.weight) / weight;
      pools.push({ value: mean, weight, count: before.count + last.count });
      last = pools.at(-1);
      before = pools.at(-2);
    }
  });
  return pools.flatMap(({ value, count }) => Array.from({ length: count }, () => value));
}

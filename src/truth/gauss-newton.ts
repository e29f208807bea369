/**
 * Nonlinear least squares over a few positive coefficients, for functions that replay a whole run: dear, almost
 * straight in the coefficients, and rough on a small scale (a request that joins an iteration earlier changes an
 * answer by a jump). So derivatives are central differences over wide steps that narrow as it goes, and of several
 * dampings the best is taken; one that does not improve is left alone.
 *
 * Coefficients are multipliers of where one starts, so that all are of one size.
 */
import { choleskyOf, dot, inverted, product, solve } from './linear.ts';
import { downhill } from './simplex.ts';

/** Half-widths of the differences, one round each. */
const ROUNDS = [0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03];
const DAMPINGS = [0, 1e-3, 1e-2, 1e-1, 1];
const RIDGE = 1e-9;
/** Bounds of one step of a multiplier, as a factor of it. */
const STEP_LEAST = 0.3;
const STEP_MOST = 2.5;

export interface Fit {
  readonly multipliers: readonly number[];
  readonly residuals: readonly number[];
  /** By coefficient and residual: derivative in the logarithm of the multiplier, where it ended. */
  readonly jacobian: readonly (readonly number[])[];
}

/** Sum of squares of a fit's residuals. */
export function sumOfSquares({ residuals }: Fit): number {
  return dot(residuals, residuals);
}

/** Standard deviation of a fit's residuals, the last `anchors` of them (see clusteredCovariance) left out. */
export function residualDeviation({ residuals, jacobian }: Fit, anchors: number): number {
  const measured = residuals.slice(0, residuals.length - anchors);
  return Math.sqrt(dot(measured, measured) / Math.max(1, measured.length - jacobian.length));
}

/** How far a coefficient is believed to be from where a fit began: one standard deviation is a factor of two. */
export const ANCHOR_DEVIATION = Math.LN2;

/** A fit made without anchors as if each coefficient had had one, for the covariance of what it leaves open. */
export function anchored(fit: Fit): Fit {
  const weight = residualDeviation(fit, 0) / ANCHOR_DEVIATION;
  const count = fit.jacobian.length;
  const unit = (k: number): number[] => Array.from({ length: count }, (_, i) => (i === k ? weight : 0));
  return {
    multipliers: fit.multipliers,
    residuals: [...fit.residuals, ...unit(-1)],
    jacobian: fit.jacobian.map((row, k) => [...row, ...unit(k)]),
  };
}

/**
 * Finds multipliers, from those of `start` on, with the least sum of squares of `residuals(multipliers)`; `rounds`
 * holds the half-width of each round's differences.
 */
export function gaussNewton(
  start: readonly number[],
  residualsOf: (multipliers: readonly number[]) => readonly number[],
  rounds: readonly number[] = ROUNDS,
): Fit {
  let multipliers = start;
  let residuals = residualsOf(multipliers);
  let jacobian: readonly (readonly number[])[] = [];
  for (const width of rounds) {
    jacobian = derivatives(multipliers, residualsOf, width);
    const normal = jacobian.map((row) => jacobian.map((other) => dot(row, other)));
    const gradient = jacobian.map((row) => -dot(row, residuals));
    const from = multipliers;
    // A coefficient on which nothing depends just now stays where it is.
    const ridge = RIDGE * Math.max(...normal.map((row, i) => row[i] as number));
    for (const damping of DAMPINGS) {
      const damped = normal.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) + ridge : value)));
      const step = solve(damped, gradient);
      if (step === undefined) continue;
      const tried = from.map((value, i) => value * bounded(1 + (step[i] as number)));
      const answer = residualsOf(tried);
      if (dot(answer, answer) >= dot(residuals, residuals)) continue;
      multipliers = tried;
      residuals = answer;
    }
  }
  return { multipliers, residuals, jacobian };
}

/** Standard deviations of the first simplex in each direction that the residuals leave open. */
const OPEN_STEP = 2;

/**
 * Goes on from a fit where differences no longer help, with a simplex that is long where the fit is loose and short
 * where it is firm.
 */
export function polished(
  fit: Fit,
  residualsOf: (multipliers: readonly number[]) => readonly number[],
  evaluations: number,
): Fit {
  const variance = dot(fit.residuals, fit.residuals) / Math.max(1, fit.residuals.length - fit.jacobian.length);
  const normal = fit.jacobian.map((row) => fit.jacobian.map((other) => dot(row, other)));
  const spread = inverted(normal)?.map((row) => row.map((value) => value * variance));
  if (spread === undefined) return fit;
  const lower = choleskyOf(spread);
  const steps = lower.map((_, j) => lower.map((row) => OPEN_STEP * (row[j] as number)));
  const at = (logs: readonly number[]): number[] => {
    return fit.multipliers.map((value, i) => value * Math.exp(logs[i] as number));
  };
  const sumAt = (logs: readonly number[]): number => {
    const residuals = residualsOf(at(logs));
    return dot(residuals, residuals);
  };
  const multipliers = at(downhill(fit.multipliers.map(() => 0), steps, sumAt, evaluations));
  return { multipliers, residuals: residualsOf(multipliers), jacobian: fit.jacobian };
}

function bounded(factor: number): number {
  return Math.min(STEP_MOST, Math.max(STEP_LEAST, factor));
}

function derivatives(
  multipliers: readonly number[],
  residualsOf: (multipliers: readonly number[]) => readonly number[],
  width: number,
): number[][] {
  return multipliers.map((_, k) => {
    const moved = (factor: number): readonly number[] => {
      return residualsOf(multipliers.map((value, i) => (i === k ? value * factor : value)));
    };
    const above = moved(1 + width);
    const below = moved(1 - width);
    return above.map((value, i) => (value - (below[i] as number)) / (2 * width));
  });
}

/**
 * Covariance of the relative deviations of a fit's coefficients. Neighbouring residuals share iterations and so their
 * errors; the estimate allows for that by summing their pulls in `clusters` stretches before it squares them (the
 * clustered sandwich estimator). The last `anchors` residuals were not measured but hold a coefficient near where it
 * began: they scatter as the others do, each on its own.
 */
export function clusteredCovariance(fit: Fit, clusters: number, anchors = 0): number[][] {
  const { residuals, jacobian } = fit;
  const normal = jacobian.map((row) => jacobian.map((other) => dot(row, other)));
  const inverse = inverted(normal);
  if (inverse === undefined) return normal.map((row) => row.map(() => 0));
  const measured = residuals.length - anchors;
  // With few clusters the sum is too small: the usual correction.
  const correction = clusters / Math.max(1, clusters - 1);
  const pulls = Array.from({ length: clusters }, (_, c) => {
    const from = Math.floor((c * measured) / clusters);
    const to = Math.floor(((c + 1) * measured) / clusters);
    return jacobian.map((row) => Math.sqrt(correction) * dot(row.slice(from, to), residuals.slice(from, to)));
  });
  const deviation = residualDeviation(fit, anchors);
  for (let i = measured; i < residuals.length; i++) pulls.push(jacobian.map((row) => deviation * (row[i] as number)));
  const middle = normal.map((row, i) => {
    return row.map((_, j) => pulls.reduce((sum, pull) => sum + (pull[i] as number) * (pull[j] as number), 0));
  });
  return product(product(inverse, middle), inverse);
}

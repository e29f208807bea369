/**
 * Fits a timing to a measured run. Only the instants of the first 40 % of its requests are used (of the others the
 * lengths and when they came: they are the load those met); the rest says how well the fit predicts.
 *
 * One scale: everything by the one factor with which the replay's mean TPOT is the measured one. In full: every
 * coefficient, by least squares over two residuals a request, both relative so that a long request counts as a short
 * one: its decode time, and its TTFT as a share of its E2E. TTFT relative to itself would be mostly the phase of one
 * iteration where nothing queues.
 */
import { ScenarioError } from '../lab/scenario-error.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';
import { type Agreement, agreement, mean, measuredLatencies, replayedLatencies } from './agreement.ts';
import { coefficientNames, loosened, multiplied, ONE_SCALE } from './coefficients.ts';
import {
  ANCHOR_DEVIATION,
  clusteredCovariance,
  gaussNewton,
  polished,
  residualDeviation,
  sumOfSquares,
} from './gauss-newton.ts';
import { type Replay, type ReplayedRequest, replayLog } from './replay.ts';
import type { LoggedRequest, RunLog } from './run-log.ts';

/** Share of the requests, in order, that a fit may use. */
const FIT_SHARE = 0.4;
/** Stretches of neighbouring requests between which errors are taken to be independent. */
const CLUSTERS = 12;
/**
 * What the log does not tell stays near where the fit began (where memory is always full, context cannot be told from
 * the base): the logarithm of each multiplier is one residual more. Weighed so that ANCHOR_DEVIATION counts as much as
 * the deviation of the others, once that is known; at first by this.
 */
const ANCHOR_AT_FIRST = 0.01;
/** Replays spent on the last of the fit. */
const POLISHING = 100;
const SCALE_ROUNDS = 15;
const SCALE_CLOSE = 1e-5;
/** Half-width of the difference that tells how TPOT follows the scale. */
const SCALE_WIDTH = 0.05;

/** Requests of a log that a fit may use; the others validate it. */
export function fittedRequests(log: RunLog): number {
  return Math.round(log.requests.length * FIT_SHARE);
}

export interface Calibration {
  readonly timing: TimingConfig;
  /** What was fitted: coefficients of the timing, or 'all'. */
  readonly names: readonly string[];
  /** By how much each differs from where the fit began. */
  readonly multipliers: readonly number[];
  /** Of their relative deviations. */
  readonly covariance: readonly (readonly number[])[];
  /** On the requests it was fitted on, and on the rest. */
  readonly fitted: Agreement;
  readonly heldOut: Agreement;
}

/** Fits every coefficient of `timing`. Throws ScenarioError when nothing decodes. */
export function calibrateFully(log: RunLog, timing: TimingConfig): Calibration {
  const count = fittedRequests(log);
  const start = multiplied(loosened(timing), ONE_SCALE, [scaleOf(log, timing)]);
  const names = coefficientNames(start);
  const residualsAt = (weight: number) => (multipliers: readonly number[]): number[] => {
    const measured = residualsOf(log, replayLog(log, multiplied(start, names, multipliers), count), count);
    return [...measured, ...multipliers.map((value) => weight * Math.log(value))];
  };
  const fits = startsOf(names.length).map((multipliers) => gaussNewton(multipliers, residualsAt(ANCHOR_AT_FIRST)));
  const best = fits.reduce((least, each) => (sumOfSquares(each) < sumOfSquares(least) ? each : least));
  const weight = residualDeviation(best, names.length) / ANCHOR_DEVIATION;
  const fit = polished(best, residualsAt(weight), POLISHING);
  const fitted = multiplied(start, names, fit.multipliers);
  return calibrationOf(log, fitted, names, fit.multipliers, clusteredCovariance(fit, CLUSTERS, names.length));
}

/** Fits one factor on everything. Throws ScenarioError when nothing decodes. */
export function calibrateScale(log: RunLog, timing: TimingConfig): Calibration {
  const scale = scaleOf(log, timing);
  const fitted = multiplied(timing, ONE_SCALE, [scale]);
  return calibrationOf(log, fitted, ONE_SCALE, [scale], scaleCovariance(log, fitted));
}

/** The timing itself, and with each of its coefficients half as large again: a rough function has valleys. */
function startsOf(count: number): number[][] {
  const ones = Array.from({ length: count }, () => 1);
  return [ones, ...ones.map((_, i) => ones.map((value, j) => (i === j ? 1.5 : value)))];
}

function calibrationOf(
  log: RunLog,
  timing: TimingConfig,
  names: readonly string[],
  multipliers: readonly number[],
  covariance: readonly (readonly number[])[],
): Calibration {
  const count = fittedRequests(log);
  const replay = replayLog(log, timing);
  const fitted = agreement(log, replay, 0, count);
  return { timing, names, multipliers, covariance, fitted, heldOut: agreement(log, replay, count) };
}

/**
 * The factor with which the mean TPOT of the first requests is the measured one: fixed-point steps, the nearest kept.
 */
function scaleOf(log: RunLog, timing: TimingConfig): number {
  const tpots = tpotsOf(log);
  if (tpots.length === 0) {
    throw new ScenarioError([`${log.folder}: no request to be fitted has two tokens; allowed a run with decoding`]);
  }
  const wanted = mean(tpots);
  let scale = 1;
  let best = { scale, distance: Infinity };
  for (let round = 0; round < SCALE_ROUNDS && best.distance > SCALE_CLOSE; round++) {
    const ratio = wanted / mean(tpotsAt(log, multiplied(timing, ONE_SCALE, [scale])));
    const distance = Math.abs(Math.log(ratio));
    if (distance < best.distance) best = { scale, distance };
    scale *= ratio;
  }
  return best.scale;
}

/** Variance of the scale: how far the mean TPOT might be off, through how it follows the scale. */
function scaleCovariance(log: RunLog, timing: TimingConfig): number[][] {
  const wanted = tpotsOf(log);
  const average = mean(wanted);
  const at = (factor: number): number[] => tpotsAt(log, multiplied(timing, ONE_SCALE, [factor]));
  const residuals = at(1).map((tpot, i) => (tpot - (wanted[i] as number)) / average);
  const above = at(1 + SCALE_WIDTH);
  const below = at(1 - SCALE_WIDTH);
  const slopes = above.map((tpot, i) => (tpot - (below[i] as number)) / (2 * SCALE_WIDTH * average));
  return clusteredCovariance({ multipliers: [1], residuals, jacobian: [slopes] }, CLUSTERS);
}

function tpotsOf(log: RunLog): number[] {
  return log.requests.slice(0, fittedRequests(log)).flatMap((request) => measuredLatencies(request).tpot ?? []);
}

function tpotsAt(log: RunLog, timing: TimingConfig): number[] {
  const count = fittedRequests(log);
  const { requests } = replayLog(log, timing, count);
  return log.requests.slice(0, count).flatMap(({ outputTokens }, i) => {
    return replayedLatencies(requests[i] as ReplayedRequest, outputTokens).tpot ?? [];
  });
}

function residualsOf(log: RunLog, replay: Replay, count: number): number[] {
  return log.requests.slice(0, count).flatMap((request: LoggedRequest, i) => {
    const measured = measuredLatencies(request);
    const replayed = replayedLatencies(replay.requests[i] as ReplayedRequest, request.outputTokens);
    const ttft = (replayed.ttft - measured.ttft) / measured.e2e;
    if (measured.tpot === undefined || replayed.tpot === undefined || measured.tpot === 0) return [ttft];
    return [replayed.tpot / measured.tpot - 1, ttft];
  });
}

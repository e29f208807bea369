/**
 * Holds a preset against a measured run: replays it and compares the requests that no fit may use, and, when asked, how
 * far the coefficients' uncertainty spreads the answers.
 */
import { stream } from '../kernel/rng.ts';
import type { Preset, PresetUncertainty } from '../lab/preset-schema.ts';
import { ScenarioError } from '../lab/scenario-error.ts';
import { timingConfig } from '../lab/timing-schema.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';
import {
  type Agreement,
  agreement,
  ascending,
  LATENCIES,
  type Latency,
  percentileOf,
  type Statistic,
  STATISTICS,
} from './agreement.ts';
import { fittedRequests } from './calibrate.ts';
import { multiplied } from './coefficients.ts';
import { choleskyOf } from './linear.ts';
import { type Replay, replayLog } from './replay.ts';
import type { RunLog } from './run-log.ts';

/** Where a replayed number lies among the draws: its 5th and 95th percentile, in the number's unit. */
export interface Spread {
  readonly low: number;
  readonly high: number;
}

export interface Validation {
  readonly log: RunLog;
  readonly preset: Preset;
  /** Place of the first request compared. */
  readonly from: number;
  readonly replay: Replay;
  readonly agreement: Agreement;
  /** Undefined: not asked for. */
  readonly spreads: Readonly<Record<Latency, Readonly<Record<Statistic, Spread>>>> | undefined;
  readonly draws: number;
}

export interface ValidateOptions {
  /** Draws of the coefficients; 0: none. */
  readonly draws: number;
  readonly seed: number;
}

/** The timing of a preset in the engine of a log. */
export function timingOf(preset: Preset, log: RunLog): TimingConfig {
  return timingConfig(preset.timing, log.engine.blocks * log.engine.blockTokens);
}

/** Throws ScenarioError when draws are asked of a preset that does not know its uncertainty. */
export function validate(log: RunLog, preset: Preset, options: ValidateOptions): Validation {
  const from = fittedRequests(log);
  const timing = timingOf(preset, log);
  const replay = replayLog(log, timing);
  const spreads = options.draws === 0 ? undefined : spreadsOf(log, preset, timing, from, options);
  return { log, preset, from, replay, agreement: agreement(log, replay, from), spreads, draws: options.draws };
}

function spreadsOf(log: RunLog, preset: Preset, timing: TimingConfig, from: number, { draws, seed }: ValidateOptions) {
  const { uncertainty } = preset;
  if (uncertainty === undefined) {
    const allowed = 'allowed a preset that has uncertainty, such as spillway calibrate prints';
    throw new ScenarioError([`--uncertainty: preset ${preset.name} does not know its own; ${allowed}`]);
  }
  const answers = drawnMultipliers(uncertainty, draws, seed).map((multipliers) => {
    return agreement(log, replayLog(log, multiplied(timing, uncertainty.of, multipliers)), from);
  });
  const spread = (latency: Latency, statistic: Statistic): Spread => {
    const values = answers.map((each) => each.latencies[latency].statistics[statistic].replayed).sort(ascending);
    return { low: percentileOf(values, 5), high: percentileOf(values, 95) };
  };
  const byStatistic = (latency: Latency) => {
    return recordOf(STATISTICS, (statistic) => spread(latency, statistic));
  };
  return recordOf(LATENCIES, byStatistic);
}

function recordOf<K extends string, V>(keys: readonly K[], of: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<K, V>;
}

/** Multipliers whose logarithms are normal with the given covariance. */
export function drawnMultipliers({ covariance }: PresetUncertainty, draws: number, seed: number): number[][] {
  const factor = choleskyOf(covariance);
  const rng = stream(seed, 'uncertainty');
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
  return Array.from({ length: draws }, () => {
    const independent = factor.map(normal);
    return factor.map((row) => Math.exp(row.reduce((sum, value, j) => sum + value * (independent[j] as number), 0)));
  });
}

/**
 * How near a replay comes to what was measured: relative errors of the statistics of TTFT, TPOT and E2E over a set of
 * requests, the median error of single requests, and the gauges at the log's ticks.
 */
import { interpolate, rankOf } from '../results/interpolate.ts';
import type { Replay, ReplayedRequest } from './replay.ts';
import type { LoggedRequest, RunLog } from './run-log.ts';
import type { Tick } from './ticks.ts';

export const LATENCIES = ['ttft', 'tpot', 'e2e'] as const;
export type Latency = (typeof LATENCIES)[number];
export const STATISTICS = ['mean', 'p50', 'p90', 'p99'] as const;
export type Statistic = (typeof STATISTICS)[number];

/** A measured number, the replay's, and its relative error (replayed ÷ measured − 1). */
export interface Compared {
  readonly measured: number;
  readonly replayed: number;
  readonly error: number;
}

export interface LatencyAgreement {
  /** Microseconds. */
  readonly statistics: Readonly<Record<Statistic, Compared>>;
  /** Median of the sizes of the relative errors of single requests, and their 95th percentile. */
  readonly requestMedian: number;
  readonly requestP95: number;
  readonly requests: number;
}

/** Means over the ticks; `meanDifference` is that of the sizes of their differences. */
export interface GaugeAgreement extends Compared {
  readonly meanDifference: number;
  readonly ticks: number;
}

export interface Agreement {
  readonly latencies: Readonly<Record<Latency, LatencyAgreement>>;
  /** Undefined where the log has no such gauge. */
  readonly running: GaugeAgreement | undefined;
  readonly waiting: GaugeAgreement | undefined;
  readonly kvUsage: GaugeAgreement | undefined;
}

/** Microseconds of one request; undefined: it has no such latency. */
export interface RequestLatencies {
  readonly ttft: number;
  readonly tpot: number | undefined;
  readonly e2e: number;
}

export function measuredLatencies(request: LoggedRequest): RequestLatencies {
  return latencies(request.queuedAt, request.firstTokenAt, request.lastTokenAt, request.outputTokens);
}

export function replayedLatencies(request: ReplayedRequest, outputTokens: number): RequestLatencies {
  return latencies(request.takenAt, request.firstTokenAt, request.lastTokenAt, outputTokens);
}

function latencies(queuedAt: number, firstAt: number, lastAt: number, outputTokens: number): RequestLatencies {
  const tpot = outputTokens > 1 ? (lastAt - firstAt) / (outputTokens - 1) : undefined;
  return { ttft: firstAt - queuedAt, tpot, e2e: lastAt - queuedAt };
}

/** Compares the requests from place `from` on (up to `to`), and the ticks from the first of them on. */
export function agreement(log: RunLog, replay: Replay, from: number, to = log.requests.length): Agreement {
  const measured = log.requests.slice(from, to);
  const pairs = measured.map((request, i): [RequestLatencies, RequestLatencies] => {
    const replayed = replay.requests[from + i] as ReplayedRequest;
    return [measuredLatencies(request), replayedLatencies(replayed, request.outputTokens)];
  });
  const of = (latency: Latency): LatencyAgreement => {
    return latencyAgreement(pairs.flatMap(([a, b]): [number, number][] => {
      const [x, y] = [a[latency], b[latency]];
      return x === undefined || y === undefined ? [] : [[x, y]];
    }));
  };
  const since = measured[0]?.queuedAt ?? 0;
  const gauge = (value: (tick: Tick) => number | undefined) => gaugeAgreement(log.ticks, replay.ticks, since, value);
  return {
    latencies: { ttft: of('ttft'), tpot: of('tpot'), e2e: of('e2e') },
    running: gauge((tick) => tick.running),
    waiting: gauge((tick) => tick.waiting),
    kvUsage: gauge((tick) => tick.kvUsageRatio),
  };
}

function latencyAgreement(pairs: readonly (readonly [number, number])[]): LatencyAgreement {
  const measured = pairs.map(([value]) => value).sort(ascending);
  const replayed = pairs.map(([, value]) => value).sort(ascending);
  const sizes = pairs.map(([a, b]) => Math.abs(b / a - 1)).sort(ascending);
  const percentile = (p: number): Compared => compared(percentileOf(measured, p), percentileOf(replayed, p));
  return {
    statistics: {
      mean: compared(mean(measured), mean(replayed)),
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
    },
    requestMedian: percentileOf(sizes, 50),
    requestP95: percentileOf(sizes, 95),
    requests: pairs.length,
  };
}

function gaugeAgreement(
  measured: readonly Tick[],
  replayed: readonly Tick[],
  since: number,
  value: (tick: Tick) => number | undefined,
): GaugeAgreement | undefined {
  const pairs = measured.flatMap((tick, i): [number, number][] => {
    const a = value(tick);
    const b = replayed[i] === undefined ? undefined : value(replayed[i]);
    return tick.at < since || a === undefined || b === undefined ? [] : [[a, b]];
  });
  if (pairs.length === 0) return undefined;
  const means = compared(mean(pairs.map(([a]) => a)), mean(pairs.map(([, b]) => b)));
  return { ...means, meanDifference: mean(pairs.map(([a, b]) => Math.abs(b - a))), ticks: pairs.length };
}

function compared(measured: number, replayed: number): Compared {
  return { measured, replayed, error: replayed / measured - 1 };
}

/** Arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Percentile of ascending values as numpy's `linear` has it; NaN of nothing. */
export function percentileOf(sorted: readonly number[], p: number): number {
  const rank = rankOf(p, sorted.length);
  const low = Math.floor(rank);
  const value = sorted[low] ?? NaN;
  return interpolate(value, sorted[low + 1] ?? value, rank - low);
}

/** For `sort`. */
export function ascending(a: number, b: number): number {
  return a - b;
}

/** From runs to the plain data that the page of a report draws: seconds, milliseconds, fewer digits. */
import type { ChartData } from '../lab/charts.ts';
import type { RunResult } from '../results/result.ts';
import type { FaultBand, RunData } from './browser/data.ts';

/** One run with what its report draws. */
export interface ChartedOutcome {
  readonly result: RunResult;
  readonly charts: ChartData;
  readonly faults: readonly FaultWindow[];
}

/** A fault as the report shows it; times in microseconds, `forUs` Infinity to the end. */
export interface FaultWindow {
  readonly label: string;
  readonly at: number;
  readonly forUs: number;
}

const US_PER_SEC = 1e6;
const US_PER_MS = 1e3;

export function chartedRun({ result, charts }: ChartedOutcome): RunData {
  const { series, requests, oneIn } = charts;
  const seconds = (us: number): number => rounded(us / US_PER_SEC, 1e4);
  const ms = (us: number): number => (us < 0 ? -1 : rounded(us / US_PER_MS, 1e2));
  return {
    name: result.variant,
    outcomes: Object.entries(result.outcomes).flatMap(([name, count]) => (count > 0 ? [{ name, count }] : [])),
    at: series.at.map(seconds),
    levels: Object.fromEntries(
      Object.entries(series.columns)
        .filter(([, column]) => column.some((level) => level !== 0))
        .map(([name, column]) => [name, column.map((level) => rounded(level, 1e4))]),
    ),
    sentAt: requests.map(({ sentAt }) => seconds(sentAt)),
    finishedAt: requests.map(({ finishedAt }) => seconds(finishedAt)),
    ttftMs: requests.map(({ ttftUs }) => ms(ttftUs)),
    e2eMs: requests.map(({ sentAt, finishedAt }) => ms(finishedAt - sentAt)),
    ok: requests.map(({ outcome }) => (outcome.startsWith('ok') ? 1 : 0)),
    attempts: requests.map(({ attempts }) => attempts),
    oneIn,
  };
}

/** Windows of all runs, equal ones once. */
export function faultBands(runs: readonly ChartedOutcome[]): FaultBand[] {
  const bands = new Map<string, FaultBand>();
  for (const { label, at, forUs } of runs.flatMap(({ faults }) => faults)) {
    const to = forUs === Infinity ? null : (at + forUs) / US_PER_SEC;
    bands.set(`${label} ${at} ${forUs}`, { label, from: at / US_PER_SEC, to });
  }
  return [...bands.values()];
}

function rounded(value: number, scale: number): number {
  return Math.round(value * scale) / scale;
}

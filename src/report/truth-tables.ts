/** The tables of truth: how far presets and predictions are from what was measured, good and bad, within 80 columns. */
import type { Preset } from '../lab/preset-schema.ts';
import type { Latency, Statistic } from '../truth/agreement.ts';
import type { RunTruth } from '../truth/measured-runs.ts';
import type { SweepFit, SweepPoint } from '../truth/rate-sweeps.ts';
import type { RoutingPoint } from '../truth/routing.ts';
import type { SplitwiseTruth } from '../truth/splitwise-presets.ts';
import { formatCount, NONE } from './format.ts';
import { plainTable } from './plain-table.ts';

const WIDTH = 80;
const LATENCIES: readonly Latency[] = ['ttft', 'tpot', 'e2e'];
const STATISTICS: readonly Statistic[] = ['mean', 'p50', 'p90', 'p99'];

/** A title, what it needs said, and a table. */
function section(title: string, notes: readonly string[], head: readonly string[], lines: readonly string[][]): string {
  return [title, ...notes, '', plainTable(head, lines, WIDTH)].join('\n');
}

/** `−1.23`, percent. */
function percentOff(error: number): string {
  if (!Number.isFinite(error)) return NONE;
  return `${error < 0 ? '−' : '+'}${Math.abs(100 * error).toFixed(2)}`;
}

function percent(size: number | undefined): string {
  return size === undefined ? NONE : (100 * size).toFixed(1);
}

/** Replays of whole runs: errors of the statistics over the last 60 % of their requests. */
export function runsTable(truths: readonly RunTruth[]): string {
  const lines = truths.flatMap(({ what, agreement }) => {
    return LATENCIES.map((latency, i) => {
      const { statistics, requestMedian } = agreement.latencies[latency];
      const cells = STATISTICS.map((statistic) => percentOff(statistics[statistic].error));
      return [i === 0 ? what : '', latency.toUpperCase(), ...cells, percent(requestMedian)];
    });
  });
  const notes = [
    'vLLM 0.19, RTX PRO 6000: errors in %, on the 60 % of requests that no fit saw;',
    'last column: median size of the error of one request.',
  ];
  return section('Replayed runs', notes, ['', '', ...STATISTICS, 'request'], lines);
}

/** What presets say of themselves. */
export function presetsTable(presets: readonly Preset[]): string {
  const lines = presets.flatMap(({ name, errors }) => {
    return errors.map(({ of, count, fitted, heldOut }, i) => {
      const counted = count === undefined ? NONE : formatCount(count);
      const cells = [fitted?.median, fitted?.p95, heldOut?.median, heldOut?.p95].map(percent);
      return [i === 0 ? name : '', shortened(of), counted, ...cells];
    });
  });
  const notes = ['Sizes of relative errors in %; held out: values left out of the fit.'];
  return section('Presets', notes, ['', 'of', 'n', 'fit p50', 'p95', 'held p50', 'p95'], lines);
}

/** The first words of what an error is of. */
function shortened(of: string): string {
  return of.replace(/ (of|\().*$/, '').slice(0, 14);
}

/** Splitwise over all its rows: the medians that the presets' own rows come from. */
export function splitwiseTable({ prefill, decode }: SplitwiseTruth): string {
  const lines = [['prompt time', prefill], ['token time', decode]] as const;
  const notes = ['All rows of all setups, sizes of relative errors in %; held out: the whole cell.'];
  const head = ['', 'rows', 'fit p50', 'p95', 'held p50', 'p95'];
  return section('Splitwise', notes, head, lines.map(([what, { rows, fitted, heldOut }]) => {
    return [what, formatCount(rows), ...[fitted.median, fitted.p95, heldOut.median, heldOut.p95].map(percent)];
  }));
}

/** Rate sweeps: p99 TTFT and mean TPOT, measured and predicted. */
export function sweepTable({ sweeps, share }: SweepFit, knee: KneeOf): string {
  const lines = sweeps.flatMap(({ maxRunning, points }) => {
    return points.map((point, i) => {
      const { rate, measured, predicted } = point;
      const pair = (name: 'p99Ttft' | 'meanTpot'): string[] => {
        const off = percentOff(predicted[name] / measured[name] - 1);
        return [formatCount(measured[name]), formatCount(predicted[name]), off];
      };
      return [i === 0 ? String(maxRunning) : '', String(rate), ...pair('p99Ttft'), ...pair('meanTpot')];
    });
  });
  const knees = sweeps.map(({ maxRunning, points }) => {
    const [measured, predicted] = [knee(points, 'measured') ?? 'none', knee(points, 'predicted') ?? 'none'];
    return `p99 TTFT doubles, max_num_seqs ${maxRunning}: measured at ${measured}, predicted at ${predicted}.`;
  });
  const notes = [
    'Llama-3.1-70B FP8, one H200, vLLM 0.14.1, made-up workload. Fitted: to 2/s at',
    `max_num_seqs 1024, the share of popular prompts (${(100 * share).toFixed(0)} %) too. ms; errors in %.`,
    ...knees,
  ];
  const head = ['seqs', 'rate', 'p99 TTFT', 'predicted', 'off', 'TPOT', 'predicted', 'off'];
  return section('H200 rate sweeps', notes, head, lines);
}
type KneeOf = (points: readonly SweepPoint[], of: 'measured' | 'predicted') => number | undefined;

/** Routing policies: throughput by rate. */
export function routingTable(points: readonly RoutingPoint[]): string {
  const policies = [...new Set(points.map(({ policy }) => policy))];
  const rates = [...new Set(points.map(({ rate }) => rate))];
  const lines = rates.map((rate) => {
    const cells = policies.flatMap((policy) => {
      const point = points.find((each) => each.rate === rate && each.policy === policy);
      if (point === undefined) return [NONE, NONE];
      const { measuredThroughput, predictedThroughput } = point;
      return [formatCount(predictedThroughput), percentOff(predictedThroughput / measuredThroughput - 1)];
    });
    return [String(rate), ...cells];
  });
  const notes = [
    '4 workers, Llama-3.1-70B on 4 × H100 each: predicted output tokens/s, errors %.',
    'Fitted: TPOT of precise to 6/s, of random at 3/s, throughput of random at 20/s.',
  ];
  const head = ['rate', ...policies.flatMap((policy) => [policy.replace('-scheduling', ''), 'off'])];
  return section('llm-d routing', notes, head, lines);
}

/**
 * Two results side by side, metric by metric, with what lies between them: a simulated run and a real one, or any two.
 * One run each says nothing of chance; comparisons over seeds are another command.
 */
import type { RunResult } from '../results/result.ts';
import { metricRows } from './metrics-table.ts';
import { plainTable } from './plain-table.ts';

export interface NamedResult {
  readonly name: string;
  readonly result: RunResult;
}

/** Which number of a result a line of the table shows, by its label. */
const PATHS = {
  offered: 'offered',
  completed: 'completed',
  failed: 'failed',
  'good requests': 'good_request_fraction',
  attempts: 'attempts',
  'TTFT mean ms': 'mean_ttft_ms',
  'TTFT p50 ms': 'median_ttft_ms',
  'TTFT p99 ms': 'p99_ttft_ms',
  'TPOT mean ms': 'mean_tpot_ms',
  'TPOT p50 ms': 'median_tpot_ms',
  'TPOT p99 ms': 'p99_tpot_ms',
  'ITL mean ms': 'mean_itl_ms',
  'ITL p50 ms': 'median_itl_ms',
  'ITL p99 ms': 'p99_itl_ms',
  'E2E mean ms': 'mean_e2el_ms',
  'E2E p50 ms': 'median_e2el_ms',
  'E2E p99 ms': 'p99_e2el_ms',
  'throughput req/s': 'request_throughput',
  'goodput req/s': 'request_goodput',
  'output tokens/s': 'output_throughput',
} as const satisfies Readonly<Record<string, keyof RunResult>>;

export interface ResultDifference {
  readonly metric: string;
  readonly a: number | null;
  readonly b: number | null;
  /** (b − a) ÷ a; null where there is none. */
  readonly ratio: number | null;
}

export function resultDifferences(a: RunResult, b: RunResult): ResultDifference[] {
  return Object.values(PATHS).map((path) => ({ metric: path, ...difference(a[path], b[path]) }));
}

/** Lines of text, each with its end. */
export function renderSideBySide(a: NamedResult, b: NamedResult, width: number): string {
  const rows = metricRows([a.result, b.result], ['outcome', 'latency', 'worker'], false).map(({ label, cells }) => {
    const path = Object.hasOwn(PATHS, label) ? PATHS[label as keyof typeof PATHS] : undefined;
    const ratio = path === undefined ? null : difference(a.result[path], b.result[path]).ratio;
    return [label, ...cells, ratio === null ? '' : signed(ratio)];
  });
  const head = ['', titleOf(a), titleOf(b), 'difference'];
  const table = plainTable(head, rows, width);
  return `${[table, ...warnings(a.result, b.result)].join('\n')}\n`;
}

function titleOf({ name, result }: NamedResult): string {
  return `${name} (${result.target === undefined ? 'simulated' : 'real'})`;
}

/** What makes the two hard to compare. */
function warnings(a: RunResult, b: RunResult): string[] {
  const lines: string[] = [];
  if (a.scenario_hash !== b.scenario_hash) lines.push('The scenarios differ.');
  if (a.variant !== b.variant) lines.push(`The variants differ: ${a.variant}, ${b.variant}.`);
  if (a.seed !== b.seed) lines.push(`The seeds differ: ${a.seed}, ${b.seed}.`);
  return lines;
}

function difference(a: number | null, b: number | null): Omit<ResultDifference, 'metric'> {
  return { a, b, ratio: a === null || b === null || a === 0 ? null : (b - a) / a };
}

function signed(ratio: number): string {
  const size = (Math.abs(ratio) * 100).toFixed(1);
  if (size === '0.0') return '0.0 %';
  return `${ratio < 0 ? '−' : '+'}${size} %`;
}

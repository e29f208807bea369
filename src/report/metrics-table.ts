/**
 * The one definition of which numbers a report shows, in which order and under which name. The terminal table and the
 * Markdown report both read it; a metric added here appears in both.
 */
import { REQUEST_OUTCOMES } from '../results/outcome.ts';
import type { RequestOutcome } from '../results/outcome.ts';
import type { LatencyName, RunResult } from '../results/result.ts';
import { formatCount, formatFactor, formatMs, formatPercent, formatRate, NONE } from './format.ts';

export type Section = 'outcome' | 'latency' | 'worker' | 'run';

export interface Metric {
  readonly section: Section;
  readonly label: string;
  /** Undefined: this run has no such thing. A metric that no run has is not shown. */
  readonly text: (run: RunResult) => string | undefined;
  /** `detail`: left out of the terminal table, and of the report when no run has any. */
  readonly detail?: true;
}

/** A metric and its text for each of the runs. */
export interface MetricRow {
  readonly label: string;
  readonly cells: readonly string[];
}

const OUTCOME_LABEL: Record<RequestOutcome, string> = {
  ok: 'ok at first attempt',
  ok_after_retry: 'ok after retry',
  ok_salvaged: 'ok, salvaged',
  shed_queue_full: 'shed, queue full',
  queue_timeout: 'queue timeouts',
  shed_other: 'shed, other cause',
  client_timeout: 'client left',
  deadline: 'deadline passed',
  failed: 'failed upstream',
  cancelled: 'cancelled',
  unfinished: 'unfinished at the end',
};

/** Shown in the terminal, whatever its count; the other outcomes are details. */
const MAIN_OUTCOME: RequestOutcome = 'queue_timeout';

function outcomeMetric(outcome: RequestOutcome): Metric {
  const text = (run: RunResult): string => formatCount(run.outcomes[outcome]);
  const label = OUTCOME_LABEL[outcome];
  return outcome === MAIN_OUTCOME
    ? { section: 'outcome', label, text }
    : { section: 'outcome', label, text, detail: true };
}

function rowsMetric(label: string, of: (rows: NonNullable<RunResult['rows']>) => number): Metric {
  return {
    section: 'outcome',
    label,
    text: (run) => (run.rows === undefined ? undefined : formatCount(of(run.rows))),
  };
}

/** What the client of a real endpoint cannot know. */
function simulatedMetric(section: Section, label: string, of: (run: RunResult) => string): Metric {
  return { section, label, text: (run) => (run.target === undefined ? of(run) : undefined) };
}

function latencyMetrics(title: string, name: LatencyName): Metric[] {
  return [
    { section: 'latency', label: `${title} mean ms`, text: (run) => formatMs(run[`mean_${name}_ms`]) },
    { section: 'latency', label: `${title} p50 ms`, text: (run) => formatMs(run[`median_${name}_ms`]) },
    { section: 'latency', label: `${title} p99 ms`, text: (run) => formatMs(run[`p99_${name}_ms`]) },
  ];
}

const METRICS: readonly Metric[] = [
  { section: 'outcome', label: 'offered', text: (run) => formatCount(run.offered) },
  { section: 'outcome', label: 'completed', text: (run) => formatCount(run.completed) },
  { section: 'outcome', label: 'failed', text: (run) => formatCount(run.failed) },
  ...REQUEST_OUTCOMES.map(outcomeMetric),
  { section: 'outcome', label: 'good requests', text: (run) => formatPercent(run.good_request_fraction) },
  rowsMetric('rows completed', (rows) => rows.completed),
  rowsMetric('rows dropped', (rows) => rows.dropped),
  rowsMetric('admission timeouts', (rows) => rows.admission_timeouts),
  rowsMetric('admission waiters max', (rows) => rows.waiters_max),
  rowsMetric('tasks deferred', (rows) => rows.deferred_count),
  rowsMetric('tasks preserved', (rows) => rows.preserved_count),
  rowsMetric('salvage rounds', (rows) => rows.salvage_rounds),
  { section: 'outcome', label: 'attempts', text: (run) => formatCount(run.attempts) },
  { section: 'outcome', label: 'amplification', text: (run) => formatFactor(run.amplification) },
  simulatedMetric('outcome', 'wasted tokens', (run) => formatCount(run.wasted_tokens.total)),
  { section: 'outcome', label: 'held at the end', text: (run) => formatCount(heldTotal(run)) },
  ...latencyMetrics('TTFT', 'ttft'),
  ...latencyMetrics('TPOT', 'tpot'),
  ...latencyMetrics('ITL', 'itl'),
  ...latencyMetrics('E2E', 'e2el'),
  { section: 'latency', label: 'gateway queue mean ms', text: (run) => formatMs(run.gateway_queue_ms.mean) },
  { section: 'latency', label: 'gateway queue p99 ms', text: (run) => formatMs(run.gateway_queue_ms.p99) },
  { section: 'latency', label: 'throughput req/s', text: (run) => formatRate(run.request_throughput) },
  { section: 'latency', label: 'goodput req/s', text: (run) => formatRate(run.request_goodput) },
  { section: 'latency', label: 'output tokens/s', text: (run) => formatRate(run.output_throughput) },
  { section: 'worker', label: 'KV utilisation', text: (run) => formatPercent(run.kv_utilization) },
  simulatedMetric('worker', 'preemptions', (run) => formatCount(run.preemptions)),
  { section: 'worker', label: 'prefix hit ratio', text: (run) => formatPercent(run.prefix_hit_ratio) },
  { section: 'run', label: 'simulated s', text: (run) => formatMs(run.simulated_seconds) },
  simulatedMetric('run', 'digest', (run) => run.digest),
];

/** Everything held at the end of the run, whoever holds it. */
export function heldTotal(run: RunResult): number {
  let total = 0;
  for (const count of Object.values(run.held)) total += count;
  return total;
}

/** The rows of some sections for `runs`, details too when asked. */
export function metricRows(
  runs: readonly RunResult[],
  sections: readonly Section[],
  withDetails: boolean,
): MetricRow[] {
  const rows: MetricRow[] = [];
  for (const metric of METRICS) {
    if (!sections.includes(metric.section)) continue;
    if (metric.detail === true && !withDetails) continue;
    const texts = runs.map(metric.text);
    if (texts.every((text) => text === undefined || text === NONE)) continue;
    if (metric.detail === true && texts.every((text) => text === '0')) continue;
    rows.push({ label: metric.label, cells: texts.map((text) => text ?? '') });
  }
  return rows;
}

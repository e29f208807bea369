/**
 * The before/after report: what happened, in what numbers, and the command that makes it happen again. Everything in it
 * comes from the results and from `about`, so the same runs give the same bytes.
 */
import type { RunResult, WorkerResult } from '../results/result.ts';
import { formatCount, formatPercent, formatRate } from './format.ts';
import { inline, markdownTable } from './markdown-table.ts';
import { metricRows } from './metrics-table.ts';
import type { MetricRow, Section } from './metrics-table.ts';
import { verdictLines } from './verdict.ts';

/** Of a large fleet, the first ones are shown. */
const WORKERS_MAX = 16;

/** What the results do not know of themselves. */
export interface ReportAbout {
  readonly title: string;
  /** The command line that repeats the runs. */
  readonly command: string;
  readonly nodeVersion: string;
  /** Why the scenario exists; a paragraph under the title. */
  readonly why?: string;
  /** Lines before our own verdicts: expectations met or not, invariants broken. */
  readonly verdicts?: readonly string[];
  /** The expectations among them, for a page: those that are met are told in short. */
  readonly expectations?: readonly { readonly ok: boolean; readonly text: string }[];
}

/** A Markdown document; the first run is the one that the others are held against. */
export function renderMarkdown(runs: readonly RunResult[], about: ReportAbout): string {
  const verdicts = [...(about.verdicts ?? []), ...verdictLines(runs)];
  const blocks = [
    `# ${inline(about.title)}`,
    ...(about.why === undefined ? [] : [about.why.trim()]),
    verdicts.map((line) => `- ${inline(line)}`).join('\n'),
    '## Outcomes',
    metricTable(runs, ['outcome']),
    '## Latency and throughput',
    metricTable(runs, ['latency']),
    'Latencies are those of requests that ended ok, seen from the client; ITL is pooled over all gaps.',
    '## Workers',
    metricTable(runs, ['worker']),
    workerTable(runs),
    ...omittedWorkers(runs),
    ...faultBlocks(runs),
    '## Reproduce',
    `\`\`\`sh\n${about.command.trim()}\n\`\`\``,
    `Node ${about.nodeVersion}.`,
    originTable(runs),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function metricTable(runs: readonly RunResult[], sections: readonly Section[]): string {
  const rows = metricRows(runs, sections, true);
  return markdownTable(['', ...runs.map((run) => run.variant)], rows.map(lineOf), 1);
}

function lineOf(row: MetricRow): string[] {
  return [row.label, ...row.cells];
}

function workerTable(runs: readonly RunResult[]): string {
  const head = ['variant', 'worker', 'KV mean', 'KV max', 'running', 'waiting', 'busy', 'iterations', 'preemptions'];
  const lines = runs.flatMap((run) =>
    run.workers.slice(0, WORKERS_MAX).map((worker) => [run.variant, ...workerCells(worker)]),
  );
  return lines.length === 0 ? '' : markdownTable(head, lines, 1);
}

function workerCells(worker: WorkerResult): string[] {
  return [
    String(worker.index),
    formatPercent(worker.kv_utilization_mean),
    formatPercent(worker.kv_utilization_max),
    formatRate(worker.running_mean),
    formatRate(worker.waiting_mean),
    formatPercent(worker.busy_fraction),
    formatCount(worker.iterations),
    formatCount(worker.preemptions),
  ];
}

function omittedWorkers(runs: readonly RunResult[]): string[] {
  const omitted = Math.max(0, ...runs.map((run) => run.workers.length - WORKERS_MAX));
  return omitted === 0 ? [] : [`${formatCount(omitted)} more workers a variant are in the result documents.`];
}

/** What was to go wrong in each variant: the faults that were on, and those that were not. */
function faultBlocks(runs: readonly RunResult[]): string[] {
  const lines = runs.flatMap(({ variant, faults = [] }) =>
    faults.map(({ name, kind, active, windows }) => [variant, name, kind, active ? 'on' : 'off', formatCount(windows)]),
  );
  return lines.length === 0
    ? []
    : ['## Faults', markdownTable(['variant', 'fault', 'kind', 'in this run', 'windows'], lines, 4)];
}

function originTable(runs: readonly RunResult[]): string {
  const lines = runs.map((run) => [
    run.variant,
    String(run.seed),
    code(run.digest),
    formatCount(run.digest_entries),
    code(run.scenario_hash),
  ]);
  return markdownTable(['variant', 'seed', 'digest', 'entries', 'scenario hash'], lines, 1);
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

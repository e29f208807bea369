/**
 * The summary that a command prints: a plain table, one column a variant, never wider than the terminal. Variants
 * that do not fit side by side are stacked in further tables.
 */
import Table from 'cli-table3';
import type { RunResult } from '../results/result.ts';
import { metricRows } from './metrics-table.ts';
import type { MetricRow } from './metrics-table.ts';
import { BARE } from './plain-table.ts';

const GAP = 2;
/** A digest is the widest text that must not be cut. */
const CELL_MIN = 16;
const CELL_MAX = 28;
const RULE = '─';
const BOLD = '\u001b[1m';
const PLAIN = '\u001b[22m';

export interface TableOptions {
  /** Columns of the terminal; 40 at least. */
  readonly width: number;
  /** Emphasis with ANSI sequences; none by default. */
  readonly colors?: boolean;
}

/** Lines of text, each ending in a newline; empty when there is no run. */
export function renderTable(runs: readonly RunResult[], options: TableOptions): string {
  const rows = metricRows(runs, ['outcome', 'latency', 'worker', 'run'], false);
  const labelWidth = Math.max(...rows.map((row) => row.label.length), 0);
  const perTable = Math.max(1, Math.floor((options.width - labelWidth) / (CELL_MIN + GAP)));
  const tables: string[] = [];
  for (let first = 0; first < runs.length; first += perTable) {
    const last = Math.min(runs.length, first + perTable);
    const room = Math.floor((options.width - labelWidth) / (last - first)) - GAP;
    const names = runs.slice(first, last).map((run) => run.variant);
    const cells = rows.map((row) => ({ label: row.label, cells: row.cells.slice(first, last) }));
    tables.push(renderOne(names, cells, labelWidth, Math.min(room, CELL_MAX), options.colors === true));
  }
  return tables.join('\n');
}

function renderOne(
  names: readonly string[],
  rows: readonly MetricRow[],
  labelWidth: number,
  room: number,
  colors: boolean,
): string {
  const widths = names.map((name, column) => {
    const wanted = Math.max(name.length, ...rows.map((row) => (row.cells[column] ?? '').length));
    return Math.min(wanted, Math.max(room, CELL_MIN));
  });
  const table = new Table({
    chars: BARE,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: [labelWidth, ...widths],
    colAligns: ['left', ...widths.map(() => 'right' as const)],
  });
  table.push(['', ...names.map((name) => (colors ? BOLD + name + PLAIN : name))]);
  table.push([labelWidth, ...widths].map((width) => RULE.repeat(width)));
  for (const row of rows) table.push([row.label, ...row.cells]);
  const lines = table.toString().split('\n');
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

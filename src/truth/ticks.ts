/**
 * The gauges of a measured run: `timeseries.csv`, one line a second. Its clock starts when the engine's logger does,
 * some time before the first request; nothing records how long. It is found by what both files count: queued requests
 * that have not ended are running or waiting.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readCsv } from './table-file.ts';

/** Gauges of the engine at one instant. */
export interface Tick {
  readonly at: number;
  readonly running: number;
  readonly waiting: number;
  /** 0 to 1; undefined where the log has none. */
  readonly kvUsageRatio: number | undefined;
}

/** When a request was in the engine, microseconds. */
export interface Stay {
  readonly queuedAt: number;
  readonly lastTokenAt: number;
}

/** What the file tells. */
export interface TickFile {
  readonly ticks: readonly Tick[];
  /** Undefined where the log does not count them. */
  readonly preemptions: number | undefined;
  /** Prompt tokens found in the prefix cache ÷ prompt tokens; undefined where the log does not say. */
  readonly prefixHitRatio: number | undefined;
}

const number = z.coerce.number();
const tickSchema = z.object({
  t: number,
  prompt_throughput: number.optional(),
  prompt_compute_throughput: number.optional(),
  prompt_cached_throughput: number.optional(),
  gen_throughput: z.unknown().optional(),
  running: number,
  waiting: number,
  preempted: number.optional(),
  kv_cache_pct: number.optional(),
});
type TickRow = z.output<typeof tickSchema>;

const NO_TICKS: TickFile = { ticks: [], preemptions: undefined, prefixHitRatio: undefined };

/** Reads the file; `notes` gets what a reader should know. Throws ScenarioError. */
export function readTicks(path: string, stays: readonly Stay[], notes: string[]): TickFile {
  if (!existsSync(path)) {
    notes.push('timeseries.csv: no such file: running and waiting are not compared');
    return NO_TICKS;
  }
  const { rows } = readCsv(path, tickSchema);
  const most = Math.max(...rows.map((row) => row.kv_cache_pct ?? 0));
  if (most === 0) notes.push('timeseries.csv: kv_cache_pct is 0 throughout: KV usage is not compared');
  // The column is a percentage; a log that never goes above 1 holds ratios.
  const whole = most > 1 ? 100 : 1;
  const leadUs = leadOf(rows, stays);
  const ticks = rows.map((row): Tick => ({
    at: Math.round(row.t * 1e6) - leadUs,
    running: row.running,
    waiting: row.waiting,
    kvUsageRatio: most === 0 || row.kv_cache_pct === undefined ? undefined : row.kv_cache_pct / whole,
  }));
  const preemptions = total(rows, ({ preempted }) => preempted);
  return { ticks, preemptions, prefixHitRatio: hitRatio(rows) };
}

function hitRatio(rows: readonly TickRow[]): number | undefined {
  const cached = total(rows, (row) => row.prompt_cached_throughput);
  const computed = total(rows, (row) => row.prompt_compute_throughput);
  return cached === undefined || computed === undefined ? undefined : cached / (cached + computed);
}

/** Undefined where no row has the value. */
function total(rows: readonly TickRow[], of: (row: TickRow) => number | undefined): number | undefined {
  const values = rows.flatMap((row) => of(row) ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

const LEAD_MAX_US = 60e6;
const LEAD_STEP_US = 1e4;

/** How long before the first request the ticks' clock began: where the two counts differ least, the middle of a tie. */
function leadOf(rows: readonly TickRow[], stays: readonly Stay[]): number {
  const queued = stays.map(({ queuedAt }) => queuedAt).sort(ascending);
  const ended = stays.map(({ lastTokenAt }) => lastTokenAt).sort(ascending);
  let leads: number[] = [];
  let least = Infinity;
  for (let lead = 0; lead <= LEAD_MAX_US; lead += LEAD_STEP_US) {
    let apart = 0;
    for (const { t, running, waiting } of rows) {
      if (apart > least) break;
      const at = t * 1e6 - lead;
      apart += Math.abs(countUpTo(queued, at) - countUpTo(ended, at) - running - waiting);
    }
    if (apart < least) leads = [];
    if (apart <= least) leads.push(lead);
    least = Math.min(least, apart);
  }
  return leads[Math.floor(leads.length / 2)] ?? 0;
}

/** How many of the ascending values are at most `at`. */
function countUpTo(values: readonly number[], at: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function ascending(a: number, b: number): number {
  return a - b;
}

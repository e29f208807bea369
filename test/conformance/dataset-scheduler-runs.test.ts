/**
 * What upstream DataDesigner's scheduler did in whole runs (dataset/scheduler_runs.jsonl.gz of the folder
 * SPILLWAY_VECTORS, default ../shared/vectors) against the dataset core with the policies of each variant: rows,
 * attempts, order of dispatch, result and counts of events, all exact.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { type RunLine, unknownFields } from './groups/scheduler-records.ts';
import { SchedulerRun } from './groups/scheduler-run.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = resolve(ROOT, process.env['SPILLWAY_VECTORS'] ?? '../shared/vectors');
const path = join(folder, 'dataset/scheduler_runs.jsonl.gz');
const present = existsSync(path);
const VARIANTS = new Set(['baseline', 'fixed', 'head']);
const STATE_FIELDS = [
  ...['current_limit', 'in_flight', 'waiters', 'rate_limit_ceiling', 'consecutive_rate_limits', 'last_outcome'],
];
const COMPARED = [
  ...(['rows', 'attempts', 'dispatch_order', 'result', 'scheduler_event_counts', 'request_event_counts'] as const),
  ...(['final_request_state', 'retryable_outcome_counts'] as const),
];

/**
 * Calls that end in one instant are listed as their timers were set. At the end of a cool-down that is the order in
 * which upstream's waiters happened to poll, which the core, whose timers are exact, does not know. Such lists may
 * differ, by that order alone and in few runs; all else is equal.
 */
const TIED_SHARE_MAX = 0.02;

describe.skipIf(!present)(`scheduler run vectors${present ? '' : ` (skipped: no ${path})`}`, () => {
  const text = present ? gunzipSync(readFileSync(path)).toString('utf8') : '';
  const lines = text.split('\n').filter((line) => line !== '');
  const equal: string[] = [];
  const tied: string[] = [];
  const counts = { attempts: 0, dispatches: 0, rows: 0 };

  for (const [i, record] of lines.entries()) {
    const line = JSON.parse(record) as RunLine;
    const name = `${line.scenario.kind} ${line.scenario.id} ${line.variant}`;
    it(`line ${i + 1}: run ${name} is upstream's`, () => {
      expect(line.type).toBe('scheduler_run');
      if (!VARIANTS.has(line.variant)) expect.fail(`unknown variant ${line.variant}`);
      expect(unknownFields(line)).toEqual([]);
      expect(line.final_request_state_fields).toEqual(STATE_FIELDS);
      const run = new SchedulerRun(line).run();
      // Upstream lists rows by group at the end; the core tells them as they end.
      const rows = [...run.rows].sort(byPlace);
      for (const field of COMPARED) {
        if (field === 'rows') expect(rows, field).toEqual([...line.rows].sort(byPlace));
        else if (field === 'attempts') {
          expect([...run.attempts].sort(byEnd), field).toEqual([...line.attempts].sort(byEnd));
        } else expect(run[field], field).toEqual(line[field]);
      }
      (isDeepStrictEqual(run.attempts, line.attempts) ? equal : tied).push(name);
      counts.attempts += line.attempts.length;
      counts.dispatches += line.dispatch_order.length;
      counts.rows += line.rows.length;
    });
  }

  it('orders the ends of one instant otherwise in few runs only', () => {
    expect(tied.length).toBeLessThanOrEqual(Math.ceil(TIED_SHARE_MAX * lines.length));
  });

  afterAll(() => {
    const differ = lines.length - equal.length - tied.length;
    console.log(
      `scheduler run vectors: ${equal.length} of ${lines.length} runs equal, ${tied.length} but for the order of ` +
        `replies of one instant (${tied.join(', ')}), ${differ} differ: ` +
        `${counts.rows} rows, ${counts.attempts} attempts, ${counts.dispatches} dispatches`,
    );
  });
});

function byPlace(a: unknown, b: unknown): number {
  const [[groupA, rowA], [groupB, rowB]] = [a as [number, number], b as [number, number]];
  return groupA - groupB || rowA - rowB;
}

type Ending = readonly [from: number, to: number, ...rest: unknown[]];

/** Ends of one instant in order of their text. */
function byEnd(a: readonly unknown[], b: readonly unknown[]): number {
  const [[, endA], [, endB]] = [a as Ending, b as Ending];
  return endA - endB || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

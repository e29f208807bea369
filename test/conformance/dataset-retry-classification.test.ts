/**
 * How upstream DataDesigner retried and classified (dataset/retry_classification.jsonl.gz of the folder
 * SPILLWAY_VECTORS, default ../shared/vectors) against the retry policy `datadesigner`, the kinds of
 * salvage/classify.ts and the salvage policy `rounds`; and whole model calls, with request admission.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { Datadesigner, datadesigner, executorRepeats } from '../../policies/retry/datadesigner.ts';
import {
  type ErrorKind,
  failureOfKind,
  kindOfException,
  kindOfResponse,
  kindOfResult,
  releaseOutcomeOfKind,
  retryAfterSeconds,
} from '../../policies/salvage/classify.ts';
import { roundsConfig } from '../../policies/salvage/config.ts';
import { Rounds, rounds } from '../../policies/salvage/rounds.ts';
import type { AttemptResult } from '../../policies/types.ts';
import { requestView } from '../policies/views.ts';
import { ExecutorRun, type ExecutorRunLine } from './groups/task-executor-run.ts';
import { retryConfig, type TableLine } from './groups/task-retry-records.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = resolve(ROOT, process.env['SPILLWAY_VECTORS'] ?? '../shared/vectors');
const path = join(folder, 'dataset/retry_classification.jsonl.gz');
const present = existsSync(path);
const VARIANTS = new Set(['all', 'baseline', 'fixed', 'head']);
const US = 1e6;

const snake = (text: string) => text.replaceAll('-', '_');
const kindOf = (text: unknown) => (text as string).replaceAll('_', '-') as ErrorKind;
const failed = (status: number, retryAfterUs = -1): AttemptResult => {
  return { outcome: 'failed', status, retryAfterUs, bytesSent: false };
};
const after = (attemptCount: number) => requestView({ attemptCount });

/** By type of line. Each compares the whole line. */
const TABLES: Readonly<Record<string, (line: TableLine) => void>> = {
  executor_backoff({ retry_config, max_attempts, delays }) {
    const config = retryConfig(retry_config, { statuses: [503] });
    expect(config.maxAttempts).toBe(max_attempts);
    const retry = new Datadesigner({ ...config, maxAttempts: Infinity }, () => 0);
    expect(delays.map((_, i) => retry.delayUs(0, after(i + 1), failed(503)) / US)).toEqual(delays);
  },
  executor_should_retry({ retry_config, columns, rows }) {
    expect(columns).toEqual(['provider_error_kind', 'status_code', 'retry_after_attempt_index']);
    const config = retryConfig(retry_config);
    const retry = new Datadesigner(config, () => 0);
    for (const [kind, code, expected] of rows as readonly [string, number | null, readonly boolean[]][]) {
      const status = code ?? 0;
      const repeats = executorRepeats(kindOf(kind), status, config.statuses);
      const answers = expected.map((_, i) => repeats && i + 1 < config.maxAttempts);
      expect(answers, `${kind} ${code}`).toEqual(expected);
      const result: AttemptResult = { ...failed(status), outcome: kind === 'timeout' ? 'timeout' : 'failed' };
      if (kindOfResult(result) !== kindOf(kind)) continue;
      expect(expected.map((_, i) => retry.delayUs(0, after(i + 1), result) >= 0), `${kind} ${code}`).toEqual(expected);
    }
  },
  http_status_to_kind({ columns, rows }) {
    expect(columns).toEqual(['status', 'body', 'kind']);
    const mine = rows.map(([status, body]) => [status, body, snake(kindOfResponse(status as number, body as string))]);
    expect(mine).toEqual(rows);
  },
  retry_after_header({ columns, rows, wall_clock_epoch_seconds }) {
    expect(columns).toEqual(['header', 'seconds_or_null']);
    const told = (seconds: number | undefined) => {
      if (seconds === undefined) return null;
      if (Number.isNaN(seconds)) return 'nan';
      return seconds === Infinity ? 'inf' : seconds;
    };
    const mine = rows.map(([header]) => {
      return [header, told(retryAfterSeconds(header as string, wall_clock_epoch_seconds, 'head'))];
    });
    expect(mine).toEqual(rows);
  },
  exception_name_to_kind({ columns, rows }) {
    expect(columns).toEqual(['exception_class_name', 'kind']);
    expect(rows.map(([name]) => [name, snake(kindOfException(name as string))])).toEqual(rows);
  },
  provider_kind_to_scheduler_class({ variant, columns, rows }) {
    const [kind, , retryable, preserved] = columns;
    expect([kind, retryable, preserved]).toEqual(['provider_error_kind', 'retryable', 'preserved_after_salvage']);
    const salvage = new Rounds(roundsConfig.parse({ name: 'rounds', ...rounds.variants[variant] }));
    const mine = rows.map(([name]) => {
      const failure = failureOfKind(kindOf(name));
      const heals = salvage.classify(failure) === 'retry';
      return [name, heals, heals && salvage.afterRounds(failure) === 'preserve'];
    });
    expect(mine).toEqual(rows.map(([name, , heals, kept]) => [name, heals, kept]));
  },
  release_outcome_for_provider_error({ columns, rows }) {
    expect(columns).toEqual(['provider_error_kind', 'release_outcome', 'retry_after_when_error_carries_3.5']);
    const mine = rows.map(([name]) => {
      const outcome = releaseOutcomeOfKind(kindOf(name));
      return [name, snake(outcome), outcome === 'rate-limited' ? 3.5 : null];
    });
    expect(mine).toEqual(rows);
  },
  transport_backoff_jitter0({ retry_config, status_forcelist, ...line }) {
    const settings = datadesigner.variants['transport'];
    const config = retryConfig(retry_config, { ...settings, jitterRatio: 0, maxAttempts: Infinity });
    const retry = new Datadesigner(config, () => 0);
    const delays = line['sleep_before_attempt_2_3_4...'];
    expect(delays.map((_, i) => retry.delayUs(0, after(i + 1), failed(503)) / US)).toEqual(delays);
    expect(config.statuses).toEqual(status_forcelist);
    const longest = line['retry_after_is_honoured_and_capped_at'] * US;
    expect(retry.delayUs(0, after(1), failed(503, longest - 1))).toBe(longest - 1);
    expect(retry.delayUs(0, after(1), failed(503, longest + 1))).toBe(longest);
  },
};

describe.skipIf(!present)(`retry classification vectors${present ? '' : ` (skipped: no ${path})`}`, () => {
  const text = present ? gunzipSync(readFileSync(path)).toString('utf8') : '';
  const written = text.split('\n').filter((line) => line !== '');
  const lines = written.map((line) => JSON.parse(line) as TableLine);
  const counts = { tables: 0, rows: 0, runs: 0, attempts: 0, events: 0, modelEvents: 0 };

  for (const [i, line] of lines.entries()) {
    it(`line ${i + 1}: ${line.type} of ${line.variant} is upstream's`, () => {
      if (!VARIANTS.has(line.variant)) expect.fail(`unknown variant ${line.variant}`);
      if (line.type === 'executor_run') {
        compareRun(line as unknown as ExecutorRunLine);
        return;
      }
      const compare = TABLES[line.type];
      if (compare === undefined) expect.fail(`retry_classification.jsonl.gz has an unknown table: ${line.type}`);
      compare(line);
      counts.tables++;
      counts.rows += (line.rows ?? line.delays ?? line['sleep_before_attempt_2_3_4...']).length;
    });
  }

  function compareRun(line: ExecutorRunLine): void {
    const { attempts, result, events, final } = line;
    const ofAdmission = events.filter(([kind]) => !kind.startsWith('model_'));
    const rows = ofAdmission.map((row) => JSON.stringify(row)).sort();
    expect(new ExecutorRun(line).run(), `run ${line.id}`).toEqual({ attempts, result, events: rows, final });
    counts.runs++;
    counts.attempts += attempts.length;
    counts.events += rows.length;
    counts.modelEvents += events.length - rows.length;
  }

  it('compares tables and runs', () => {
    expect(counts.rows * counts.attempts * counts.events).toBeGreaterThan(0);
  });

  afterAll(() => {
    console.log(
      `retry classification vectors: ${counts.tables + counts.runs} of ${lines.length} lines compared, 0 left out: ` +
        `${counts.tables} tables (${counts.rows} rows), ${counts.runs} executor runs (${counts.attempts} attempts, ` +
        `${counts.events} events of request admission; ${counts.modelEvents} model_request events left out: the ` +
        "host's own); of provider_kind_to_scheduler_class the names and labels of upstream are left out",
    );
  });
});

/**
 * The log of one measured run of vLLM, a folder as LLMServingSim's bench writes it
 * (casys-kaist/LLMServingSim@5daddb21, `bench`): `meta.json` with the engine's settings, `requests.jsonl` with each
 * request's instants, `timeseries.csv` with gauges once a second, and, beside the folder, the workload with the
 * prompts' block identities.
 *
 * Clocks: the `…_ts` fields are the engine's monotonic clock; `arrival_time` is another clock and is not read. All
 * instants here are whole microseconds from the first `queued_ts`; ticks.ts puts the ticks there too.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { ScenarioError, shownValue } from '../lab/scenario-error.ts';
import { type EngineOptions, type LoggedEngine, loggedEngine, type Meta, metaSchema } from './logged-engine.ts';
import { HASH_BLOCK_TOKENS, PromptBlocks } from './prompt-blocks.ts';
import type { RequestInstants } from './schedules-ahead.ts';
import { readJson, readJsonLines } from './table-file.ts';
import { readTicks, type Tick, type TickFile } from './ticks.ts';

/** One request as it was measured. */
export interface LoggedRequest {
  readonly id: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Identity of its leading blocks of `RunLog.hashBlockTokens` tokens; empty: shared with nobody. */
  readonly hashIds: readonly number[];
  readonly queuedAt: number;
  readonly firstTokenAt: number;
  readonly lastTokenAt: number;
}

export interface RunLog {
  readonly folder: string;
  readonly model: string;
  /** Undefined where the log does not say. */
  readonly hardware: string | undefined;
  /** The serving engine and its version. */
  readonly software: string;
  readonly engine: LoggedEngine;
  readonly hashBlockTokens: number;
  /** In the order in which they were queued. */
  readonly requests: readonly LoggedRequest[];
  readonly ticks: readonly Tick[];
  /** Of the whole run; undefined where the log does not say. */
  readonly preemptions: number | undefined;
  readonly prefixHitRatio: number | undefined;
  /** What a reader should know of how the log was read; one line each. */
  readonly notes: readonly string[];
}

export interface RunLogOptions extends EngineOptions {
  /** The workload file; 'none': prompts share nothing; undefined: the path in meta.json. */
  readonly workload?: string | undefined;
}

const count = z.int().min(0);
const seconds = z.number();

const requestSchema = z.object({
  request_id: z.string(),
  input_toks: count.min(1),
  output_toks: count,
  arrival_time: z.unknown().optional(),
  scheduled_ts: seconds.nullish(),
  queued_ts: seconds.nullable(),
  first_token_ts: seconds.nullable(),
  last_token_ts: seconds.nullable(),
});
type RequestRow = z.output<typeof requestSchema>;

const workloadSchema = z.object({
  input_toks: count.min(1),
  output_toks: count,
  arrival_time_ns: count.optional(),
  hash_ids_16: z.array(count).optional(),
  input_tok_ids: z.array(count).optional(),
});
type WorkloadRow = z.output<typeof workloadSchema>;

/** Reads the run in `folder`. Throws ScenarioError. */
export function readRunLog(folder: string, options: RunLogOptions = {}): RunLog {
  const meta = readJson(join(folder, 'meta.json'), metaSchema);
  const notes: string[] = [];
  const requestsPath = join(folder, 'requests.jsonl');
  const { rows, unread } = readJsonLines(requestsPath, requestSchema);
  if (unread.length > 0) notes.push(`requests.jsonl: fields not read: ${unread.join(', ')}`);
  if (meta.num_requests !== undefined && meta.num_requests !== rows.length) {
    const allowed = `allowed ${meta.num_requests}, as num_requests of meta.json says`;
    throw new ScenarioError([`${requestsPath}: ${rows.length} requests; ${allowed}`]);
  }
  const engine = loggedEngine(meta, options, join(folder, 'meta.json'), rows.flatMap(instantsOf), notes);
  const workload = workloadOf(meta, options, folder, rows, notes);
  const requests = loggedRequests(rows, workload, requestsPath, notes);
  const { ticks, preemptions, prefixHitRatio }: TickFile = readTicks(join(folder, 'timeseries.csv'), requests, notes);
  return {
    folder,
    model: meta.model,
    hardware: hardwareOf(meta),
    software: meta.vllm_version === undefined ? 'vLLM' : `vLLM ${meta.vllm_version}`,
    engine,
    hashBlockTokens: HASH_BLOCK_TOKENS,
    requests,
    ticks,
    preemptions,
    prefixHitRatio,
    notes,
  };
}

function hardwareOf({ hardware }: Meta): string | undefined {
  const { device_name: name, device_count: devices } = hardware ?? {};
  if (name === undefined) return undefined;
  return devices === undefined ? name : `${devices} × ${name}`;
}

/** None of a request without tokens. */
function instantsOf(row: RequestRow): RequestInstants[] {
  const { input_toks: promptTokens, queued_ts: queuedAt, first_token_ts, last_token_ts } = row;
  if (queuedAt === null || first_token_ts === null || last_token_ts === null) return [];
  const scheduledAt = row.scheduled_ts ?? undefined;
  return [{ promptTokens, queuedAt, scheduledAt, firstTokenAt: first_token_ts, lastTokenAt: last_token_ts }];
}

function workloadOf(
  meta: Meta,
  options: RunLogOptions,
  folder: string,
  rows: readonly RequestRow[],
  notes: string[],
): readonly WorkloadRow[] {
  if (options.workload === 'none') return [];
  const path = options.workload ?? workloadPath(meta.dataset_path, folder);
  const { rows: workload, unread } = readJsonLines(path, workloadSchema);
  if (unread.length > 0) notes.push(`${basename(path)}: fields not read: ${unread.join(', ')}`);
  for (const [i, row] of rows.entries()) {
    const line = lineOf(row, i);
    const planned = workload[line];
    if (planned?.input_toks === row.input_toks) continue;
    const there = planned === undefined ? `${workload.length} lines` : `${planned.input_toks} on line ${line + 1}`;
    const text = `${join(folder, 'requests.jsonl')}:${i + 1} input_toks: value ${row.input_toks}`;
    throw new ScenarioError([`${text}; allowed what the workload ${path} says (${there}); see --workload`]);
  }
  return workload;
}

/** The request's line in the workload: the number at the end of its id, else its own place. */
function lineOf({ request_id }: RequestRow, index: number): number {
  const number = /-(\d+)$/.exec(request_id)?.[1];
  return number === undefined ? index : Number(number);
}

/** Where the workload that meta.json names lies: from the run, from its parent, by its bare name too. */
function workloadPath(given: string | undefined, folder: string): string {
  const help = 'allowed --workload FILE, or --workload none when prompts share nothing';
  const meta = join(folder, 'meta.json');
  if (given === undefined) throw new ScenarioError([`${meta} dataset_path: missing; ${help}`]);
  const parent = dirname(resolve(folder));
  const name = basename(given);
  const places = [join(folder, given), join(parent, given), given, join(folder, name), join(parent, name)];
  const found = [...places, join(parent, `workload_${name}`)].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new ScenarioError([`${meta} dataset_path: value ${shownValue(given)}: no such file; ${help}`]);
}

function loggedRequests(
  rows: readonly RequestRow[],
  workload: readonly WorkloadRow[],
  path: string,
  notes: string[],
): LoggedRequest[] {
  const from = Math.min(...rows.flatMap((row) => row.queued_ts ?? []));
  const blocks = new PromptBlocks();
  const at = (ts: number): number => Math.round((ts - from) * 1e6);
  const requests = rows.flatMap((row, i): LoggedRequest[] => {
    const { request_id: id, input_toks: promptTokens, output_toks: outputTokens } = row;
    const { queued_ts, first_token_ts, last_token_ts } = row;
    if (queued_ts === null || first_token_ts === null || last_token_ts === null || outputTokens === 0) return [];
    if (first_token_ts < queued_ts || last_token_ts < first_token_ts) {
      const allowed = 'allowed queued_ts ≤ first_token_ts ≤ last_token_ts';
      throw new ScenarioError([`${path}:${i + 1} first_token_ts: value ${first_token_ts}; ${allowed}`]);
    }
    const planned = workload[lineOf(row, i)];
    const hashIds = planned?.hash_ids_16 ?? blocks.idsOf(planned?.input_tok_ids ?? []);
    const instants = { queuedAt: at(queued_ts), firstTokenAt: at(first_token_ts), lastTokenAt: at(last_token_ts) };
    return [{ id, promptTokens, outputTokens, hashIds, ...instants }];
  });
  const unfinished = rows.length - requests.length;
  if (unfinished > 0) notes.push(`requests.jsonl: ${unfinished} requests without tokens are left out of the replay`);
  if (requests.length < 10) {
    throw new ScenarioError([`${path}: ${requests.length} requests with tokens; allowed at least 10`]);
  }
  // Equal instants keep the order of the file.
  return requests.sort((a, b) => a.queuedAt - b.queuedAt);
}

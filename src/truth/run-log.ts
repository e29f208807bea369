/**
 * The log of one measured run of vLLM, a folder as LLMServingSim's bench writes it
 * (casys-kaist/LLMServingSim@5daddb21, `bench`): `meta.json` with the engine's settings, `requests.jsonl` with each
 * request's instants, `timeseries.csv` with gauges once a second, and, beside the folder, the workload with the
 * prompts' block identities.
 *
 * Clocks: the `…_ts` fields are the engine's monotonic clock; `arrival_time` is another clock and is not read. All
 * instants here are whole microseconds from the first `queued_ts`; ticks count from the start of the bench, which the
 * workload's first arrival places before it.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { ScenarioError, shownValue } from '../lab/scenario-error.ts';
import { readCsv, readJson, readJsonLines } from './table-file.ts';

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

/** Gauges of the engine at one instant. */
export interface Tick {
  readonly at: number;
  readonly running: number;
  readonly waiting: number;
  /** 0 to 1; undefined where the log has none. */
  readonly kvUsageRatio: number | undefined;
}

/** What the log says of the engine. */
export interface LoggedEngine {
  readonly maxRunning: number;
  readonly maxBatchedTokens: number;
  readonly maxModelTokens: number;
  readonly blocks: number;
  readonly blockTokens: number;
  readonly prefixCache: boolean;
  readonly chunkedPrefill: boolean;
  /** It schedules each iteration while the one before still runs. */
  readonly schedulesAhead: boolean;
}

export interface RunLog {
  readonly folder: string;
  readonly model: string;
  /** The serving engine and its version. */
  readonly software: string;
  readonly engine: LoggedEngine;
  readonly hashBlockTokens: number;
  /** In the order in which they were queued. */
  readonly requests: readonly LoggedRequest[];
  readonly ticks: readonly Tick[];
  /** What a reader should know of how the log was read; one line each. */
  readonly notes: readonly string[];
}

export interface RunLogOptions {
  /** The workload file; 'none': prompts share nothing; undefined: the path in meta.json. */
  readonly workload?: string | undefined;
  readonly blocks?: number | undefined;
  readonly blockTokens?: number | undefined;
  /** Undefined: what meta.json says, else what the version of vLLM does by default. */
  readonly schedulesAhead?: boolean | undefined;
}

const count = z.int().min(0);
const seconds = z.number();

const metaSchema = z.looseObject({
  model: z.string(),
  vllm_version: z.string().optional(),
  dataset_path: z.string().optional(),
  num_requests: count.optional(),
  engine_kwargs: z.looseObject({
    max_num_seqs: count.min(1).nullish(),
    max_num_batched_tokens: count.min(1).nullish(),
    max_model_len: count.min(1).nullish(),
    enable_prefix_caching: z.boolean().nullish(),
    enable_chunked_prefill: z.boolean().nullish(),
    async_scheduling: z.boolean().nullish(),
  }),
});
type Meta = z.output<typeof metaSchema>;

const requestSchema = z.object({
  request_id: z.string(),
  input_toks: count.min(1),
  output_toks: count,
  arrival_time: z.unknown(),
  scheduled_ts: z.unknown(),
  queued_ts: seconds,
  first_token_ts: seconds.nullable(),
  last_token_ts: seconds.nullable(),
});
type RequestRow = z.output<typeof requestSchema>;

const workloadSchema = z.object({
  input_toks: count.min(1),
  output_toks: count,
  arrival_time_ns: count.optional(),
  hash_ids_16: z.array(count).optional(),
});
type WorkloadRow = z.output<typeof workloadSchema>;

/** Block size of the workload's identities, as the field's name says. */
const HASH_BLOCK_TOKENS = 16;

const tickSchema = z.object({
  t: z.coerce.number(),
  prompt_throughput: z.unknown(),
  gen_throughput: z.unknown(),
  running: z.coerce.number(),
  waiting: z.coerce.number(),
  kv_cache_pct: z.coerce.number().optional(),
});

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
  const engine = loggedEngine(meta, options, folder, notes);
  const workload = workloadOf(meta, options, folder, rows, requestsPath);
  const requests = loggedRequests(rows, workload, requestsPath, notes);
  const startLeadUs = Math.round((workload[0]?.arrival_time_ns ?? 0) / 1000);
  return {
    folder,
    model: meta.model,
    software: meta.vllm_version === undefined ? 'vLLM' : `vLLM ${meta.vllm_version}`,
    engine,
    hashBlockTokens: HASH_BLOCK_TOKENS,
    requests,
    ticks: readTicks(join(folder, 'timeseries.csv'), startLeadUs, notes),
    notes,
  };
}

/** vLLM's defaults for a server, where meta.json leaves a setting out. */
const DEFAULT_MAX_SEQS = 256;
const DEFAULT_MAX_TOKENS = 2048;

function loggedEngine(meta: Meta, options: RunLogOptions, folder: string, notes: string[]): LoggedEngine {
  const kwargs = meta.engine_kwargs;
  const orDefault = (name: 'max_num_seqs' | 'max_num_batched_tokens', value: number): number => {
    const given = kwargs[name];
    if (typeof given === 'number') return given;
    notes.push(`meta.json: ${name} missing: took ${value}`);
    return value;
  };
  // vLLM keeps one of its blocks as the null block.
  const logged = numberIn(meta, 'num_gpu_blocks');
  const blocks = options.blocks ?? (logged === undefined ? undefined : logged - 1);
  const blockTokens = options.blockTokens ?? numberIn(meta, 'block_size');
  const missing = [...(blocks === undefined ? ['num_gpu_blocks'] : []), ...(blockTokens === undefined ? ['block_size'] : [])];
  if (blocks === undefined || blockTokens === undefined) {
    const flags = 'allowed there, or --kv-blocks N and --block-tokens N';
    throw new ScenarioError([`${join(folder, 'meta.json')} ${missing.join(' and ')}: missing; ${flags}`]);
  }
  return {
    maxRunning: orDefault('max_num_seqs', DEFAULT_MAX_SEQS),
    maxBatchedTokens: orDefault('max_num_batched_tokens', DEFAULT_MAX_TOKENS),
    maxModelTokens: kwargs.max_model_len ?? Infinity,
    blocks,
    blockTokens,
    prefixCache: kwargs.enable_prefix_caching ?? true,
    chunkedPrefill: kwargs.enable_chunked_prefill ?? true,
    schedulesAhead: options.schedulesAhead ?? kwargs.async_scheduling ?? aheadByDefault(meta.vllm_version),
  };
}

/** vLLM schedules ahead by default since 0.14 (vllm-project/vllm pull 27614). */
function aheadByDefault(version: string | undefined): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  if (major === undefined || minor === undefined) return true;
  return Number(major) > 0 || Number(minor) >= 14;
}

/** A number of that name anywhere in a JSON document, outermost first; undefined: nowhere. */
function numberIn(document: object, name: string): number | undefined {
  let level: object[] = [document];
  while (level.length > 0) {
    for (const each of level) {
      const value = (each as Record<string, unknown>)[name];
      if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    }
    level = level.flatMap((each) => Object.values(each) as unknown[]).filter(isObject);
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function workloadOf(
  meta: Meta,
  options: RunLogOptions,
  folder: string,
  rows: readonly RequestRow[],
  requestsPath: string,
): readonly WorkloadRow[] {
  if (options.workload === 'none') return [];
  const path = options.workload ?? workloadPath(meta.dataset_path, folder);
  const workload = readJsonLines(path, workloadSchema).rows;
  for (const [i, row] of rows.entries()) {
    const line = lineOf(row, i);
    const planned = workload[line];
    if (planned?.input_toks === row.input_toks) continue;
    const there = planned === undefined ? `${workload.length} lines` : `${planned.input_toks} on line ${line + 1}`;
    const text = `${requestsPath}:${i + 1} input_toks: value ${row.input_toks}`;
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
  const from = Math.min(...rows.map((row) => row.queued_ts));
  const at = (ts: number): number => Math.round((ts - from) * 1e6);
  const requests = rows.flatMap((row, i): LoggedRequest[] => {
    const { request_id: id, input_toks: promptTokens, output_toks: outputTokens, first_token_ts, last_token_ts } = row;
    if (first_token_ts === null || last_token_ts === null || outputTokens === 0) return [];
    if (first_token_ts < row.queued_ts || last_token_ts < first_token_ts) {
      const allowed = 'allowed queued_ts ≤ first_token_ts ≤ last_token_ts';
      throw new ScenarioError([`${path}:${i + 1} first_token_ts: value ${first_token_ts}; ${allowed}`]);
    }
    const hashIds = workload[lineOf(row, i)]?.hash_ids_16 ?? [];
    const instants = { queuedAt: at(row.queued_ts), firstTokenAt: at(first_token_ts), lastTokenAt: at(last_token_ts) };
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

function readTicks(path: string, leadUs: number, notes: string[]): Tick[] {
  if (!existsSync(path)) {
    notes.push('timeseries.csv: no such file: running and waiting are not compared');
    return [];
  }
  const { rows } = readCsv(path, tickSchema);
  const most = Math.max(...rows.map((row) => row.kv_cache_pct ?? 0));
  if (most === 0) notes.push('timeseries.csv: kv_cache_pct is 0 throughout: KV usage is not compared');
  // The column is a percentage; a log that never goes above 1 holds ratios.
  const whole = most > 1 ? 100 : 1;
  return rows.map((row) => ({
    at: Math.round(row.t * 1e6) - leadUs,
    running: row.running,
    waiting: row.waiting,
    kvUsageRatio: most === 0 || row.kv_cache_pct === undefined ? undefined : row.kv_cache_pct / whole,
  }));
}

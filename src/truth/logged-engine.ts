/**
 * The engine of a measured run, from its `meta.json`: batch limits, KV pool, and whether it schedules ahead.
 */
import { z } from 'zod';
import { ScenarioError } from '../lab/scenario-error.ts';
import { aheadEvidence, type RequestInstants, schedulesAhead } from './schedules-ahead.ts';

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

/** What is given by hand; each comes before what meta.json says. */
export interface EngineOptions {
  readonly blocks?: number | undefined;
  readonly blockTokens?: number | undefined;
  /** Undefined: what meta.json says, else what the version of vLLM does by default. */
  readonly schedulesAhead?: boolean | undefined;
}

const count = z.int().min(0);

/** Other keys are passed over, but for the pool and what vLLM made of settings that engine_kwargs leaves out. */
export const metaSchema = z.looseObject({
  model: z.string(),
  vllm_version: z.string().optional(),
  hardware: z.looseObject({ device_name: z.string().optional(), device_count: count.optional() }).optional(),
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
export type Meta = z.output<typeof metaSchema>;

/** vLLM's defaults for a server, where meta.json leaves a setting out. */
const DEFAULT_MAX_SEQS = 256;
const DEFAULT_MAX_TOKENS = 2048;

/** `file` names meta.json in messages; `notes` gets what a reader should know. Throws ScenarioError. */
export function loggedEngine(
  meta: Meta,
  options: EngineOptions,
  file: string,
  requests: readonly RequestInstants[],
  notes: string[],
): LoggedEngine {
  const kwargs = meta.engine_kwargs;
  const orDefault = (name: 'max_num_seqs' | 'max_num_batched_tokens', value: number): number => {
    const given = kwargs[name] ?? numberIn(meta, name);
    if (given !== undefined) return given;
    notes.push(`meta.json: ${name} missing: took ${value}`);
    return value;
  };
  // vLLM keeps one of its blocks as the null block.
  const logged = numberIn(meta, 'num_gpu_blocks') ?? numberIn(meta, 'num_gpu_blocks_override');
  const blocks = options.blocks ?? (logged === undefined ? undefined : logged - 1);
  const blockTokens = options.blockTokens ?? numberIn(meta, 'block_size');
  if (blocks === undefined || blockTokens === undefined) {
    const missing = [blocks === undefined ? 'num_gpu_blocks' : '', blockTokens === undefined ? 'block_size' : ''];
    const names = missing.filter((name) => name !== '').join(' and ');
    const flags = 'allowed there, or --kv-blocks N and --block-tokens N';
    throw new ScenarioError([`${file} ${names}: missing; ${flags}`]);
  }
  const maxBatchedTokens = orDefault('max_num_batched_tokens', DEFAULT_MAX_TOKENS);
  if (!isSince(meta.vllm_version, WHOLE_PROMPTS_SINCE)) {
    notes.push(`vLLM ${meta.vllm_version} admitted a prompt by its first chunk; the replay, when all of it fits`);
  }
  const ahead = options.schedulesAhead ?? kwargs.async_scheduling ?? switchIn(meta, 'async_scheduling');
  return {
    maxRunning: orDefault('max_num_seqs', DEFAULT_MAX_SEQS),
    maxBatchedTokens,
    maxModelTokens: kwargs.max_model_len ?? numberIn(meta, 'max_model_len') ?? Infinity,
    blocks,
    blockTokens,
    prefixCache: kwargs.enable_prefix_caching ?? switchIn(meta, 'enable_prefix_caching') ?? true,
    chunkedPrefill: kwargs.enable_chunked_prefill ?? switchIn(meta, 'enable_chunked_prefill') ?? true,
    schedulesAhead: ahead ?? aheadIn(requests, maxBatchedTokens, meta.vllm_version, notes),
  };
}

/** What the instants show, else what the version does by default. */
function aheadIn(
  requests: readonly RequestInstants[],
  maxBatchedTokens: number,
  version: string | undefined,
  notes: string[],
): boolean {
  const byDefault = isSince(version, AHEAD_SINCE);
  const evidence = aheadEvidence(requests, maxBatchedTokens);
  const shown = schedulesAhead(evidence);
  if (shown === undefined || shown === byDefault) return byDefault;
  const { showing, candidates } = evidence;
  const what = shown ? 'async' : 'sync';
  notes.push(`scheduling: took ${what}, as ${showing} of ${candidates} requests that can tell show; see --scheduling`);
  return shown;
}

/** vLLM schedules ahead by default since 0.14 (vllm-project/vllm pull 27614). */
const AHEAD_SINCE = 14;
/** It admits a prompt when there is room for all of it since 0.19 (pull 37307); before, its first chunk was enough. */
const WHOLE_PROMPTS_SINCE = 19;

/** Whether it is vLLM 0.`minor` or later; an unknown version is. */
function isSince(version: string | undefined, minor: number): boolean {
  const [, major, own] = /^v?(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return major === undefined || own === undefined || Number(major) > 0 || Number(own) >= minor;
}

/** A count ≥ 1 of that name anywhere in a JSON document, outermost first; undefined: nowhere. */
function numberIn(document: object, name: string): number | undefined {
  return valueIn(document, name, (value): value is number => Number.isSafeInteger(value) && (value as number) > 0);
}

/** The same for true or false. */
function switchIn(document: object, name: string): boolean | undefined {
  return valueIn(document, name, (value): value is boolean => typeof value === 'boolean');
}

function valueIn<T>(document: object, name: string, allows: (value: unknown) => value is T): T | undefined {
  let level: object[] = [document];
  while (level.length > 0) {
    for (const each of level) {
      const value = (each as Record<string, unknown>)[name];
      if (allows(value)) return value;
    }
    level = level.flatMap((each) => Object.values(each) as unknown[]).filter(isObject);
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

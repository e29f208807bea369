/**
 * What workers say of their load, as reports of the port. Names are vLLM's and SGLang's; a field that an engine does
 * not report is -1. Without the gauge of the KV pool an answer is no report (smg worker/monitor.rs at 73da68ca9).
 */
import { z } from 'zod';
import type { LoadReport, Micros } from '../../../policies/types.ts';
import { type Gauge, PrometheusText } from './prometheus-text.ts';

export interface RankReport {
  readonly rank: number;
  readonly report: LoadReport;
}

/** What was reported last, for rates of counters. */
export interface LastCount {
  readonly at: number;
  readonly tokens: number;
}

const VLLM_USAGE = ['vllm:gpu_cache_usage_perc', 'vllm:kv_cache_usage_perc'];
/** `sglang:` up to 0.5.3, `sglang_` from 0.5.4 on. */
const SGLANG_PREFIXES = ['sglang:', 'sglang_'];
/** Blocks of a pool whose size the engine does not tell: then its usage is a share of these. */
const UNKNOWN_POOL = 10_000;
const US_PER_SEC = 1e6;

const NOTHING: LoadReport = {
  running: -1,
  waiting: -1,
  kvUsedBlocks: -1,
  kvTotalBlocks: -1,
  decodeBlocks: -1,
  prefillTokens: -1,
  maxBatchedTokens: -1,
  maxRunning: -1,
  generatedTokensPerSec: -1,
};

/**
 * Report of vLLM's `/metrics` at `now`, with the count that the next one starts from; undefined when it says nothing of
 * the pool.
 */
export function vllmReport(
  text: string,
  now: number,
  last: LastCount | undefined,
): { readonly report: LoadReport; readonly count: LastCount } | undefined {
  const metrics = new PrometheusText(text);
  const usage = metrics.firstOf(VLLM_USAGE);
  if (!usage.has) return undefined;
  const generated = metrics.gauge('vllm:generation_tokens_total');
  const report = {
    ...NOTHING,
    ...poolOf(usage.mean, metrics.label('vllm:cache_config_info', 'num_gpu_blocks')),
    running: countOf(metrics.gauge('vllm:num_requests_running')),
    waiting: countOf(metrics.gauge('vllm:num_requests_waiting')),
    generatedTokensPerSec: generated.has ? rateSince(last, generated.sum, now) : -1,
  };
  return { report, count: { at: now, tokens: generated.sum } };
}

/** -1 at first, and after a restart of the engine. */
function rateSince(last: LastCount | undefined, tokens: number, now: number): number {
  if (last === undefined || now <= last.at || tokens < last.tokens) return -1;
  return ((tokens - last.tokens) * US_PER_SEC) / (now - last.at);
}

/** Report of SGLang's `/metrics`; undefined when it says nothing of the pool. */
export function sglangMetricsReport(text: string, maxRunning: number): LoadReport | undefined {
  const metrics = new PrometheusText(text);
  for (const prefix of SGLANG_PREFIXES) {
    const usage = metrics.gauge(`${prefix}token_usage`);
    if (!usage.has) continue;
    const throughput = metrics.gauge(`${prefix}gen_throughput`);
    return {
      ...NOTHING,
      ...poolOf(usage.mean, -1),
      running: countOf(metrics.gauge(`${prefix}num_running_reqs`)),
      waiting: countOf(metrics.gauge(`${prefix}num_queue_reqs`)),
      maxRunning,
      generatedTokensPerSec: throughput.has ? throughput.sum : -1,
    };
  }
  return undefined;
}

const amount = z.number().min(0);
const rankLoad = z.object({
  dp_rank: z.int().min(0).max(4095).default(0),
  timestamp: amount.optional().describe('Unix seconds.'),
  num_running_reqs: amount,
  num_waiting_reqs: amount,
  num_waiting_uncached_tokens: amount.optional(),
  num_used_tokens: amount.optional(),
  max_total_num_tokens: amount.optional(),
  max_running_requests: amount.optional(),
  token_usage: amount.optional(),
  gen_throughput: amount.optional(),
});
const loadsSchema = z.object({ loads: z.array(rankLoad).min(1).max(4096) });

/**
 * One report for each data-parallel rank in SGLang's `/v1/loads`; its pool is counted in tokens. `instantOf` a stamp in
 * Unix seconds; absent: stamps are left out.
 */
export function sglangLoads(text: string, instantOf?: (unixSec: number) => Micros): RankReport[] | undefined {
  const parsed = loadsSchema.safeParse(jsonOf(text));
  if (!parsed.success) return undefined;
  return parsed.data.loads.map((load) => {
    const { num_used_tokens: used, max_total_num_tokens: total, token_usage: usage } = load;
    const isCounted = used !== undefined && total !== undefined && total > 0;
    const pool = isCounted ? { kvUsedBlocks: used, kvTotalBlocks: total } : poolOf(usage ?? -1, -1);
    const report = {
      ...NOTHING,
      ...pool,
      running: load.num_running_reqs,
      waiting: load.num_waiting_reqs,
      prefillTokens: load.num_waiting_uncached_tokens ?? -1,
      maxRunning: load.max_running_requests ?? -1,
      generatedTokensPerSec: load.gen_throughput ?? -1,
    };
    const { timestamp } = load;
    if (timestamp === undefined || instantOf === undefined) return { rank: load.dp_rank, report };
    return { rank: load.dp_rank, report: { ...report, stampedAt: instantOf(timestamp) } };
  });
}

export interface ServerInfo {
  /** Of the whole engine; -1 when it does not say. */
  readonly maxRunning: number;
  /** Data-parallel ranks, ≥ 1. */
  readonly ranks: number;
}

const infoSchema = z.object({ max_running_requests: z.unknown(), dp_size: z.unknown() });

/** Of SGLang's `/server_info`. Zero, absent and strange values are not reported. */
export function serverInfoOf(document: unknown): ServerInfo {
  const parsed = infoSchema.safeParse(document);
  if (!parsed.success) return { maxRunning: -1, ranks: 1 };
  const { max_running_requests: running, dp_size: size } = parsed.data;
  return { maxRunning: isPositive(running) ? running : -1, ranks: isPositive(size) ? size : 1 };
}

export function serverInfoText(text: string): ServerInfo {
  return serverInfoOf(jsonOf(text));
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function countOf(gauge: Gauge): number {
  return gauge.has ? gauge.sum : -1;
}

/** A pool by its usage, 0 to 1; -1: unknown. */
function poolOf(usage: number, blocks: number): Pick<LoadReport, 'kvUsedBlocks' | 'kvTotalBlocks'> {
  if (usage < 0) return { kvUsedBlocks: -1, kvTotalBlocks: -1 };
  const total = blocks > 0 ? blocks : UNKNOWN_POOL;
  return { kvUsedBlocks: Math.round(Math.min(1, usage) * total), kvTotalBlocks: total };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What a simulated engine says of itself, under the names that gateways look for: vLLM's metrics, SGLang's server_info
 * and loads.
 */
import type { WorkerGauges, WorkerTotals } from '../../worker/worker.ts';

export interface EngineFacts {
  readonly model: string;
  readonly blockTokens: number;
  readonly gauges: WorkerGauges;
  readonly totals: Readonly<WorkerTotals>;
}

type Sample = readonly [name: string, kind: 'gauge' | 'counter', help: string, value: number];

/** The text of `/metrics`. */
export function vllmMetrics(facts: EngineFacts): string {
  const { gauges, totals } = facts;
  const samples: Sample[] = [
    ['vllm:num_requests_running', 'gauge', 'Requests in the batch.', gauges.running],
    ['vllm:num_requests_waiting', 'gauge', 'Requests that wait for the batch.', gauges.waiting],
    ['vllm:kv_cache_usage_perc', 'gauge', 'Share of KV blocks in use, 0 to 1.', usage(gauges)],
    ['vllm:num_preemptions_total', 'counter', 'Sequences evicted to be computed again.', totals.preemptions],
    ['vllm:prompt_tokens_total', 'counter', 'Prompt tokens received.', totals.promptTokens],
    ['vllm:generation_tokens_total', 'counter', 'Tokens generated.', totals.generatedTokens],
    ['vllm:prefix_cache_queries_total', 'counter', 'Prompt tokens looked up.', totals.promptTokens],
    ['vllm:prefix_cache_hits_total', 'counter', 'Prompt tokens found in the cache.', totals.prefixHitTokens],
  ];
  const label = `model_name=${JSON.stringify(facts.model)}`;
  const lines = samples.flatMap(([name, kind, help, value]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${kind}`,
    `${name}{${label}} ${value}`,
  ]);
  const pool = `block_size="${facts.blockTokens}",num_gpu_blocks="${Math.max(0, gauges.kvTotalBlocks)}"`;
  lines.push('# HELP vllm:cache_config_info Size of the KV pool.', '# TYPE vllm:cache_config_info gauge');
  lines.push(`vllm:cache_config_info{${pool}} 1`);
  return `${lines.join('\n')}\n`;
}

/** The document of `/server_info`. */
export function serverInfo({ model, blockTokens, gauges }: EngineFacts): object {
  return {
    model_path: model,
    served_model_name: model,
    dp_size: 1,
    page_size: blockTokens,
    max_running_requests: gauges.maxRunning,
    max_total_num_tokens: Math.max(0, gauges.kvTotalBlocks) * blockTokens,
    version: 'spillway-engine',
  };
}

/** The document of `/v1/loads`; `unixSec` by the engine's clock. */
export function engineLoads({ blockTokens, gauges }: EngineFacts, tokensPerSec: number, unixSec: number): object {
  const usedTokens = Math.max(0, gauges.kvUsedBlocks) * blockTokens;
  const waitingTokens = Math.max(0, gauges.waitingPromptTokens);
  const load = {
    dp_rank: 0,
    timestamp: unixSec,
    num_running_reqs: gauges.running,
    num_waiting_reqs: gauges.waiting,
    num_waiting_uncached_tokens: waitingTokens,
    num_used_tokens: usedTokens,
    num_total_tokens: usedTokens + waitingTokens,
    max_total_num_tokens: Math.max(0, gauges.kvTotalBlocks) * blockTokens,
    max_running_requests: gauges.maxRunning,
    token_usage: usage(gauges),
    gen_throughput: tokensPerSec,
  };
  return { timestamp: new Date(unixSec * 1000).toISOString(), version: 'spillway-engine', loads: [load] };
}

function usage({ kvUsedBlocks, kvTotalBlocks }: WorkerGauges): number {
  return kvTotalBlocks > 0 ? kvUsedBlocks / kvTotalBlocks : 0;
}

/** What workers say of their load, in the words of vLLM and of SGLang. */
import { describe, expect, it } from 'vitest';
import { serverInfoText, sglangLoads, sglangMetricsReport, vllmReport } from '../../../src/live/fleet/load-reports.ts';

const VLLM = [
  'vllm:num_requests_running{model_name="m"} 3',
  'vllm:num_requests_waiting{model_name="m"} 2',
  'vllm:gpu_cache_usage_perc{model_name="m"} 0.25',
  'vllm:generation_tokens_total{model_name="m"} 1000',
].join('\n');

describe("vLLM's metrics", () => {
  it('give what runs and waits, and the pool in ten-thousandths where its size is not told', () => {
    const read = vllmReport(VLLM, 0, undefined);
    const known = { running: 3, waiting: 2, kvUsedBlocks: 2500, kvTotalBlocks: 10_000 };
    expect(read?.report).toMatchObject({ ...known, maxRunning: -1, generatedTokensPerSec: -1 });
    const sized = `${VLLM}\nvllm:cache_config_info{block_size="16",num_gpu_blocks="400"} 1`;
    expect(vllmReport(sized, 0, undefined)?.report).toMatchObject({ kvUsedBlocks: 100, kvTotalBlocks: 400 });
  });

  it('give tokens a second between two looks, and none after a restart', () => {
    expect(vllmReport(VLLM, 2e6, { at: 0, tokens: 400 })?.report.generatedTokensPerSec).toBe(300);
    expect(vllmReport(VLLM, 2e6, { at: 0, tokens: 4000 })?.report.generatedTokensPerSec).toBe(-1);
  });

  it('without the gauge of the pool are no report', () => {
    expect(vllmReport('vllm:num_requests_running 1', 0, undefined)).toBeUndefined();
    expect(vllmReport('<html>', 0, undefined)).toBeUndefined();
  });
});

describe("SGLang's words", () => {
  it.each(['sglang:', 'sglang_'])('%s metrics', (prefix) => {
    const text = ['token_usage 0.5', 'num_running_reqs 1', 'num_queue_reqs 4', 'gen_throughput 80'];
    const report = sglangMetricsReport(text.map((line) => prefix + line).join('\n'), 64);
    const told = { running: 1, waiting: 4, kvUsedBlocks: 5000, maxRunning: 64, generatedTokensPerSec: 80 };
    expect(report).toMatchObject(told);
  });

  it('loads of each rank, the pool in tokens', () => {
    const load = { num_running_reqs: 1, num_waiting_reqs: 2, num_used_tokens: 30, max_total_num_tokens: 100 };
    const second = { ...load, dp_rank: 1, num_waiting_uncached_tokens: 9, token_usage: 0.4 };
    const text = JSON.stringify({ loads: [load, second] });
    expect(sglangLoads(text)).toMatchObject([
      { rank: 0, report: { running: 1, waiting: 2, kvUsedBlocks: 30, kvTotalBlocks: 100, prefillTokens: -1 } },
      { rank: 1, report: { prefillTokens: 9 } },
    ]);
    const usage = JSON.stringify({ loads: [{ num_running_reqs: 1, num_waiting_reqs: 2, token_usage: 0.4 }] });
    expect(sglangLoads(usage)?.[0]?.report).toMatchObject({ kvUsedBlocks: 4000, kvTotalBlocks: 10_000 });
    const stamped = JSON.stringify({ loads: [{ num_running_reqs: 1, num_waiting_reqs: 2, timestamp: 7.5 }] });
    expect(sglangLoads(stamped)?.[0]?.report.stampedAt).toBeUndefined();
    expect(sglangLoads(stamped, (unixSec) => unixSec * 2)?.[0]?.report.stampedAt).toBe(15);
    for (const bad of ['', '{}', '{"loads":[]}', '{"loads":[{"num_running_reqs":-1}]}']) {
      expect(sglangLoads(bad)).toBeUndefined();
    }
  });

  it('server info: zero, absent and strange are not told', () => {
    expect(serverInfoText('{"max_running_requests":256,"dp_size":2}')).toEqual({ maxRunning: 256, ranks: 2 });
    for (const bad of ['{"max_running_requests":0}', '{"max_running_requests":"9"}', '{}', '', '[1]']) {
      expect(serverInfoText(bad)).toEqual({ maxRunning: -1, ranks: 1 });
    }
  });
});

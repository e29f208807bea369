import { describe, expect, it } from 'vitest';
import { leavesOf } from '../../src/results/compare-values.ts';
import { Recorder } from '../../src/results/recorder.ts';
import { RESULT_FIELDS, fieldDoc, fieldName } from '../../src/results/result-fields.ts';
import { buildResult } from '../../src/results/result.ts';
import type { RunResult } from '../../src/results/result.ts';
import { FACTS, WORKER, recordOf, richResult } from './samples.ts';

const HOST = { nodeVersion: 'v20.20.2', cpuSeconds: 1.5, rssMb: 90 };

function emptyResult(): RunResult {
  return buildResult(new Recorder(), { ...FACTS, workers: [] });
}

describe('buildResult', () => {
  it('gives the numbers computed by hand', () => {
    const result = richResult();
    // Sent 0 to 4 ms, the last one over at 401 ms.
    expect(result).toMatchObject({
      offered: 5,
      completed: 3,
      failed: 2,
      attempts: 5,
      amplification: 1,
      good_request_fraction: 2 / 5,
      duration: 0.401,
      total_input_tokens: 300,
      total_output_tokens: 33,
      request_throughput: 3 / 0.401,
      request_goodput: 2 / 0.401,
      output_throughput: 33 / 0.401,
      total_token_throughput: 333 / 0.401,
      mean_ttft_ms: 503 / 3,
      median_ttft_ms: 101,
      max_ttft_ms: 301,
      p75_ttft_ms: 201,
      mean_tpot_ms: 10,
      std_tpot_ms: 0,
      mean_itl_ms: 10,
      p99_9_itl_ms: 10,
      median_e2el_ms: 201,
      simulated_seconds: 2.5,
      slo: { ttft_ms: 200, tpot_ms: 20, e2el_ms: null },
      percentile_method: { ttft: 'exact', itl: 'histogram' },
      gateway_queue_ms: { mean: 2, max: 2 },
      wasted_tokens: { failed: 103, prefill: 100, decode: 3, total: 103 },
      rows: { total: 10, completed: 9, dropped: 1, reasons: { upstream: 1 } },
    });
    expect(result.outcomes).toMatchObject({ ok: 1, ok_after_retry: 1, ok_salvaged: 1, queue_timeout: 1, failed: 1 });
  });

  it('weighs the fleet’s KV utilisation by blocks and leaves out workers without a KV cache', () => {
    const big = { ...WORKER, index: 1, kvTotalBlocks: 300, kvUtilizationMean: 0.65 };
    const without = { kvTotalBlocks: 0, kvUtilizationMean: 0, promptTokens: 0, prefixHitTokens: 0 };
    const endpoint = { ...WORKER, index: 2, ...without };
    const result = richResult({ workers: [WORKER, big, endpoint] });
    expect(result.kv_utilization).toBeCloseTo(0.55, 12);
    expect(result.workers.map((worker) => worker.kv_utilization_mean)).toEqual([0.25, 0.65, null]);
    expect([result.preemptions, result.prefix_hit_tokens, result.prefix_hit_ratio]).toEqual([9, 80, 0.25]);
  });

  it('says null where an empty run has no number, and is plain JSON', () => {
    const result = emptyResult();
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result).toMatchObject({
      offered: 0,
      duration: null,
      amplification: null,
      good_request_fraction: null,
      request_throughput: null,
      mean_ttft_ms: null,
      p99_9_itl_ms: null,
      kv_utilization: null,
      prefix_hit_ratio: null,
      gateway_queue_ms: { mean: null, p99: null },
    });
    expect('rows' in result).toBe(false);
  });

  it('has no rate over no time', () => {
    const recorder = new Recorder();
    recorder.sent(5);
    recorder.request(recordOf({ sentAt: 5, arrivedAt: 5, startedAt: 5, firstTokenAt: 5, finishedAt: 5 }), false);
    const result = buildResult(recorder, FACTS);
    expect([result.duration, result.request_throughput, result.mean_e2el_ms]).toEqual([0, null, 0]);
  });

  it('writes the same bytes for the same run, whatever was counted first', () => {
    const one = richResult({ held: { b: 0, a: 1 } });
    const two = richResult({ held: { a: 1, b: 0 } });
    expect(JSON.stringify(one)).toBe(JSON.stringify(two));
  });

  it('tells asks of clients from their sends, and has no level when nothing was back', () => {
    const levels = { levelBefore: 1, levelAfter: 0.5, amplificationAfter: 3 };
    const result = richResult({
      clients: { asked: 2, sends: 5, ok: 1, gaveUp: 1 },
      recovery: { verdict: 'metastable', clearedAt: 2e6, recoveredUs: Infinity, ...levels },
    });
    const clients = { asked: 2, sends: 5, ok: 1, gave_up: 1, ok_fraction: 0.5, amplification: 2.5 };
    expect(result.clients).toEqual(clients);
    expect(result.recovery).toMatchObject({ cleared_seconds: 2, recovered_seconds: null, amplification_after: 3 });
    const absent = ['clients', 'windows', 'recovery', 'target'];
    expect(Object.keys(emptyResult()).filter((name) => absent.includes(name))).toEqual([]);
  });

  it('writes infinite parameters as null and refuses NaN', () => {
    expect(richResult().policies).toEqual({
      router: { kind: 'p2c' },
      timeouts: { requestUs: 5_000_000, workerUs: null },
      gates: [{ max: 3 }],
    });
    expect(() => richResult({ policies: { ratio: Number.NaN } })).toThrow('NaN');
  });
});

describe('RESULT_FIELDS', () => {
  const target = { url: 'http://127.0.0.1:8001', lateP99Us: 1500, lateMaxUs: null };
  const full = { ...richResult({ target }), host: HOST };

  it('documents every value that a result has', () => {
    const undocumented = [...leavesOf(full).keys()].filter((path) => fieldDoc(path) === undefined);
    expect(undocumented).toEqual([]);
  });

  it('documents nothing that no result has', () => {
    const paths = [...leavesOf(full).keys()].map(fieldName);
    const unused = Object.keys(RESULT_FIELDS).filter((name) =>
      name.endsWith('.*') ? !paths.some((path) => path.startsWith(name.slice(0, -1))) : !paths.includes(name),
    );
    expect(unused).toEqual([]);
  });

  it('knows no field beside them', () => {
    expect(fieldDoc('held')).toBeUndefined();
    expect(fieldDoc('rows.reasons.')).toBeUndefined();
    expect(fieldDoc('toString')).toBeUndefined();
    expect(fieldDoc('windows.burst')).toBeUndefined();
    expect(fieldDoc('windows.burst.ofered')).toBeUndefined();
    expect(fieldDoc('windows.burst.offered')?.unit).toBe('requests');
    expect(fieldDoc('workers[12].preemptions')?.unit).toBe('count');
  });
});

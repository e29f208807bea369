import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTiming } from '../../src/worker/timing/timing.ts';
import { fitSilicon, readSilicon, siliconRows } from '../../src/truth/silicon.ts';
import { folderWith } from './synthetic-log.ts';

/** Share of 128 experts that tokens hit with four each. */
function hit(tokens: number): number {
  return 1 - (1 - 4 / 128) ** tokens;
}

const HEAD =
  'model_path,system,precision,backend,backend_version,isl,osl,concurrency,tp_size,silicon_ttft_ms,silicon_tpot_ms';

/** Rows of a closed loop whose iteration lasts this long, TTFT left at none so that every client decodes. */
function sweep(iterationMs: (tokens: number, kvTokens: number, hits: number) => number): string {
  const lines = [[1024, 1024], [1024, 128], [4096, 512]].flatMap(([isl = 0, osl = 0]) => {
    return [4, 8, 16, 32, 64, 128].map((users) => {
      const prompts = Math.min(1, users / osl);
      const hits = (1 - prompts) * hit(users) + prompts * hit(users + isl);
      const tpot = iterationMs(users + (users * isl) / osl, users * (isl + osl / 2), hits);
      return `m,h100,fp8,vllm,0.12.0,${isl},${osl},${users},2,0,${tpot}`;
    });
  });
  const others = ['m,h100,fp8,vllm,0.11.0,9,9,9,2,1,1', 'm,h100,,vllm,0.12.0,9,9,9,2,1,1'];
  return join(folderWith({ 's.csv': [HEAD, ...lines, ...others, ''].join('\n') }), 's.csv');
}

const SETUP = {
  ...{ model: 'm', system: 'h100', precision: 'fp8', backend: 'vllm', version: '0.12.0', tensorParallel: 2 },
};

describe('a fit to closed-loop rows', () => {
  it('finds the coefficients of the iteration', () => {
    const rows = siliconRows(readSilicon(sweep((tokens, kv) => 9 + 0.05 * tokens + 0.00003 * kv)), SETUP);
    expect(rows).toHaveLength(18);
    const { timing, fitted, heldOut } = fitSilicon(rows);
    expect(timing).toMatchObject({ kind: 'affine' });
    expect(makeTiming(timing).decodeUs(10, 5000)).toBeCloseTo(9000 + 500 + 150, 0);
    expect(fitted.at(-1)).toBeLessThan(1e-4);
    expect(heldOut).toHaveLength(18);
    expect(heldOut.at(-1)).toBeLessThan(1e-3);
  });

  it('finds the concave term of a mixture of experts', () => {
    const experts = { total: 128, perToken: 4 };
    const file = sweep((tokens, kv, hits) => 4 + 3 * hits + 0.02 * tokens + 0.00001 * kv);
    const rows = siliconRows(readSilicon(file), SETUP);
    const { timing, fitted } = fitSilicon(rows, experts);
    expect(timing).toMatchObject({ kind: 'table', experts: { total: 128, perToken: 4 } });
    const priced = makeTiming(timing);
    const expected = (tokens: number, kv: number): number => 4000 + 3000 * hit(tokens) + 20 * tokens + 0.01 * kv;
    expect(priced.decodeUs(10, 5000) / expected(10, 5000)).toBeCloseTo(1, 2);
    const mixed = { prefillJobs: 1, prefillTokens: 500, prefillContextTokens: 0, decodeJobs: 10, decodeKvTokens: 5000 };
    expect(priced.us(mixed) / expected(510, 5000)).toBeCloseTo(1, 2);
    expect(fitted.at(-1)).toBeLessThan(0.01);
  });
});

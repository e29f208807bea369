import { describe, expect, it } from 'vitest';
import { fitKernelSteps, kernelErrors, kernelSteps } from '../../src/truth/kernel-tables.ts';
import { folderWith } from './synthetic-log.ts';

/** One layer: 10 µs and 2 µs a token; attention 1 µs a context token, 3 in mixed iterations. */
function tables(): string {
  const sizes = [1, 2, 4, 8, 16, 64];
  const dense = sizes.map((tokens) => `qkv_proj,${tokens},${10 + 2 * tokens}`);
  const norms = sizes.map((tokens) => `layernorm,${tokens},1`);
  const ends = sizes.map((count) => `lm_head,${count},${5 + count}`);
  const attention: string[] = [];
  for (const chunk of [0, 4, 16]) {
    for (const context of chunk === 0 ? [0] : [0, 32]) {
      for (const jobs of [0, 1, 2, 8]) {
        for (const each of jobs === 0 ? [0] : [16, 64]) {
          const kv = chunk + context + jobs * each;
          if (chunk + jobs > 0) attention.push(`${chunk},${context},${jobs},${each},${kv * (chunk > 0 ? 3 : 1)}`);
        }
      }
    }
  }
  return folderWith({
    'dense.csv': ['layer,tokens,time_us', ...dense, ...norms, 'embedding,1,7', 'embedding,64,7', ''].join('\n'),
    'per_sequence.csv': ['layer,sequences,time_us', ...ends, ''].join('\n'),
    'attention.csv': ['prefill_chunk,kv_prefill,n_decode,kv_decode,time_us', ...attention, ''].join('\n'),
  });
}

describe('kernel tables', () => {
  const steps = kernelSteps(tables(), 10);

  it('add up over the layers of the model', () => {
    // 10 layers of projection (10 + 2·6), two norms and attention (3·(4 + 32 + 128)); embedding 7, head 5 + 3.
    const found = steps.find(({ work: { prefillTokens, prefillContextTokens, decodeKvTokens } }) => {
      return prefillTokens === 4 && prefillContextTokens === 32 && decodeKvTokens === 128;
    });
    expect(found?.work).toMatchObject({ prefillJobs: 1, decodeJobs: 2 });
    expect(found?.us).toBeCloseTo(10 * (10 + 2 * 6 + 2 + 3 * 164) + 7 + 8, 9);
  });

  it('are fitted with a context rate for iterations that decode and one for mixed ones', () => {
    const timing = fitKernelSteps(steps);
    expect(timing.perKvTokenUs).toBeCloseTo(10, 1);
    expect(timing.perMixedKvTokenUs).toBeCloseTo(30, 1);
    expect(timing.perTokenUs).toBeCloseTo(20, 0);
    expect(Math.max(...kernelErrors(timing, steps))).toBeLessThan(0.02);
  });

  it('that are cut off are refused', () => {
    const folder = folderWith({ 'dense.csv': 'layer,tokens\nqkv_proj,1\n' });
    expect(() => kernelSteps(folder, 1)).toThrow('dense.csv:2 time_us: missing; allowed a number');
  });
});

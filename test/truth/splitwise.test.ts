import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  fitSplitwise,
  readSplitwise,
  splitwiseErrors,
  splitwiseHeldOut,
  type SplitwiseRow,
} from '../../src/truth/splitwise.ts';
import { folderWith } from './synthetic-log.ts';

const CELLS = [[128, 1, 64], [256, 1, 64], [512, 1, 64], [512, 4, 64], [512, 16, 64], [512, 4, 512], [1024, 1, 64]];

/** Prompts: 50 ms up to 512 tokens, then 0.1 ms a token; tokens: 20 ms, 0.5 a sequence, 0.001 a context token. */
function rowsOf(noise: readonly number[]): SplitwiseRow[] {
  return CELLS.flatMap(([promptTokens = 0, batch = 0, outputTokens = 0]) => {
    const tokens = promptTokens * batch;
    return noise.map((factor) => ({
      ...{ promptTokens, batch, outputTokens },
      promptMs: (50 + 0.1 * Math.max(0, tokens - 512)) * factor,
      tokenMs: (20 + 0.5 * batch + 0.001 * batch * (promptTokens + outputTokens / 2)) * factor,
    }));
  });
}

describe('a fit to cells', () => {
  it('is a floor with knots for prompts and a plane for decoding', () => {
    const timing = fitSplitwise(rowsOf([1]));
    expect(timing.prefill.floorUs).toBe(50_000);
    expect(timing.prefill.knots).toEqual([
      [128, 50_000],
      [512, 50_000],
      [1024, expect.closeTo(101_200, 6)],
      [2048, expect.closeTo(203_600, 6)],
      [8192, expect.closeTo(818_000, 6)],
    ]);
    const { prefill, decode } = splitwiseErrors(timing, rowsOf([1]));
    expect(Math.max(...prefill, ...decode)).toBeLessThan(1e-6);
  });

  it('follows the median repetition and never falls', () => {
    const timing = fitSplitwise(rowsOf([0.98, 1, 1.5]));
    expect(timing.prefill.knots.at(-1)?.[1]).toBeCloseTo(818_000, 0);
    const falling = rowsOf([1]).map((row) => (row.promptTokens === 256 ? { ...row, promptMs: 44 } : row));
    const us = fitSplitwise(falling).prefill.knots.map(([, each]) => each);
    expect([...us].sort((a, b) => a - b)).toEqual(us);
    expect(us[0]).toBeLessThan(50_000);
  });

  it('goes on rising beyond its largest prompt', () => {
    const dented = rowsOf([1]).map((row) => (row.batch === 16 ? { ...row, promptMs: 150 } : row));
    const knots = fitSplitwise(dented).prefill.knots;
    expect(knots.at(-1)?.[1]).toBeGreaterThan(knots.at(-2)?.[1] ?? Infinity);
  });

  it('is held against each cell by a fit without it', () => {
    const { prefill, decode } = splitwiseHeldOut(rowsOf([1, 1.001]));
    expect(prefill).toHaveLength(2 * CELLS.length);
    expect(Math.max(...decode)).toBeLessThan(0.01);
    expect(prefill.at(-1)).toBeGreaterThan(0.05);
  });
});

describe('the file of cells', () => {
  it('is grouped by model, machine and tensor parallelism', () => {
    const head = 'model,hardware,prompt_size,batch_size,token_size,prompt_time,token_time,tensor_parallel,rep';
    const two = ['m,a100,512,1,128,196.2,54.9,2,0', 'm,a100,512,1,128,195.6,54.8,2,1'];
    const text = [head, ...two, 'm,a100,512,1,128,99.1,40.1,4,0', ''].join('\n');
    const setups = readSplitwise(join(folderWith({ 'c.csv': text }), 'c.csv'));
    expect(setups.map(({ tensorParallel, rows }) => [tensorParallel, rows.length])).toEqual([[2, 2], [4, 1]]);
    const cell = { promptTokens: 512, batch: 1, outputTokens: 128 };
    expect(setups[0]?.rows[0]).toEqual({ ...cell, promptMs: 196.2, tokenMs: 54.9 });
  });
});

import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { parseWith } from '../../src/lab/schema-issues.ts';
import { sglangEngineConfig, sglangEngineSchema } from '../../src/lab/sglang-engine-schema.ts';
import type { SglangConfig } from '../../src/worker/sglang/sglang-config.ts';
import { SglangEngine } from '../../src/worker/sglang/sglang-engine.ts';

function configOf(input: object): SglangConfig {
  return sglangEngineConfig(sglangEngineSchema.parse({ semantics: 'sglang', ...input }));
}

/** The whole messages of what is refused. */
function refusals(input: object): readonly string[] {
  const parsed = parseWith(sglangEngineSchema, { semantics: 'sglang', ...input });
  return 'issues' in parsed ? parsed.issues.map(({ text }) => text) : [];
}

describe('an engine block with the semantics of SGLang', () => {
  it("has SGLang's defaults", () => {
    expect(configOf({})).toEqual({
      model: 'sglang',
      maxRunning: 256,
      blocks: 262_144,
      blockTokens: 1,
      maxModelTokens: Infinity,
      maxWaiting: Infinity,
      prefixCache: true,
      order: 'fifo',
      maxPrefillTokens: 16_384,
      chunkedPrefillTokens: 8192,
      clipNewTokens: 4096,
      conservativeness: 1,
      reservation: 'prompt',
      mixedChunk: false,
      timing: { kind: 'affine', baseUs: 10_700, perTokenUs: 33.7, perKvTokenUs: 0.0856 },
    });
  });

  it('keeps the tokens of the pool whatever the page, unless pages are given', () => {
    expect(configOf({ blockTokens: 64 }).blocks).toBe(4096);
    expect(configOf({ blockTokens: 64, blocks: 10, timing: { kind: 'dynamo' } })).toMatchObject({
      blocks: 10,
      timing: { kind: 'dynamo', poolTokens: 640 },
    });
  });

  it('fits sizes that are not given to the page', () => {
    expect(configOf({ blockTokens: 3 })).toMatchObject({ chunkedPrefillTokens: 8190, maxPrefillTokens: 16_384 });
    const sizes = { blocks: 4, chunkedPrefillTokens: 100_000, maxPrefillTokens: 100_000 };
    expect(configOf({ blockTokens: 100_000 })).toMatchObject(sizes);
  });

  it('takes every setting, bounds left out by name', () => {
    const settings = {
      maxRunning: 8,
      blocks: 100,
      blockTokens: 16,
      maxModelTokens: 1000,
      maxWaiting: 10,
      prefixCache: false,
      order: 'lpm',
      maxPrefillTokens: 64,
      clipNewTokens: 5,
      conservativeness: 0.3,
      reservation: 'chunk',
      mixedChunk: true,
    };
    const timing = { kind: 'affine', baseUs: 1000, perTokenUs: 1, perKvTokenUs: 0 };
    const written = { base: '1ms', perToken: '1us', perKvToken: '0us' };
    expect(configOf({ ...settings, chunkedPrefillTokens: 'none', timing: written })).toEqual({
      ...settings,
      model: 'sglang',
      chunkedPrefillTokens: Infinity,
      timing,
    });
  });

  it.each([
    [{ blocks: 3 }, 'blocks: value 3; allowed a whole number from 4 to 100000000'],
    [{ blockTokens: 0 }, 'blockTokens: value 0; allowed a whole number from 1 to 100000'],
    [
      { blockTokens: 3, chunkedPrefillTokens: 8 },
      "chunkedPrefillTokens: value 8; allowed a multiple of blockTokens (3), or 'none'",
    ],
    [{ blockTokens: 8, maxPrefillTokens: 7 }, 'maxPrefillTokens: value 7; allowed at least blockTokens (8)'],
    [{ conservativeness: 0 }, 'conservativeness: value 0; allowed a number from 0.001 to 1000'],
    [{ order: 'fcfs' }, /^order: value "fcfs"; allowed fifo, lpm/],
    [{ maxBatchedTokens: 3 }, /^maxBatchedTokens: unknown key; allowed semantics, maxRunning, /],
    [{ semantics: 'sglnag' }, /^semantics: value "sglnag"; allowed .*sglang/],
  ])('refuses %o', (over, message) => {
    const [first, ...more] = refusals(over);
    if (typeof message === 'string') expect(first).toBe(message);
    else expect(first).toMatch(message);
    expect(more).toEqual([]);
  });

  it('describes every setting', () => {
    for (const setting of Object.values<z.ZodType>(sglangEngineSchema.shape)) {
      expect(setting.description).toMatch(/\.$/);
    }
  });

  it('makes an engine', () => {
    const engine = new SglangEngine<number>(configOf({}), { tokenGaps: () => undefined });
    const lengths = { promptTokens: 100, outputTokens: 1, hashIds: [], hashBlockTokens: 0 };
    expect(engine.submit(0, { owner: 1, drawKey: 1, drawTry: 1, ...lengths })).toBe(0);
    engine.advance(0);
    expect(engine.nextAt()).toBe(Math.round(10_700 + 3370 + 8.56));
  });
});

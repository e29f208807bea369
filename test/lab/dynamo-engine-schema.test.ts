import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { dynamoEngineConfig, dynamoEngineSchema } from '../../src/lab/dynamo-engine-schema.ts';
import { parseWith } from '../../src/lab/schema-issues.ts';
import type { DynamoEngineConfig } from '../../src/worker/dynamo/dynamo-engine-config.ts';
import { DynamoEngine } from '../../src/worker/dynamo/dynamo-engine.ts';
import { job } from '../worker/shapes.ts';

function configOf(input: unknown): DynamoEngineConfig {
  return dynamoEngineConfig(dynamoEngineSchema.parse(input));
}

/** The whole messages of what is refused. */
function refusals(input: unknown): readonly string[] {
  const parsed = parseWith(dynamoEngineSchema, input);
  return 'issues' in parsed ? parsed.issues.map(({ text }) => text) : [];
}

describe('an engine block with the semantics of Dynamo', () => {
  it("has the mocker's defaults", () => {
    expect(configOf({ semantics: 'dynamo' })).toEqual({
      model: 'dynamo',
      semantics: 'dynamo',
      maxRunning: 256,
      maxBatchedTokens: 8192,
      blocks: 16_384,
      blockTokens: 64,
      maxModelTokens: Infinity,
      maxWaiting: Infinity,
      chunkedPrefill: true,
      prefixCache: true,
      preemption: 'lifo',
      ranks: 1,
      timing: { kind: 'dynamo', speedup: 1, decodeSpeedup: 1, poolTokens: 16_384 * 64 },
    });
  });

  it('has smaller blocks and no preemption as TensorRT-LLM', () => {
    const config = configOf({ semantics: 'trtllm', blocks: 100 });
    expect(config).toMatchObject({ semantics: 'trtllm', blockTokens: 32, maxModelTokens: Infinity });
    expect(config.timing).toMatchObject({ kind: 'dynamo', poolTokens: 3200 });
    for (const [key, value] of [['preemption', 'fifo'], ['maxModelTokens', 9]] as const) {
      expect(refusals({ semantics: 'trtllm', [key]: value })[0]).toMatch(`${key}: unknown key; allowed semantics,`);
    }
  });

  it('takes every setting, bounds left out by name, and any timing', () => {
    const settings = {
      maxRunning: 'none',
      maxBatchedTokens: 'none',
      blocks: 10,
      blockTokens: 4,
      chunkedPrefill: false,
      prefixCache: false,
      ranks: 2,
      maxModelTokens: 100,
      maxWaiting: 7,
      preemption: 'fifo',
      timing: { kind: 'affine', base: '1ms', perToken: '1us', perKvToken: '0us' },
    };
    expect(configOf({ semantics: 'dynamo', ...settings })).toEqual({
      ...settings,
      model: 'dynamo',
      semantics: 'dynamo',
      maxRunning: Infinity,
      maxBatchedTokens: Infinity,
      timing: { kind: 'affine', baseUs: 1000, perTokenUs: 1, perKvTokenUs: 0 },
    });
    const timing = { kind: 'dynamo', speedup: 4, decodeSpeedup: 3 };
    expect(configOf({ semantics: 'dynamo', blocks: 2, timing }).timing).toEqual({ ...timing, poolTokens: 128 });
  });

  it.each([
    [{ blocks: 0 }, 'blocks: value 0; allowed a whole number from 1 to 100000000'],
    [{ blockTokens: 1 }, 'blockTokens: value 1; allowed a whole number from 2 to 100000'],
    [{ maxRunning: 0 }, 'maxRunning: value 0; allowed a whole number from 1 to 100000'],
    [{ ranks: 0 }, 'ranks: value 0; allowed a whole number from 1 to 1024'],
    [{ preemption: 'filo' }, "preemption: value \"filo\"; allowed lifo, fifo (did you mean 'fifo'?)"],
    [{ blcoks: 3 }, /^blcoks: unknown key; allowed semantics, .* \(did you mean 'blocks'\?\)$/],
    [{ semantics: 'dinamo' }, /^semantics: value "dinamo"; allowed .*dynamo/],
  ])('refuses %o', (over, message) => {
    const [first, ...more] = refusals({ semantics: 'dynamo', ...over });
    if (typeof message === 'string') expect(first).toBe(message);
    else expect(first).toMatch(message);
    expect(more).toEqual([]);
  });

  it('describes every setting', () => {
    for (const option of dynamoEngineSchema.options) {
      for (const setting of Object.values<z.ZodType>(option.shape)) expect(setting.description).toMatch(/\.$/);
    }
  });

  it('makes an engine', () => {
    const engine = new DynamoEngine<number>(configOf({ semantics: 'dynamo' }), { tokenGaps: () => undefined });
    expect(engine.submit(0, job(1, 128, 1))).toBe(0);
    engine.advance(0);
    expect((engine.passEndUs / 1000).toFixed(6)).toBe('24.198391');
  });
});

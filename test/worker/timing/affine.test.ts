import { describe, expect, it } from 'vitest';
import { AffineTiming } from '../../../src/worker/timing/affine.ts';
import { makeTiming } from '../../../src/worker/timing/timing.ts';

const CONFIG = { kind: 'affine', baseUs: 100, perTokenUs: 10, perKvTokenUs: 1 } as const;
const MIXED = { prefillJobs: 1, prefillTokens: 4, prefillContextTokens: 6, decodeJobs: 2, decodeKvTokens: 20 };

describe('affine timing', () => {
  it('prices a mixed batch as one step', () => {
    expect(new AffineTiming(CONFIG).us(MIXED)).toBe(100 + 10 * 6 + 30);
  });

  it('prices a batch that only decodes alike by both of its methods', () => {
    const decode = { prefillJobs: 0, prefillTokens: 0, prefillContextTokens: 0, decodeJobs: 2, decodeKvTokens: 20 };
    const timing = new AffineTiming({ ...CONFIG, perMixedKvTokenUs: 3 });
    expect(timing.us(decode)).toBe(140);
    expect(timing.decodeUs(2, 20)).toBe(140);
  });

  it('reads the context at a rate of its own where there are prompt tokens', () => {
    expect(new AffineTiming({ ...CONFIG, perMixedKvTokenUs: 3 }).us(MIXED)).toBe(100 + 10 * 6 + 3 * 30);
  });

  it('is made by its kind', () => {
    expect(makeTiming(CONFIG).us(MIXED)).toBe(190);
    expect(makeTiming({ kind: 'dynamo', speedup: 1, decodeSpeedup: 1, poolTokens: 100 }).decodeUs(0, 0)).toBe(0);
    const table = { prefill: { floorUs: 7, knots: [[1, 7]] as const, perContextTokenUs: 0 } };
    const decode = { jobs: [1], kvTokens: [0], us: [[5]] };
    expect(makeTiming({ kind: 'table', ...table, decode }).decodeUs(3, 9)).toBe(5);
  });
});

import { describe, expect, it } from 'vitest';
import { coefficientNames, loosened, multiplied } from '../../src/truth/coefficients.ts';
import { makeTiming, type TimingConfig } from '../../src/worker/timing/timing.ts';

const PROMPT = { prefillJobs: 2, prefillTokens: 90, prefillContextTokens: 10, decodeJobs: 0, decodeKvTokens: 0 };
const MIXED = { ...PROMPT, decodeJobs: 4, decodeKvTokens: 300 };
const TIMINGS: readonly TimingConfig[] = [
  { kind: 'affine', baseUs: 1000, perTokenUs: 10, perKvTokenUs: 1 },
  { kind: 'affine', baseUs: 1000, perTokenUs: 10, perKvTokenUs: 1, perMixedKvTokenUs: 2 },
  { kind: 'dynamo', speedup: 2, decodeSpeedup: 3, poolTokens: 1000 },
  {
    kind: 'table',
    prefill: { floorUs: 500, knots: [[10, 600], [100, 2000]], perContextTokenUs: 1 },
    decode: { jobs: [1, 8], kvTokens: [0, 100], us: [[500, 600], [700, 900]] },
    experts: { total: 8, perToken: 2, us: 300 },
  },
];

describe('the coefficients of a timing', () => {
  it.each(TIMINGS)('are scaled all at once: $kind', (timing) => {
    const twice = makeTiming(multiplied(timing, ['all'], [2]));
    for (const work of [PROMPT, MIXED]) expect(twice.us(work)).toBeCloseTo(2 * makeTiming(timing).us(work), 9);
    expect(twice.decodeUs(4, 300)).toBeCloseTo(2 * makeTiming(timing).decodeUs(4, 300), 9);
  });

  it.each(TIMINGS)('are named, and all of them together are the whole: $kind', (timing) => {
    const loose = loosened(timing);
    const names = coefficientNames(loose);
    const twice = makeTiming(multiplied(loose, names, names.map(() => 2)));
    expect(twice.us(MIXED)).toBeCloseTo(2 * makeTiming(loose).us(MIXED), 9);
  });

  it('move one by one', () => {
    const [, affine, dynamo] = TIMINGS as [TimingConfig, TimingConfig, TimingConfig];
    expect(multiplied(affine, ['perToken', 'perMixedKvToken'], [3, 5])).toMatchObject({
      ...{ baseUs: 1000, perTokenUs: 30, perKvTokenUs: 1, perMixedKvTokenUs: 10 },
    });
    const slower = makeTiming(multiplied(dynamo, ['prefill'], [4]));
    expect(slower.us(PROMPT)).toBeCloseTo(4 * makeTiming(dynamo).us(PROMPT), 9);
    expect(slower.decodeUs(4, 300)).toBeCloseTo(makeTiming(dynamo).decodeUs(4, 300), 9);
  });

  it('are free to move when a full fit begins', () => {
    const nothing = { kind: 'affine', baseUs: 5, perTokenUs: 0, perKvTokenUs: 0 } as const;
    const loose = loosened(nothing);
    expect(Object.values(loose).every((value) => value !== 0)).toBe(true);
    expect(loosened(TIMINGS[0] as TimingConfig)).toMatchObject({ perKvTokenUs: 1, perMixedKvTokenUs: 1 });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StepWork } from '../../../src/worker/timing/step-time.ts';
import { TableTiming, type TableTimingConfig } from '../../../src/worker/timing/table.ts';

const NOTHING = { prefillJobs: 0, prefillTokens: 0, prefillContextTokens: 0, decodeJobs: 0, decodeKvTokens: 0 };
const CONFIG: TableTimingConfig = {
  kind: 'table',
  prefill: { floorUs: 50, knots: [[10, 40], [20, 60], [40, 80]], perContextTokenUs: 0.5 },
  decode: { jobs: [1, 3], kvTokens: [0, 100, 200], us: [[30, 40, 60], [50, 60, 90]] },
};

function prompt(tokens: number, context = 0): StepWork {
  return { ...NOTHING, prefillJobs: 1, prefillTokens: tokens, prefillContextTokens: context };
}

describe('a prompt pass of table timing', () => {
  const timing = new TableTiming(CONFIG);
  it.each([[1, 50], [10, 50], [15, 50], [18, 56], [20, 60], [30, 70], [40, 80], [60, 100]])(
    'of %i tokens costs %d µs: floor, then straight lines, the last one goes on',
    (tokens, us) => expect(timing.us(prompt(tokens))).toBeCloseTo(us, 9),
  );

  it('pays for the context that its prompts have already', () => expect(timing.us(prompt(20, 8))).toBe(64));

  it('costs one value where the table has one knot', () => {
    const flat = { ...CONFIG, prefill: { ...CONFIG.prefill, knots: [[10, 70]] as const } };
    expect([1, 10, 99].map((tokens) => new TableTiming(flat).us(prompt(tokens)))).toEqual([70, 70, 70]);
  });
});

describe('a decoding pass of table timing', () => {
  const timing = new TableTiming(CONFIG);
  it.each([
    [1, 0, 30],
    [1, 50, 35],
    [1, 150, 50],
    [1, 300, 80],
    [2, 100, 50],
    [2, 150, 62.5],
    [3, 200, 90],
    [5, 100, 80],
  ])('of %i sequences with %i tokens costs %d µs', (jobs, kvTokens, us) => {
    expect(timing.decodeUs(jobs, kvTokens)).toBeCloseTo(us, 9);
    expect(timing.us({ ...NOTHING, decodeJobs: jobs, decodeKvTokens: kvTokens })).toBe(timing.decodeUs(jobs, kvTokens));
  });

  it('costs what the smallest measured batch does below it', () => {
    const from4 = { ...CONFIG, decode: { ...CONFIG.decode, jobs: [4, 8] } };
    expect(new TableTiming(from4).decodeUs(1, 100)).toBe(40);
  });

  it('is not negative where a steep grid says so', () => {
    const steep = { ...CONFIG, decode: { jobs: [1], kvTokens: [100, 200], us: [[10, 100]] } };
    expect(new TableTiming(steep).decodeUs(1, 0)).toBe(0);
  });
});

describe('a mixed pass of table timing', () => {
  const timing = new TableTiming(CONFIG);
  it('pays what its tokens share once, and the context on top', () => {
    const mixed = { ...prompt(38), decodeJobs: 2, decodeKvTokens: 100 };
    expect(timing.us(mixed)).toBeCloseTo(80 + 10, 9);
    const small = { ...prompt(1), decodeJobs: 5, decodeKvTokens: 100 };
    expect(timing.us(small)).toBeCloseTo(70 + 10, 9);
  });

  it('costs no less than either part and no more than both (random work)', () => {
    const work = fc.record({
      prefillTokens: fc.integer({ min: 1, max: 100 }),
      decodeJobs: fc.integer({ min: 1, max: 6 }),
      decodeKvTokens: fc.nat({ max: 400 }),
    });
    const property = fc.property(work, ({ prefillTokens, decodeJobs, decodeKvTokens }) => {
      const decodeUs = timing.decodeUs(decodeJobs, decodeKvTokens);
      const promptUs = timing.us(prompt(prefillTokens));
      const us = timing.us({ ...prompt(prefillTokens), decodeJobs, decodeKvTokens });
      expect(us).toBeGreaterThanOrEqual(Math.max(promptUs, decodeUs) - 1e-9);
      expect(us).toBeLessThanOrEqual(timing.us(prompt(prefillTokens + decodeJobs)) + decodeUs + 1e-9);
    });
    fc.assert(property, { seed: 4, numRuns: 2000 });
  });
});

describe('the expert term', () => {
  const moe = new TableTiming({ ...CONFIG, experts: { total: 8, perToken: 2, us: 1000 } });
  const dense = new TableTiming(CONFIG);

  it('grows with the tokens of a pass, less and less, up to all experts', () => {
    const terms = [1, 2, 3, 200].map((jobs) => moe.decodeUs(jobs, 0) - dense.decodeUs(jobs, 0));
    expect(terms[0]).toBeCloseTo(250, 9);
    expect(terms[1]).toBeCloseTo(437.5, 9);
    expect((terms[2] as number) - (terms[1] as number)).toBeLessThan(187.5);
    expect(terms[3]).toBeCloseTo(1000, 9);
  });

  it('counts prompt and decoding tokens of a mixed pass together', () => {
    const mixed = { ...prompt(2), decodeJobs: 1, decodeKvTokens: 10 };
    expect(moe.us(mixed) - dense.us(mixed)).toBeCloseTo(1000 * (1 - 0.75 ** 3), 9);
  });
});

describe('a table that does not fit together', () => {
  it('is refused', () => {
    const decode = { jobs: [1, 2], kvTokens: [0], us: [[1]] };
    expect(() => new TableTiming({ ...CONFIG, decode })).toThrow('another number of rows');
    const ragged = { jobs: [1], kvTokens: [0, 1], us: [[1]] };
    expect(() => new TableTiming({ ...CONFIG, decode: ragged })).toThrow('another length');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decoders } from '../../src/worker/decoders.ts';
import { PassPlan } from '../../src/worker/pass-plan.ts';
import { Pass } from '../../src/worker/scheduler.ts';
import { Sequence } from '../../src/worker/sequence.ts';
import { AffineTiming } from '../../src/worker/timing/affine.ts';
import { job } from './shapes.ts';

const BLOCK = 4;
/** A pass costs 10 · tokens + 1 · context tokens. */
const TIMING = new AffineTiming({ kind: 'affine', baseUs: 0, perTokenUs: 10, perKvTokenUs: 1 });

interface Limits {
  readonly passesMax?: number;
  readonly available?: number;
  readonly used?: number;
  readonly blockTokens?: number;
}

/** Sequences that decode, with so many computed tokens, after 7 passes. */
function decoding(computed: readonly number[], blockTokens = BLOCK): Decoders {
  const decoders = new Decoders(blockTokens);
  for (let i = 1; i <= 7; i++) decoders.passed(i);
  computed.forEach((tokens, i) => decoders.join(new Sequence(job(i, tokens, 999), i, 999, undefined, decoders)));
  return decoders;
}

/** A plan from 100 on for sequences that decode. */
function plan(computed: readonly number[], limits: Limits = {}, on = new PassPlan(TIMING)): PassPlan {
  const { passesMax = 8, available = 99, used = 7, blockTokens = BLOCK } = limits;
  const decoders = decoding(computed, blockTokens);
  const pass = new Pass();
  pass.decodeJobs = decoders.jobs;
  pass.decodeKvTokens = decoders.contextTokens;
  on.single(100, pass, used);
  on.extend(decoders, passesMax, available);
  return on;
}

function ends(made: PassPlan): number[] {
  return [...made.ends.subarray(0, made.passes)];
}

/** Blocks that each pass after the first takes. */
function taken(made: PassPlan): number[] {
  const used = [...made.used.subarray(0, made.passes)];
  return used.slice(1).map((each, i) => each - (used[i] as number));
}

describe('PassPlan', () => {
  it('takes a block where a sequence steps over a block boundary', () => {
    // Pass k computes token `computed + k`: a new block when that is a multiple of 4.
    expect(taken(plan([4]))).toEqual([0, 0, 0, 1, 0, 0, 0]);
    expect(taken(plan([1]))).toEqual([0, 0, 1, 0, 0, 0, 1]);
    expect(taken(plan([2]))).toEqual([0, 1, 0, 0, 0, 1, 0]);
    expect(taken(plan([3]))).toEqual([1, 0, 0, 0, 1, 0, 0]);
    expect(taken(plan([8]))).toEqual(taken(plan([4])));
    expect(taken(plan([3, 5, 8, 12]))).toEqual([1, 0, 1, 2, 1, 0, 1]);
  });

  it('takes a block every pass and sequence when a block is one token', () => {
    expect(taken(plan([3, 9], { passesMax: 4, blockTokens: 1 }))).toEqual([2, 2, 2]);
  });

  it('prices each pass by the context it then has', () => {
    expect(ends(plan([3, 5], { passesMax: 3 }))).toEqual([100 + 20 + 10, 130 + 20 + 12, 162 + 20 + 14]);
  });

  it('multiplies each pass by the slow-down and rounds it, never below one', () => {
    const slow = new PassPlan(TIMING);
    slow.slowFactor = 0.05;
    // Context 4, 5, 6: 0.7, 0.75, 0.8 become 1.
    expect(ends(plan([3], { passesMax: 3 }, slow))).toEqual([101, 102, 103]);
    slow.slowFactor = 2.5;
    expect(ends(plan([3], { passesMax: 2 }, slow))).toEqual([100 + 35, 135 + 38]);
  });

  it('ends before the pass for which blocks do not last', () => {
    const passes = (available: number): number => plan([3, 5, 8], { available }).passes;
    // Taken in passes 1, 3, 4, 5 and 7.
    expect([0, 1, 2, 3, 4, 5].map(passes)).toEqual([1, 3, 4, 5, 7, 8]);
    expect(plan([3, 7], { available: 1 }).passes).toBe(1);
  });

  it('ends with the pass in which the first sequence does, and plans 256 at most', () => {
    expect(plan([4], { passesMax: 1 }).passes).toBe(1);
    expect(plan([4], { passesMax: 5 }).passes).toBe(5);
    expect(plan([4], { passesMax: 1000 }).passes).toBe(256);
  });

  it('tells which passes ended before now, the last one excepted', () => {
    const made = plan([4], { passesMax: 4 });
    // Ends: 115, 131, 148, 166.
    expect([115, 116, 131, 132, 149, 166, 10_000].map((now) => made.over(now))).toEqual([0, 1, 1, 2, 3, 3, 3]);
    made.done = 2;
    expect([115, 149].map((now) => made.over(now))).toEqual([2, 3]);
  });

  it('cut, ends with the pass that runs at that instant or ends then', () => {
    const cut = (now: number): number => {
      const made = plan([4], { passesMax: 4 });
      made.cutAt(now);
      return made.endAt;
    };
    expect([100, 114, 115].map(cut)).toEqual([115, 115, 115]);
    expect([116, 131].map(cut)).toEqual([131, 131]);
    expect([149, 166, 170].map(cut)).toEqual([166, 166, 166]);
  });

  it('ends its last pass later when the worker stood still', () => {
    const made = plan([4], { passesMax: 4 });
    made.cutAt(120);
    made.delay(7);
    expect(ends(made)).toEqual([115, 138]);
  });

  it('begins a new plan without traces of the one before', () => {
    const used = plan([3, 3, 3], { available: 0 });
    used.done = used.passes;
    used.chunk = 3;
    const again = plan([1], {}, used);
    expect([ends(again), taken(again), again.done, again.chunk]).toEqual([ends(plan([1])), taken(plan([1])), 0, 0]);
  });

  it('takes and prices the chunks of a prompt beside the decoding', () => {
    const decoders = decoding([3, 5]);
    const pass = new Pass();
    pass.decodeJobs = 2;
    pass.decodeKvTokens = decoders.contextTokens;
    pass.prefillJobs = 1;
    pass.prefillTokens = 6;
    pass.prefillContextTokens = 2;
    const made = new PassPlan(TIMING);
    made.single(100, pass, 5);
    made.extendChunks(decoders, 3, 99, pass, 2);
    // Context 10 + 8, 12 + 14, 14 + 20; blocks of the prompt 2, 4, 5, of the others one in each later pass but
    // the third.
    expect(ends(made)).toEqual([100 + 80 + 18, 198 + 80 + 26, 304 + 80 + 34]);
    expect(taken(made)).toEqual([2 + 1, 1]);
    expect(made.chunk).toBe(6);
    const [few, none] = [2, 3].map((available) => {
      const again = new PassPlan(TIMING);
      again.single(100, pass, 5);
      again.extendChunks(decoders, 3, available, pass, 2);
      return again.passes;
    });
    expect([few, none]).toEqual([1, 2]);
  });

  it('counts the blocks that ceil(tokens ÷ block) says, for any mix of sequences', () => {
    const many = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12, size: 'max' });
    const property = fc.property(many, fc.integer({ min: 1, max: 7 }), fc.nat({ max: 30 }), (computed, block, room) => {
      const held = (pass: number): number =>
        computed.reduce((sum, each) => sum + Math.ceil((each + pass + 1) / block), 0);
      const made = plan(computed, { passesMax: 40, used: held(0), available: room, blockTokens: block });
      const expected: number[] = [];
      for (let pass = 0; pass < 40 && held(pass) - held(0) <= room; pass++) expected.push(held(pass));
      expect([...made.used.subarray(0, made.passes)]).toEqual(expected);
    });
    fc.assert(property, { seed: 20260805, numRuns: 500 });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeRun, type RunStart } from '../../src/worker/decode-run.ts';

const BLOCK = 4;
const durationUs = (jobs: number, kvTokens: number): number => jobs * 10 + kvTokens;

interface PassSeen {
  readonly startAt: number;
  readonly endAt: number;
  readonly usedBlocks: number;
}

/** A plan for sequences with so many computed tokens, its first pass from 100 to 110 with 7 blocks in use. */
function plan(computed: readonly number[], over: Partial<RunStart> = {}, run = new DecodeRun(BLOCK)): DecodeRun {
  const jobs = computed.length;
  const kvTokens = computed.reduce((sum, each) => sum + each + 1, 0);
  const blocks = { usedBlocks: 7, availableBlocks: 99 };
  const start = { startAt: 100, firstEndAt: 110, jobs, kvTokens, passesMax: 8, ...blocks, ...over };
  run.single(start);
  for (const each of computed) run.addPhase(each);
  run.extend(start, durationUs);
  return run;
}

function passed(run: DecodeRun, now: number): PassSeen[] {
  const seen: PassSeen[] = [];
  const count = run.advance(now, (startAt, endAt, usedBlocks) => seen.push({ startAt, endAt, usedBlocks }));
  expect(count).toBe(seen.length);
  return seen;
}

/** All passes, the last one too. */
function passes(run: DecodeRun): PassSeen[] {
  return [...passed(run, Infinity), { startAt: run.lastStartAt, endAt: run.endAt, usedBlocks: run.lastUsedBlocks }];
}

/** Blocks that each pass after the first takes. */
function taken(run: DecodeRun): number[] {
  const used = passes(run).map(({ usedBlocks }) => usedBlocks);
  return used.slice(1).map((each, i) => each - (used[i] as number));
}

describe('DecodeRun', () => {
  it('takes a block where a sequence steps over a block boundary', () => {
    // Pass k computes token `computed + k`: a new block when that is a multiple of 4.
    expect(taken(plan([0]))).toEqual([0, 0, 0, 1, 0, 0, 0]);
    expect(taken(plan([1]))).toEqual([0, 0, 1, 0, 0, 0, 1]);
    expect(taken(plan([2]))).toEqual([0, 1, 0, 0, 0, 1, 0]);
    expect(taken(plan([3]))).toEqual([1, 0, 0, 0, 1, 0, 0]);
    expect(taken(plan([4]))).toEqual(taken(plan([0])));
    expect(taken(plan([3, 5, 8, 12]))).toEqual([1, 0, 1, 2, 1, 0, 1]);
  });

  it('takes a block every pass and sequence when a block is one token', () => {
    expect(taken(plan([3, 9], { passesMax: 4 }, new DecodeRun(1)))).toEqual([2, 2, 2]);
  });

  it('prices each pass by the context it then has', () => {
    expect(passes(plan([3, 5], { passesMax: 3 })).map(({ startAt, endAt }) => [startAt, endAt])).toEqual([
      [100, 110], [110, 110 + 20 + 12], [142, 142 + 20 + 14],
    ]);
  });

  it('ends before the pass for which blocks do not last', () => {
    const blocks = (availableBlocks: number): number => passes(plan([3, 5, 8], { availableBlocks })).length;
    // Taken in passes 1, 3, 4, 5 and 7.
    expect([0, 1, 2, 3, 4, 5].map(blocks)).toEqual([1, 3, 4, 5, 7, 8]);
    expect(plan([3, 7], { availableBlocks: 1 }).endAt).toBe(110);
  });

  it('ends with the pass in which the first sequence does, and plans 256 at most', () => {
    expect(passes(plan([0], { passesMax: 1 }))).toEqual([{ startAt: 100, endAt: 110, usedBlocks: 7 }]);
    expect(passes(plan([0], { passesMax: 5 }))).toHaveLength(5);
    expect(passes(plan([0], { passesMax: 1000 }))).toHaveLength(256);
  });

  it('passes over what ended before now, each pass once', () => {
    const run = plan([0], { passesMax: 4 });
    // Ends: 110, 122, 135, 149.
    expect(passed(run, 110)).toEqual([]);
    expect(passed(run, 122).map(({ endAt }) => endAt)).toEqual([110]);
    expect(run.doneAt).toBe(110);
    expect(passed(run, 122)).toEqual([]);
    expect(passed(run, 136).map(({ startAt }) => startAt)).toEqual([110, 122]);
    expect(run.doneAt).toBe(135);
    expect(passed(run, 10_000)).toEqual([]);
  });

  it('cut, ends with the pass that runs at that instant or ends then', () => {
    const cut = (now: number): number[] => {
      const run = plan([0], { passesMax: 4 });
      run.cutAt(now);
      return [run.lastStartAt, run.endAt];
    };
    expect([100, 109, 110].map(cut)).toEqual([[100, 110], [100, 110], [100, 110]]);
    expect([111, 122].map(cut)).toEqual([[110, 122], [110, 122]]);
    expect([136, 149, 150].map(cut)).toEqual([[135, 149], [135, 149], [135, 149]]);
    const twice = plan([0], { passesMax: 4 });
    passed(twice, 123);
    twice.cutAt(123);
    twice.cutAt(140);
    expect(twice.endAt).toBe(135);
  });

  it('begins a new plan without traces of the one before', () => {
    const run = plan([3, 3, 3], { availableBlocks: 0 });
    passed(run, 200);
    run.cutAt(200);
    expect(passes(plan([1], {}, run))).toEqual(passes(plan([1])));
  });

  it('counts the blocks that ceil(tokens ÷ block) says, for any mix of sequences', () => {
    const many = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 12, size: 'max' });
    const property = fc.property(many, fc.integer({ min: 1, max: 7 }), fc.nat({ max: 30 }), (computed, block, room) => {
      const held = (pass: number): number =>
        computed.reduce((sum, each) => sum + Math.ceil((each + pass + 1) / block), 0);
      const over = { passesMax: 40, usedBlocks: held(0), availableBlocks: room };
      const used = passes(plan(computed, over, new DecodeRun(block))).map(({ usedBlocks }) => usedBlocks);
      const expected: number[] = [];
      for (let pass = 0; pass < 40 && held(pass) - held(0) <= room; pass++) expected.push(held(pass));
      expect(used).toEqual(expected);
    });
    fc.assert(property, { seed: 20260805, numRuns: 500 });
  });
});

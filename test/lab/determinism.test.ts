import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/kernel/digest.ts';
import {
  type Difference,
  findNondeterminism,
  firstDifference,
  firstDifferingEntry,
  type Replayer,
} from '../../src/lab/determinism.ts';
import type { TapEntry } from '../../src/lab/run-types.ts';
import { richResult } from '../results/samples.ts';

const points = (...list: [number, string][]): Checkpoint[] =>
  list.map(([entries, digest]) => ({ entries, digest }));
const entry = (index: number, first = 0): TapEntry => {
  return { index, at: index * 10, kind: 'start', first, second: 0, request: -1 };
};

/** A run of these checkpoints that records `entries`. */
function runOf(checkpoints: Checkpoint[], entries: TapEntry[], stretches: unknown[] = []): Replayer {
  return async (stretch?: Difference) => {
    stretches.push(stretch);
    const recorded = entries.filter(({ index }) => stretch && index >= stretch.from && index < stretch.to);
    return Promise.resolve({ checkpoints, result: richResult(), entries: recorded });
  };
}

describe('two digests', () => {
  it.each([
    ['equal', points([5, 'a'], [9, 'b']), points([5, 'a'], [9, 'b']), undefined],
    ['apart from the start', points([5, 'a']), points([5, 'x']), { from: 0, to: 5 }],
    ['apart after a checkpoint', points([5, 'a'], [9, 'b']), points([5, 'a'], [9, 'x']), { from: 5, to: 9 }],
    ['of different length', points([5, 'a'], [7, 'b']), points([5, 'a'], [9, 'b']), { from: 5, to: 9 }],
    ['of which one goes on', points([5, 'a']), points([5, 'a'], [9, 'b']), { from: 5, to: 5 + 4096 }],
  ])('are %s', (_, a, b, difference) => {
    expect(firstDifference(a, b)).toEqual(difference);
    expect(firstDifference(b, a)).toEqual(difference);
  });
});

describe('two recordings', () => {
  it('part at the first entry that differs in anything', () => {
    expect(firstDifferingEntry([entry(1), entry(2)], [entry(1), entry(2)])).toBeUndefined();
    expect(firstDifferingEntry([entry(1), entry(2)], [entry(1), entry(2, 7)])).toEqual({
      first: entry(2),
      second: entry(2, 7),
    });
    expect(firstDifferingEntry([entry(1)], [])).toEqual({ first: entry(1), second: undefined });
  });
});

describe('a comparison of two runs', () => {
  it('runs each once when they agree', async () => {
    const stretches: unknown[] = [];
    const run = runOf(points([5, 'a']), [], stretches);
    expect(await findNondeterminism(run, run)).toBeUndefined();
    expect(stretches).toEqual([undefined, undefined]);
  });

  it('records the stretch where they part and names the first differing event', async () => {
    const one = runOf(points([5, 'a'], [9, 'b']), [entry(5), entry(6, 1), entry(7)]);
    const other = runOf(points([5, 'a'], [9, 'c']), [entry(5), entry(6, 2), entry(7)]);
    expect(await findNondeterminism(one, other)).toBe(
      'the runs part between entries 5 and 9 of the digest\n' +
        'first differing event: entry 6 at 60 us: start (1, 0) | entry 6 at 60 us: start (2, 0)',
    );
  });

  it('says so when the difference does not come again', async () => {
    const one = runOf(points([5, 'a']), [entry(1)]);
    const other = runOf(points([5, 'b']), [entry(1)]);
    expect(await findNondeterminism(one, other)).toContain('it comes and goes');
  });

  it('finds results that differ over equal histories', async () => {
    const one = runOf(points([5, 'a']), []);
    const other: Replayer = async () => ({ ...(await one()), result: { ...richResult(), preemptions: 9 } });
    expect(await findNondeterminism(one, other)).toBe(
      'equal histories, but preemptions of the results differs: 3 | 9',
    );
  });
});

/** Ranges of prompt sizes: exact bounds of every division, and what makes a recut. */
import { describe, expect, it } from 'vitest';
import { BucketRanges } from '../../../policies/router/bucket-ranges.ts';

const PERIOD = 5e6;
const make = (workers: readonly number[], whenFleetChanges: 'recut' | 'full-range' = 'recut') => {
  const buckets = new BucketRanges(PERIOD, whenFleetChanges);
  buckets.setWorkers(workers);
  return buckets;
};
const bounds = ({ ranges }: BucketRanges) => ranges.map(({ worker, from, to }) => [worker, from, to]);
const even3 = [
  [0, 0, 1364],
  [1, 1365, 2729],
  [2, 2730, Infinity],
];
const even2 = [
  [0, 0, 2047],
  [3, 2048, Infinity],
];

describe('BucketRanges: the first division', () => {
  it.each(['recut', 'full-range'] as const)('divides 4,096 characters evenly and leaves the last open (%s)', (when) => {
    const buckets = make([0, 1, 2], when);
    expect(bounds(buckets)).toEqual(even3);
    expect([0, 1364, 1365, 2729, 2730, 1e9].map((size) => buckets.find(size))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('waits for workers: without any no size has an owner, and an empty fleet does not count as the first', () => {
    const buckets = make([], 'full-range');
    expect([buckets.ranges, buckets.find(5)]).toEqual([[], -1]);
    buckets.post(0, 10, 7);
    buckets.recut();
    expect(buckets.ranges).toEqual([]);
    buckets.setWorkers([0, 1, 2]);
    expect(bounds(buckets)).toEqual(even3);
    expect(new BucketRanges(PERIOD, 'recut').ranges).toEqual([]);
  });

  it('is even whatever was sent before the first workers were known', () => {
    const buckets = new BucketRanges(PERIOD, 'recut');
    buckets.post(0, 10, 7);
    buckets.recut();
    expect(buckets.ranges).toEqual([]);
    buckets.setWorkers([0, 1, 2]);
    expect(bounds(buckets)).toEqual(even3);
  });
});

describe('BucketRanges: a change of the fleet', () => {
  it('divides evenly again while nothing was sent, and by the sizes sent after', () => {
    const buckets = make([0, 1, 2]);
    buckets.setWorkers([0, 3]);
    expect(bounds(buckets)).toEqual(even2);
    for (const size of [10, 20, 30]) buckets.post(0, size, 0);
    buckets.setWorkers([3, 4]);
    expect(bounds(buckets)).toEqual([
      [3, 0, 20],
      [4, 21, Infinity],
    ]);
  });

  it('divides all 64-bit numbers in full-range, the last again open', () => {
    const buckets = make([0], 'full-range');
    buckets.setWorkers([0, 1, 2]);
    const third = 6148914691236517205n;
    expect(bounds(buckets)).toEqual([
      [0, 0n, third - 1n],
      [1, third, 2n * third - 1n],
      [2, 2n * third, Infinity],
    ]);
  });

  it('has no ranges while everybody is away', () => {
    const buckets = make([0, 1]);
    buckets.setWorkers([]);
    expect([buckets.ranges, buckets.find(1)]).toEqual([[], -1]);
  });

  it('counts nothing for a worker that left, also when what it was sent grows old', () => {
    const buckets = make([0, 1, 2]);
    buckets.post(0, 10, 2);
    buckets.post(0, 20, 0);
    buckets.setWorkers([0, 1]);
    buckets.post(PERIOD, 5, 0);
    buckets.post(PERIOD + 1, 40, 1);
    expect([...buckets.loads]).toEqual([
      [0, 5],
      [1, 40],
    ]);
  });

  it('does not fall below zero when counts began anew since', () => {
    const buckets = make([0, 1], 'full-range');
    buckets.post(0, 10, 0);
    buckets.setWorkers([0, 1]);
    buckets.post(PERIOD + 1, 40, 1);
    expect(buckets.loads.get(0)).toBe(0);
  });
});

describe('BucketRanges: a recut', () => {
  /** Bounds after the sizes, each sent to worker 0. */
  const cut = (workers: readonly number[], ...sizes: number[]) => {
    const buckets = make(workers);
    for (const size of sizes) buckets.post(0, size, 0);
    buckets.recut();
    return bounds(buckets);
  };

  it('ends a range at the size with which it has gathered its share, whatever the order of arrival', () => {
    expect(cut([0, 1, 2], 30, 10, 20)).toEqual([
      [0, 0, 20],
      [1, 21, 30],
      [2, 31, Infinity],
    ]);
    expect(cut([0, 1], 30, 20, 10)).toEqual([
      [0, 0, 20],
      [1, 21, Infinity],
    ]);
  });

  it('ends a range one share further when the size begins it, or nothing is left', () => {
    expect(cut([0, 1, 2], 19, 20, 21)).toEqual([
      [0, 0, 20],
      [1, 21, 41],
      [2, 42, Infinity],
    ]);
    expect(cut([0, 1, 2], 60)).toEqual([
      [0, 0, 60],
      [1, 61, 81],
      [2, 82, Infinity],
    ]);
  });

  it('needs something sent, however small', () => {
    expect(cut([0, 1, 2])).toEqual(even3);
    expect(cut([0, 1], 1)).toEqual([
      [0, 0, 1],
      [1, 2, Infinity],
    ]);
  });

  it('leaves out what is older than the period', () => {
    const buckets = make([0, 1, 2]);
    buckets.post(0, 15, 0);
    for (const size of [10, 20]) buckets.post(PERIOD, size, 0);
    buckets.post(PERIOD + 1, 30, 0);
    buckets.recut();
    expect(buckets.total).toBe(60);
    expect(buckets.ranges[0]?.to).toBe(20);
    // What is too old is not told either: a copy would let it leave a second time.
    const copy = new BucketRanges(PERIOD, 'recut');
    copy.restore(buckets.snapshot());
    copy.post(PERIOD + 2, 5, 0);
    expect([copy.total, copy.loads.get(0)]).toEqual([65, 65]);
  });

  it.each([
    [49, 49],
    [50, 100],
    [100, 100],
    [200, 100],
    [201, 201],
  ])('after a share of 100 a share of %d ends the first range at %d', (share, end) => {
    const buckets = make([0, 1]);
    for (const size of [100, 100]) buckets.post(0, size, 0);
    buckets.recut();
    for (const size of [share, share]) buckets.post(PERIOD + 1, size, 0);
    buckets.recut();
    expect(buckets.ranges[0]?.to).toBe(end);
  });

  it('drops the count of an unknown worker once it is zero, and no other', () => {
    const buckets = make([0, 1]);
    buckets.post(0, 10, 8);
    buckets.post(PERIOD, 20, 9);
    buckets.recut();
    expect([...buckets.loads.keys()]).toEqual([0, 1, 8, 9]);
    buckets.post(PERIOD + 1, 5, 0);
    buckets.recut();
    expect([...buckets.loads]).toEqual([
      [0, 5],
      [1, 0],
      [9, 20],
    ]);
  });
});

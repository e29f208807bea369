import { describe, expect, it } from 'vitest';
import { Segment } from '../../src/worker/kv-run.ts';
import { PrefixIndex } from '../../src/worker/prefix-index.ts';

describe('PrefixIndex', () => {
  it('tells segments apart whose hashes differ in either word, also in one bucket', () => {
    const index = new PrefixIndex();
    const segments = [[7, 1], [7, 2], [7 + 65_536, 1], [-249, 1], [8, 1]].map(([low, high]) => {
      const segment = new Segment(low as number, high as number);
      index.add(segment);
      return segment;
    });
    for (const segment of segments) expect(index.find(segment.low, segment.high)).toBe(segment);
    expect(index.find(7, 3)).toBeUndefined();
    expect(index.find(9, 1)).toBeUndefined();
    for (const at of [1, 4, 0]) index.remove(segments[at] as Segment);
    expect(segments.map(({ low, high }) => index.find(low, high))).toEqual([
      undefined, undefined, segments[2], segments[3], undefined,
    ]);
    expect(index.size).toBe(2);
  });

  it('finds all of many, and is empty when it was cleared', () => {
    const index = new PrefixIndex();
    const segments = Array.from({ length: 3000 }, (_, i) => new Segment(Math.imul(i, 0x9e3779b1), i));
    for (const segment of segments) index.add(segment);
    expect(segments.every((segment) => index.find(segment.low, segment.high) === segment)).toBe(true);
    expect(new Set(index).size).toBe(3000);
    index.clear();
    expect([index.size, index.find(0, 0), [...index]]).toEqual([0, undefined, []]);
  });
});

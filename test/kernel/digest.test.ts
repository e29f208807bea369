import { describe, expect, it } from 'vitest';
import { CHECKPOINT_ENTRIES, Digest, type Checkpoint } from '../../src/kernel/digest.ts';

type Entry = readonly [kind: number, at: number, first: number, second: number];

function digestOf(...entries: Entry[]): string {
  const digest = new Digest();
  for (const entry of entries) digest.entry(...entry);
  return digest.value();
}

describe('Digest', () => {
  it('is sixteen hexadecimal digits', () => {
    expect(digestOf()).toMatch(/^[0-9a-f]{16}$/);
    expect(digestOf([1, 2, 3, 4])).toMatch(/^[0-9a-f]{16}$/);
  });

  it('depends on the order of entries and on their number', () => {
    const a: Entry = [1, 10, 2, 3];
    const b: Entry = [2, 10, 2, 3];
    const zero: Entry = [0, 0, 0, 0];
    const histories: Entry[][] = [[], [a], [a, b], [b, a], [a, a], [zero], [zero, zero]];
    expect(new Set(histories.map((history) => digestOf(...history))).size).toBe(histories.length);
  });

  it('depends on every field, each word of it', () => {
    const entries: Entry[] = [
      [1, 5, 2, 3],
      [2, 5, 2, 3],
      [1, 6, 2, 3],
      [1, 5.5, 2, 3],
      [1, 5 + 2 ** 32, 2, 3],
      [1, 5 + 2 ** 45, 2, 3],
      [1, -5, 2, 3],
      [1, 5, -2, 3],
      [1, 5, 3, 2],
      [1, 5, 2, -3],
    ];
    expect(new Set(entries.map((entry) => digestOf(entry))).size).toBe(entries.length);
  });

  it('does not trade one field for another', () => {
    // An hour and eleven minutes is 2^32 µs: the high word of an instant must not fold with a neighbour.
    expect(digestOf([1, 2 ** 32, 0, 0])).not.toBe(digestOf([1, 0, 1, 0]));
    expect(digestOf([1, 2 ** -32, 0, 0])).not.toBe(digestOf([0, 0, 0, 0]));
  });

  it('folds 0 and -0 alike', () => {
    expect(digestOf([1, -0, 0, 0])).toBe(digestOf([1, 0, 0, 0]));
  });

  it('records a checkpoint after every full 4096 entries', () => {
    const digest = new Digest();
    const expected: Checkpoint[] = [];
    for (let i = 1; i <= CHECKPOINT_ENTRIES * 2 + 5; i++) {
      digest.entry(1, i, i, i);
      if (i % CHECKPOINT_ENTRIES === 0) expected.push({ entries: i, digest: digest.value() });
    }
    expect(digest.entries).toBe(CHECKPOINT_ENTRIES * 2 + 5);
    expect(expected).toHaveLength(2);
    expect(digest.checkpoints).toEqual(expected);
  });

  it('keeps a difference: later checkpoints of diverged histories all differ', () => {
    const [left, right] = [new Digest(), new Digest()];
    for (let i = 0; i < CHECKPOINT_ENTRIES * 3; i++) {
      left.entry(1, i, i, 0);
      right.entry(1, i, i, i === CHECKPOINT_ENTRIES + 1 ? 1 : 0);
    }
    const equal = left.checkpoints.map((checkpoint, i) => checkpoint.digest === right.checkpoints[i]?.digest);
    expect(equal).toEqual([true, false, false]);
  });

  it('has no collision among two hundred thousand one-entry histories', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 200_000; i++) seen.add(digestOf([i & 7, i >> 3, i & 63, i & 1]));
    const distinct = new Set<string>();
    for (let i = 0; i < 200_000; i++) distinct.add([i & 7, i >> 3, i & 63, i & 1].join());
    expect(seen.size).toBe(distinct.size);
  });

  it('has the pinned values', () => {
    expect([digestOf(), digestOf([1, 2, 3, 4]), digestOf([9, 1e12 + 0.25, -1, 2 ** 31])]).toMatchInlineSnapshot(`
      [
        "243f6a8885a308d3",
        "cece67b0f1d0a03d",
        "90aa686fac063b6b",
      ]
    `);
  });
});

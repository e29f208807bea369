/** Places on the ring by published values, points that nearly coincide, and the fleet that a worker ring knows. */
import { describe, expect, it } from 'vitest';
import { HashRing, positionModulo, ringPosition, type RingPoint } from '../../../policies/router/hash-ring.ts';
import { WorkerRing } from '../../../policies/router/worker-ring.ts';
import { workerView } from '../views.ts';

const named = (name: string, index: number) => workerView({ name, index });

describe('ringPosition', () => {
  it('is the first eight bytes of BLAKE3, little-endian', () => {
    // BLAKE3 of nothing begins af 13 49 b9 f5 f9 a1 a6 (its published test vector).
    expect(ringPosition('').hex()).toBe('a6a1f9f5b94913af');
  });

  it('falls to workers without a ring by its remainder', () => {
    const at = BigInt(`0x${ringPosition('key').hex()}`);
    for (const count of [1, 2, 3, 7, 1 << 20]) expect(positionModulo('key', count)).toBe(Number(at % BigInt(count)));
  });
});

describe('HashRing', () => {
  const { high, low } = ringPosition('key');
  /** The owner of `key` among names that own the given points. */
  const owner = (points: Record<string, readonly [high: number, low: number][]>, ...usable: number[]) => {
    const of = (name: string): RingPoint[] => (points[name] ?? []).map(([h, l]) => ({ high: h, low: l, name }));
    const names = Object.keys(points);
    return names[new HashRing(names, of).find('key', usable.length > 0 ? usable : names.map(() => 0))];
  };

  it('compares places to the last bit', () => {
    expect(owner({ below: [[high, low - 1]], above: [[high, low + 1]] })).toBe('above');
    expect(owner({ above: [[high, low + 1]], at: [[high, low]], below: [[high, low - 1]] })).toBe('at');
    expect(owner({ after: [[high + 1, 0]], before: [[high - 1, 0xffff_ffff]] })).toBe('after');
    expect(owner({ far: [[high, low + 9]], before: [[high, low - 3]], near: [[high, low + 2]] })).toBe('near');
  });

  it('goes round the end, and past whoever is not usable', () => {
    const three = { last: [[high, low - 1]], first: [[0, 1]], second: [[0, 2]] } as const;
    const points = three as unknown as Record<string, readonly [number, number][]>;
    expect(owner(points)).toBe('first');
    expect(owner(points, 0, -1, 0)).toBe('second');
    expect(owner(points, 0, -1, -1)).toBe('last');
  });
});

describe('WorkerRing: the workers it knows', () => {
  it('are those that were candidates, under their names', () => {
    const ring = new WorkerRing();
    expect(ring.snapshot()).toEqual([]);
    ring.pick('key', [named('c', 2)]);
    ring.pick('key', [named('a', 0)]);
    expect(ring.snapshot()).toEqual(['a', null, 'c']);
    ring.pick('key', [named('b', 0)]);
    expect(ring.snapshot()).toEqual(['b', null, 'c']);
  });

  it('lose whom a discovery omits, and nobody else', () => {
    const ring = new WorkerRing();
    ring.pick('key', [named('a', 0), named('b', 1), named('c', 2)]);
    ring.discovered([0, 2, 5]);
    expect(ring.snapshot()).toEqual(['a', null, 'c']);
    ring.discovered([1, 2]);
    expect(ring.snapshot()).toEqual([null, null, 'c']);
  });

  it('are no answer for no candidates', () => {
    const ring = new WorkerRing();
    expect(ring.pick('key', [])).toBe(-1);
    ring.pick('key', [named('a', 0)]);
    expect(ring.pick('key', [])).toBe(-1);
  });

  it('share a place under one name, which the last candidate takes', () => {
    const ring = new WorkerRing();
    expect(ring.pick('key', [named('a', 0), named('a', 1)])).toBe(1);
    expect(ring.pick('key', [named('a', 1), named('a', 0)])).toBe(1);
    ring.discovered([1]);
    expect(ring.pick('key', [named('a', 1)])).toBe(0);
  });

  it('own the points of their names, whoever was known before', () => {
    const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);
    const ring = new WorkerRing();
    ring.pick('key', [named('a', 0), named('b', 1), named('c', 2), named('d', 3)]);
    ring.discovered([1, 3]);
    const whole = new HashRing(['b', 'd']);
    const homes = keys.map((key) => ring.pick(key, [named('b', 1), named('d', 3)]));
    expect(homes).toEqual(keys.map((key) => whole.find(key, [0, 0])));
    const replaced = new HashRing(['b', 'e']);
    const later = keys.map((key) => ring.pick(key, [named('b', 1), named('e', 3)]));
    expect(later).toEqual(keys.map((key) => replaced.find(key, [0, 0])));
  });
});

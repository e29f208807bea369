/** Hashes and rings: published values, agreement with BigInt, and how many keys move when a worker leaves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashRing, ringPosition } from '../../../policies/router/hash-ring.ts';
import { Word64 } from '../../../policies/router/word64.ts';
import { WorkerRing } from '../../../policies/router/worker-ring.ts';
import { xxh3 } from '../../../policies/router/xxh3.ts';
import { workerView } from '../views.ts';

const SEED = 7251730;
const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1000);
const U64 = (1n << 64n) - 1n;
const word = fc.bigInt({ min: 0n, max: U64 });
const halves = (value: bigint) => [Number(value >> 32n), Number(value & 0xffff_ffffn)] as const;
const toBigInt = ({ high, low }: Word64) => (BigInt(high) << 32n) | BigInt(low);

describe('Word64', () => {
  it('computes as BigInt does', () => {
    const property = fc.property(word, word, fc.integer({ min: 1, max: 31 }), (a, b, bits) => {
      const of = () => new Word64(...halves(a));
      const shift = BigInt(bits);
      const product = a * b;
      expect(toBigInt(of().add(...halves(b)))).toBe((a + b) & U64);
      expect(toBigInt(of().multiply(...halves(b)))).toBe(product & U64);
      expect(toBigInt(of().foldMultiply(...halves(b)))).toBe((product & U64) ^ (product >> 64n));
      expect(toBigInt(of().xorShift(bits))).toBe(a ^ (a >> shift));
      expect(toBigInt(of().xorShift(bits + 32))).toBe(a ^ (a >> (shift + 32n)));
      expect(toBigInt(of().rotateLeft(bits))).toBe(((a << shift) | (a >> (64n - shift))) & U64);
      expect(toBigInt(of().addProduct(...halves(b)))).toBe((a + (b >> 32n) * (b & 0xffff_ffffn)) & U64);
      expect(of().modulo(bits)).toBe(Number(a % shift));
      expect(of().hex()).toBe(a.toString(16).padStart(16, '0'));
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });

  it('carries into the upper half from exactly 2^32 on', () => {
    expect(new Word64(0, 0xffff_ffff).add(0, 1).hex()).toBe('0000000100000000');
    expect(new Word64(0, 0xffff_fffe).add(0, 1).hex()).toBe('00000000ffffffff');
    expect(new Word64(0xffff_ffff, 0xffff_ffff).add(0, 1).hex()).toBe('0000000000000000');
  });
});

/** The test data of xxHash's own sanity check. */
function sanityBytes(length: number): DataView {
  const bytes = new Uint8Array(length);
  let generator = 2654435761n;
  for (let i = 0; i < length; i++) {
    bytes[i] = Number(generator >> 56n);
    generator = (generator * 11400714785074694797n) & U64;
  }
  return new DataView(bytes.buffer);
}

describe('xxh3', () => {
  it.each([
    [0, '2d06800538d394c2'],
    [1, 'c44bdff4074eecdb'],
    [2, '7a9978044cb8a8bb'],
    [3, '54247382a8d6b94d'],
    [4, 'e5dc74bc51848a51'],
    [6, '27b56a84cd2d7325'],
    [8, '24ccc9acaa9f65e4'],
    [9, '14d5001c15dd3f2b'],
    [12, 'a713daf0dfbb77e7'],
    [16, '981b17d36c7498c9'],
    [17, '796f5acd3a60f862'],
    [24, 'a3fe70bf9d3510eb'],
    [48, '397da259ecba1f11'],
    [64, '9cb48487720ec49d'],
    [80, 'bcdefbbb2c47c90a'],
    [96, '935a769a7f94776f'],
    [97, 'ca4ca268fd3c3a6c'],
    [128, 'fcff24126754d861'],
    [129, '98f1b0a679a2ca29'],
    [195, 'cd94217ee362ec3a'],
    [240, '81c3c2b67f568ccf'],
    [241, 'c5a639ecd2030e5e'],
    [403, 'cdeb804d65c6dea4'],
    [512, '617e49599013cb6b'],
    [2048, 'dd59e2c3a5f038e0'],
    [2240, '6e73a90539cf2948'],
    [2367, 'cb37aeb9e5d361ed'],
  ])('hashes %d bytes as the reference does', (length, hash) => {
    expect(xxh3(sanityBytes(2400), length).hex()).toBe(hash);
  });
});

describe('HashRing', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const all = names.map(() => 0);
  const keys = Array.from({ length: 2000 }, (_, i) => `key ${i}`);

  it('gives each key to the first point at or after its position, and round the end', () => {
    const ring = new HashRing(['a', 'b']);
    const points = [0, 1].flatMap((owner) =>
      Array.from({ length: 150 }, (_, i) => ({ owner, at: toBigInt(ringPosition(`${'ab'[owner]}#${i}`)) })),
    );
    points.sort((a, b) => (a.at < b.at ? -1 : 1));
    for (const key of keys.slice(0, 300)) {
      const at = toBigInt(ringPosition(key));
      expect(ring.find(key, [0, 0])).toBe((points.find((point) => point.at >= at) ?? points[0])?.owner);
    }
  });

  it('shares 2,000 keys among five names within a third of the mean', () => {
    const ring = new HashRing(names);
    const shares = names.map((_, owner) => keys.filter((key) => ring.find(key, all) === owner).length);
    for (const share of shares) expect(Math.abs(share - 400)).toBeLessThan(133);
  });

  it('moves only the keys of the name that leaves, whether it is down or gone', () => {
    const whole = new HashRing(names);
    const without = new HashRing(names.slice(0, 4));
    for (const key of keys) {
      const owner = whole.find(key, all);
      const fallback = whole.find(key, [0, 0, 0, 0, -1]);
      expect(fallback).toBe(without.find(key, [0, 0, 0, 0]));
      if (owner !== 4) expect(fallback).toBe(owner);
      else expect(fallback).not.toBe(4);
    }
  });

  it('finds nobody when nobody is usable', () => {
    expect(new HashRing(names).find('key', [-1, -1, -1, -1, -1])).toBe(-1);
    expect(new HashRing([]).find('key', [])).toBe(-1);
  });
});

describe('WorkerRing', () => {
  it('gives a key the same worker whatever the candidates’ order, and its own back after an absence', () => {
    const fleets = fc.uniqueArray(fc.nat({ max: 11 }), { minLength: 1, maxLength: 12, size: 'max' });
    const ring = new WorkerRing();
    ring.discovered(Array.from({ length: 12 }, (_, i) => i));
    const property = fc.property(fleets, fc.string({ size: 'max', maxLength: 20 }), (indexes, key) => {
      const candidates = indexes.map((index) => workerView({ index }));
      const worker = indexes[ring.pick(key, candidates)] as number;
      expect(indexes).toContain(worker);
      const reversed = [...indexes].reverse();
      expect(reversed[ring.pick(key, [...candidates].reverse())]).toBe(worker);
      const others = candidates.filter(({ index }) => index !== worker);
      if (others.length > 0) expect(others[ring.pick(key, others)]?.index).not.toBe(worker);
      for (const fewer of [candidates.slice(1), candidates.slice(0, -1)]) {
        if (fewer.some(({ index }) => index === worker)) expect(fewer[ring.pick(key, fewer)]?.index).toBe(worker);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });

  it('takes in a candidate that was never discovered', () => {
    const ring = new WorkerRing();
    expect(ring.pick('key', [workerView({ index: 7 })])).toBe(0);
  });

  it('goes by names: two gateways that number a fleet differently agree, before and after a worker is replaced', () => {
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
    const homes = (ring: WorkerRing, urls: readonly string[]) => {
      const candidates = urls.map((name, index) => workerView({ index, name }));
      return keys.map((key) => urls[ring.pick(key, candidates)]);
    };
    const [one, other] = [new WorkerRing(), new WorkerRing()];
    expect(homes(other, ['c', 'a', 'b'])).toEqual(homes(one, ['a', 'b', 'c']));
    expect(homes(other, ['c', 'a', 'd'])).toEqual(homes(one, ['d', 'a', 'c']));
    expect(new Set(homes(one, ['d', 'a', 'c']))).toEqual(new Set(['a', 'c', 'd']));
  });

  it('forgets who is discovered no more, and no one else', () => {
    const ring = new WorkerRing();
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
    const homes = (...indexes: number[]) => {
      const candidates = indexes.map((index) => workerView({ index }));
      return keys.map((key) => indexes[ring.pick(key, candidates)]);
    };
    const before = homes(0, 1, 2);
    ring.discovered([0, 2]);
    const without = homes(0, 2);
    for (const [i, home] of before.entries()) if (home !== 1) expect(without[i]).toBe(home);
    ring.discovered([2, 1, 0]);
    expect(homes(0, 1, 2)).toEqual(before);
  });
});

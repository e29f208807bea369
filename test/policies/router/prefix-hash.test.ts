/** The ring key of leading words, and how much a worker may hold above the mean. */
import { describe, expect, it } from 'vitest';
import { loadOk, prefixHash, PrefixHash, prefixHashKey } from '../../../policies/router/prefix-hash.ts';
import { xxh3 } from '../../../policies/router/xxh3.ts';
import { requestView, workerView } from '../views.ts';

const fleet = (...inFlight: number[]) => inFlight.map((count, index) => workerView({ index, inFlight: count }));
const make = () => new PrefixHash(prefixHash.config.parse({ name: 'prefix-hash' }));

describe('prefixHashKey', () => {
  const bytes = (...values: number[]) => xxh3(new DataView(Uint8Array.from(values).buffer)).hex();

  it('is the hash of the words, each four bytes with the lowest first', () => {
    expect(prefixHashKey([1, 0x0403_0201], 2)).toBe(bytes(1, 0, 0, 0, 1, 2, 3, 4));
  });

  it('takes as many words as are asked for, or as there are', () => {
    expect(prefixHashKey([1, 2, 3], 2)).toBe(prefixHashKey([1, 2], 2));
    expect(prefixHashKey([1, 2], 9)).toBe(prefixHashKey([1, 2], 2));
    expect(prefixHashKey([1, 2, 3], 2)).not.toBe(prefixHashKey([1, 2, 3], 3));
  });
});

describe('loadOk', () => {
  it.each([
    // Seven leases and the new one on two workers: the mean is 4.
    ['at 1.25 times the mean', 5, 7, 2, 1.25, 0, true],
    ['above it', 6, 7, 2, 1.25, 0, false],
    ['at the mean and slack', 9, 7, 2, 1.25, 5, true],
    ['above both', 10, 7, 2, 1.25, 5, false],
    ['within the factor where slack is less', 8, 7, 2, 2, 1, true],
    ['above a factor of one without slack', 5, 7, 2, 1, 0, false],
    ['on an idle fleet', 1, 0, 4, 1.25, 0, true],
    ['on no fleet', 3, 7, 0, 1.25, 0, true],
  ])('answers for a worker %s', (_case, load, total, workers, loadFactor, slack, answer) => {
    expect(loadOk(load, total, workers, loadFactor, slack)).toBe(answer);
  });

  it('grants no slack unless told to', () => {
    expect([loadOk(5, 7, 2, 1.25), loadOk(6, 7, 2, 1.25)]).toEqual([true, false]);
  });
});

describe('PrefixHash', () => {
  it('tells keys apart by all their bits', () => {
    const keys = [1, 2, 3, 4, 5, 6, 7, 8];
    const homes = (keyOf: (i: number) => number) =>
      new Set(keys.map((i) => make().pick(0, requestView({ prefixKey: keyOf(i) }), fleet(0, 0, 0, 0)))).size;
    expect(homes((i) => i)).toBeGreaterThan(1);
    expect(homes((i) => i * 2 ** 32 + 1)).toBeGreaterThan(1);
  });

  it('takes the first of the least loaded where it goes by load', () => {
    const unknown = (...inFlight: number[]) => make().pick(0, requestView(), fleet(...inFlight));
    expect([unknown(1, 3, 1), unknown(3, 1, 1), unknown(2, 1, 3)]).toEqual([0, 1, 1]);
  });

  it('forgets who is discovered no more', () => {
    const router = make();
    router.pick(0, requestView({ prefixKey: 1 }), fleet(0, 0));
    router.discovered(0, [1]);
    expect(router.snapshot()).toEqual([null, 'worker-1']);
  });
});

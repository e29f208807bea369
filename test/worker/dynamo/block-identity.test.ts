import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockIdentity } from '../../../src/worker/dynamo/block-identity.ts';

function identity(promptTokens: number, hashIds: readonly number[], hashBlockTokens: number, ownFrom = 1) {
  return new BlockIdentity({ promptTokens, hashIds, hashBlockTokens }, 4, ownFrom);
}

function hashes(from: BlockIdentity, blocks: number): number[] {
  return Array.from({ length: blocks }, (_, index) => from.hash(index));
}

describe('BlockIdentity', () => {
  it('is shared up to the first difference, and never after it', () => {
    const [one, two] = [hashes(identity(16, [1, 2, 3, 4], 4), 4), hashes(identity(16, [1, 2, 9, 4], 4), 4)];
    expect(one.map((hash, i) => hash === two[i])).toEqual([true, true, false, false]);
  });

  it('is a sequence of its own numbers where content is unknown or generated', () => {
    expect(hashes(identity(10, [1, 2], 4, 50), 4).slice(2)).toEqual([-52, -53]);
    expect(hashes(identity(10, [], 0, 50), 3)).toEqual([-50, -51, -52]);
    // The last prompt block is not full: generated tokens end it.
    expect(identity(6, [1, 2], 4, 50).hash(1)).toBe(-51);
  });

  it('names the trace blocks that a block reaches into, whatever their size', () => {
    const same = (a: readonly number[], b: readonly number[], size: number): boolean[] => {
      const other = hashes(identity(12, b, size), 3);
      return hashes(identity(12, a, size), 3).map((hash, i) => hash === other[i]);
    };
    expect(same([1, 2, 3, 4], [1, 2, 3, 5], 3)).toEqual([true, true, false]);
    expect(same([1, 2], [1, 3], 6)).toEqual([true, false, false]);
    expect(same([1], [1], 12)).toEqual([true, true, true]);
  });

  it('tells all short chains of two ids apart', () => {
    const seen = new Map<number, string>();
    const chains = fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: 10, size: 'max' });
    const property = fc.property(chains, fc.constantFrom(2, 4, 8), (ids, size) => {
      hashes(identity(ids.length * size, ids, size), Math.floor((ids.length * size) / 4)).forEach((hash, i) => {
        const content = `${size}/${i}: ${ids.slice(0, Math.ceil(((i + 1) * 4) / size)).join()}`;
        expect(seen.get(hash) ?? content).toBe(content);
        expect(hash).toBeGreaterThanOrEqual(0);
        expect(hash).toBeLessThan(2 ** 53);
        seen.set(hash, content);
      });
    });
    fc.assert(property, { seed: 20260814, numRuns: 2000 });
    expect(new Set(seen.values()).size).toBe(seen.size);
  });
});

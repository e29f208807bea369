import { describe, expect, it } from 'vitest';
import { SglangSequence } from '../../../src/worker/sglang/sglang-sequence.ts';
import { orderByPrefix } from '../../../src/worker/sglang/waiting-order.ts';
import { job } from '../shapes.ts';

/** [owner, cached tokens, ids of its blocks of 16 tokens]; answers the owners in order. */
function ordered(waiting: readonly (readonly [number, number, readonly number[]])[], promptTokens = 100): number[] {
  const cached = new Map(waiting.map(([owner, tokens]) => [owner, tokens]));
  const list = waiting.map(([owner, , ids]) => new SglangSequence(job(owner, promptTokens, 1, ids, 16), owner, 1));
  orderByPrefix(list, ({ init }) => cached.get(init.owner) ?? 0);
  return list.map(({ init }) => init.owner);
}

describe('orderByPrefix', () => {
  it('puts the longest cached prefix first and keeps the order of equals', () => {
    expect(ordered([[1, 0, []], [2, 40, []], [3, 64, []], [4, 40, []], [5, 0, []]])).toEqual([3, 2, 4, 1, 5]);
  });

  it('puts those last whose first 32 tokens are an earlier one’s, while they find 32 tokens or fewer', () => {
    expect(ordered([[1, 0, [7, 8]], [2, 0, [7, 8]], [3, 0, [7, 9]], [4, 16, [7, 8]]])).toEqual([1, 3, 2, 4]);
    expect(ordered([[1, 0, [7, 8]], [2, 33, [7, 8]], [3, 32, [7, 8]]])).toEqual([2, 1, 3]);
  });

  it('does not hold a request back for one that finds its prefix already', () => {
    expect(ordered([[1, 33, [7, 8]], [2, 0, [7, 8]], [3, 0, []]])).toEqual([1, 2, 3]);
  });

  it('takes no two for alike that know fewer than 32 tokens of theirs', () => {
    expect(ordered([[1, 0, [7]], [2, 0, [7]], [3, 0, []], [4, 0, []], [5, 16, []]])).toEqual([5, 1, 2, 3, 4]);
    expect(ordered([[1, 0, [7, 8]], [2, 0, [7, 8]], [3, 1, []]], 31)).toEqual([3, 1, 2]);
    expect(ordered([[1, 0, [7, 8]], [2, 0, [7, 8]], [3, 0, []]], 32)).toEqual([1, 3, 2]);
  });

  it('leaves more than 128 as they stand', () => {
    const many = Array.from({ length: 129 }, (_, i) => [i, i, []] as const);
    expect(ordered(many)).toEqual(many.map(([owner]) => owner));
    expect(ordered(many.slice(1))).toEqual(many.slice(1).map(([owner]) => owner).reverse());
  });
});

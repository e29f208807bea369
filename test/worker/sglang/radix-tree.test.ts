import { describe, expect, it } from 'vitest';
import type { RadixNode } from '../../../src/worker/sglang/radix-node.ts';
import { RadixTree } from '../../../src/worker/sglang/radix-tree.ts';
import { TokenContent } from '../../../src/worker/sglang/token-content.ts';

/** Pages of one token, named by numbers. */
function content(...ids: readonly number[]): TokenContent {
  return new TokenContent({ promptTokens: ids.length, hashIds: ids, hashBlockTokens: 1 }, 0);
}

/** Adds a prefix; answers where it ends. */
function add(tree: RadixTree, ...ids: readonly number[]): RadixNode {
  const added = content(...ids);
  const node = tree.match(added, ids.length);
  return node.end === ids.length ? node : tree.append(node, added, ids.length);
}

/** Cached pages of each prefix. */
function cached(tree: RadixTree, ...prefixes: readonly (readonly number[])[]): number[] {
  return prefixes.map((ids) => tree.match(content(...ids), ids.length).end);
}

describe('RadixTree', () => {
  it('finds the longest cached prefix', () => {
    const tree = new RadixTree(1);
    add(tree, 1, 2, 3, 4);
    add(tree, 1, 2, 5);
    expect(cached(tree, [1, 2, 3, 4, 9], [1, 2, 5], [1, 2, 9], [1], [9])).toEqual([4, 3, 2, 1, 0]);
    expect(tree.evictablePages).toBe(5);
    tree.checkInvariants([]);
  });

  it('splits a node where a look-up ends or parts from it', () => {
    const tree = new RadixTree(1);
    const leaf = add(tree, 1, 2, 3, 4);
    expect(leaf.pages).toBe(4);
    cached(tree, [1, 2, 3, 4]);
    expect(leaf.pages).toBe(4);
    cached(tree, [1, 2, 9]);
    expect(leaf.pages).toBe(2);
    cached(tree, [1, 2, 3]);
    expect(leaf.pages).toBe(1);
  });

  it('evicts whole leaves, the longest unused first', () => {
    const tree = new RadixTree(1);
    add(tree, 1, 2, 3);
    add(tree, 4, 5, 6);
    add(tree, 7, 8, 9);
    cached(tree, [1, 2, 3]);
    tree.evict(1);
    expect(tree.evictablePages).toBe(6);
    tree.evict(2);
    expect(cached(tree, [1, 2, 3], [4, 5, 6], [7, 8, 9])).toEqual([3, 0, 0]);
  });

  it('evicts a prefix behind what follows it, and then in its own turn', () => {
    const tree = new RadixTree(1);
    add(tree, 1, 2, 3);
    add(tree, 1, 2, 4);
    add(tree, 5);
    cached(tree, [1, 2]);
    tree.evict(1);
    expect(tree.evictablePages).toBe(4);
    tree.evict(2);
    // 3 and 4 were used before 5, their prefix after it.
    expect(tree.evictablePages).toBe(2);
    expect(cached(tree, [1, 2, 4], [5])).toEqual([2, 0]);
  });

  it('never evicts what a request uses, nor its prefix', () => {
    const tree = new RadixTree(1);
    const used = add(tree, 1, 2, 3);
    tree.lock(used);
    add(tree, 1, 2, 3, 4);
    add(tree, 1, 9);
    expect([tree.lockedPages, tree.evictablePages]).toEqual([3, 2]);
    tree.evict(2);
    expect(cached(tree, [1, 2, 3, 4], [1, 9])).toEqual([3, 1]);
    tree.checkInvariants([used]);
    expect(() => tree.evict(1)).toThrow('more cached pages were to be evicted than nobody uses');
    tree.unlock(used);
    tree.evict(1);
    expect([tree.lockedPages, tree.evictablePages]).toEqual([0, 1]);
    tree.checkInvariants([]);
  });

  it('counts a page once however many use it, and keeps it until the last one leaves', () => {
    const tree = new RadixTree(1);
    const short = add(tree, 1, 2);
    tree.lock(short);
    const long = add(tree, 1, 2, 3);
    tree.lock(long);
    expect(tree.lockedPages).toBe(3);
    tree.checkInvariants([short, long]);
    tree.unlock(long);
    expect([tree.lockedPages, tree.evictablePages]).toEqual([2, 1]);
    tree.unlock(short);
    expect(tree.lockedPages).toBe(0);
    expect(() => tree.unlock(short)).toThrow('unlocked more often');
  });

  it('moves a lock on to a longer path without locking its start twice', () => {
    const tree = new RadixTree(1);
    const start = add(tree, 1, 2);
    tree.lock(start);
    const end = add(tree, 1, 2, 3, 4);
    tree.lock(end, start);
    expect(tree.lockedPages).toBe(4);
    tree.checkInvariants([end]);
    tree.unlock(end);
    expect(tree.lockedPages).toBe(0);
  });

  it('keeps whole pages only', () => {
    const tree = new RadixTree(4);
    const first = new TokenContent({ promptTokens: 12, hashIds: [1, 2, 3, 4, 5, 6], hashBlockTokens: 2 }, 1);
    tree.append(tree.match(first, 3), first, 3);
    const second = new TokenContent({ promptTokens: 12, hashIds: [1, 2, 3, 4, 5, 9], hashBlockTokens: 2 }, 2);
    expect(tree.match(second, 3).end).toBe(2);
    expect(tree.match(first, 1).end).toBe(1);
  });

  it('forgets everything at a reset', () => {
    const tree = new RadixTree(1);
    tree.lock(add(tree, 1, 2));
    tree.reset();
    expect(cached(tree, [1, 2])).toEqual([0]);
    expect([tree.lockedPages, tree.evictablePages]).toEqual([0, 0]);
    tree.checkInvariants([]);
  });
});

/**
 * The prefix cache: a radix tree over whole pages. A path from the root spells a prefix; a node holds a run of pages,
 * and is split where a look-up or an insertion ends within it or parts from it. A request in the batch locks the path
 * it uses. What nobody locks may be evicted: whole leaves, the longest unused first, so that a prefix outlives what
 * follows it. Every look-up is a use of its path, also of a waiting request that is not admitted then.
 *
 * Facts: sgl-project/sglang, `mem_cache/radix_cache.py`. Eviction by whole leaves is theirs: it may free more than was
 * asked for.
 */
import { assert } from '../../kernel/assert.ts';
import { LeafQueue } from './leaf-queue.ts';
import { RadixNode } from './radix-node.ts';
import { TokenContent } from './token-content.ts';

const NOTHING = new TokenContent({ promptTokens: 0, hashIds: [], hashBlockTokens: 0 }, 0);

export class RadixTree {
  readonly #pageTokens: number;
  readonly #leaves = new LeafQueue();
  #root = new RadixNode(undefined, NOTHING, 0, 0);
  #clock = 0;
  #lockedPages = 0;
  #evictablePages = 0;

  constructor(pageTokens: number) {
    this.#pageTokens = pageTokens;
  }

  /** The empty prefix. */
  get root(): RadixNode {
    return this.#root;
  }

  /** Pages that requests in the batch use. */
  get lockedPages(): number {
    return this.#lockedPages;
  }

  get evictablePages(): number {
    return this.#evictablePages;
  }

  /** The node at the end of the longest cached prefix of `content`, of `pages` pages at most. */
  match(content: TokenContent, pages: number): RadixNode {
    const stamp = ++this.#clock;
    let node = this.#root;
    node.stamp = stamp;
    while (node.end < pages) {
      const child = node.children?.get(content.pageKey(node.end, this.#pageTokens));
      if (child === undefined) break;
      child.stamp = stamp;
      const limit = Math.min(child.end, pages);
      const common = Math.floor(child.content.commonTokens(content, limit * this.#pageTokens) / this.#pageTokens);
      assert(common > node.end, 'pages of one key differ');
      if (common < child.end) return this.#split(child, common);
      node = child;
    }
    return node;
  }

  /** Adds the pages of `content` up to `pages` behind `node`, where a match for so many ended. Not locked. */
  append(node: RadixNode, content: TokenContent, pages: number): RadixNode {
    const leaf = new RadixNode(node, content, node.end, pages);
    // Later than a sibling that was passed in part and split off: no two leaves have one stamp.
    leaf.stamp = ++this.#clock;
    this.#link(node, leaf);
    this.#evictablePages += leaf.pages;
    this.#leaves.add(leaf);
    return leaf;
  }

  /** Locks the path to `node` for one request. `from`, on that path, is where a lock of this request ended before. */
  lock(node: RadixNode, from: RadixNode = this.#root): void {
    for (let each = node; each !== from; each = each.parent) {
      if (each.locks++ > 0) continue;
      this.#lockedPages += each.pages;
      this.#evictablePages -= each.pages;
    }
  }

  /** Takes one request's lock off the path to `node`. */
  unlock(node: RadixNode): void {
    for (let each = node; each !== this.#root; each = each.parent) {
      assert(each.locks > 0, 'a cached page was unlocked more often than it was locked');
      if (--each.locks > 0) continue;
      this.#lockedPages -= each.pages;
      this.#evictablePages += each.pages;
      if (each.evictable) this.#leaves.add(each);
    }
  }

  /** Evicts leaves until `pages` pages are free, or more; the caller has checked `evictablePages`. */
  evict(pages: number): void {
    for (let freed = 0; freed < pages;) {
      const leaf = this.#leaves.pop();
      assert(leaf !== undefined, 'more cached pages were to be evicted than nobody uses');
      freed += leaf.pages;
      this.#evictablePages -= leaf.pages;
      this.#unlink(leaf);
    }
  }

  /** Forgets everything: the worker lost its memory. */
  reset(): void {
    this.#root = new RadixNode(undefined, NOTHING, 0, 0);
    this.#leaves.clear();
    this.#lockedPages = 0;
    this.#evictablePages = 0;
  }

  /** Asserts that paths, counts and locks hold together; `holders` are the ends of all locked paths, one a lock. */
  checkInvariants(holders: Iterable<RadixNode>): void {
    const locks = new Map<RadixNode, number>();
    for (const holder of holders) {
      for (let each = holder; each !== this.#root; each = each.parent) locks.set(each, (locks.get(each) ?? 0) + 1);
    }
    let locked = 0;
    let evictable = 0;
    const open = [this.#root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      assert(node.locks === (locks.get(node) ?? 0), 'a cached page has more or fewer locks than requests that use it');
      assert(!node.evictable || node.queued || node === this.#root, 'an unused leaf cannot be evicted');
      if (node.locks > 0) locked += node.pages;
      else evictable += node.pages;
      locks.delete(node);
      for (const [key, child] of node.children ?? []) {
        this.#checkLink(node, key, child);
        open.push(child);
      }
    }
    assert(locks.size === 0, 'a request uses pages that are not in the tree');
    assert(locked === this.#lockedPages && evictable === this.#evictablePages, 'pages of the tree are miscounted');
  }

  #checkLink(node: RadixNode, key: number, child: RadixNode): void {
    const joined = child.parent === node && child.start === node.end && child.end > child.start;
    assert(joined, 'a path of the tree is broken');
    assert(key === child.content.pageKey(child.start, this.#pageTokens), 'a page of the tree stands under another key');
    const prefix = node.end * this.#pageTokens;
    const follows = node === this.#root || child.content.commonTokens(node.content, prefix) === prefix;
    assert(follows, 'cached pages follow a prefix that is not theirs');
  }

  /** Cuts `node` before page `at`; answers the upper part. */
  #split(node: RadixNode, at: number): RadixNode {
    const upper = new RadixNode(node.parent, node.content, node.start, at);
    upper.locks = node.locks;
    upper.stamp = node.stamp;
    this.#link(node.parent, upper);
    node.parent = upper;
    node.start = at;
    this.#link(upper, node);
    return upper;
  }

  /** Replaces what stood under the same key. */
  #link(node: RadixNode, child: RadixNode): void {
    node.children ??= new Map<number, RadixNode>();
    node.children.set(child.content.pageKey(child.start, this.#pageTokens), child);
  }

  #unlink(leaf: RadixNode): void {
    const { parent } = leaf;
    const siblings = parent.children as Map<number, RadixNode>;
    siblings.delete(leaf.content.pageKey(leaf.start, this.#pageTokens));
    if (siblings.size > 0) return;
    parent.children = undefined;
    if (parent !== this.#root && parent.evictable) this.#leaves.add(parent);
  }
}

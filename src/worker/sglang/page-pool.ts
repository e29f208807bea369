/**
 * The token pool, by counts alone: nothing depends on which page is which. A page is free, held by one request that
 * computes into it, or in the radix tree, where it is in use (locked by requests in the batch) or cached.
 */
import { assert } from '../../kernel/assert.ts';
import type { RadixTree } from './radix-tree.ts';

export class PagePool {
  readonly total: number;
  readonly #tree: RadixTree;
  #heldPages = 0;

  constructor(total: number, tree: RadixTree) {
    this.total = total;
    this.#tree = tree;
  }

  /** Pages that requests in the batch use. */
  get used(): number {
    return this.#heldPages + this.#tree.lockedPages;
  }

  /** Pages that can be taken now: free and cached ones. */
  get available(): number {
    return this.total - this.used;
  }

  /** Pages outside the tree, each held by one request. */
  get heldPages(): number {
    return this.#heldPages;
  }

  /** Takes pages for new content, evicting cached ones when not enough are free. The caller has checked `available`. */
  take(pages: number): void {
    assert(pages <= this.available, 'pages were taken from a full token pool');
    const free = this.available - this.#tree.evictablePages;
    if (pages > free) this.#tree.evict(pages - free);
    this.#heldPages += pages;
  }

  /** Pages that a request held are free now, or in the tree. */
  giveUp(pages: number): void {
    assert(pages <= this.#heldPages, 'more pages of the token pool were given up than held');
    this.#heldPages -= pages;
  }

  reset(): void {
    this.#tree.reset();
    this.#heldPages = 0;
  }

  /** Asserts conservation; `heldPages` is what the requests hold outside the tree. */
  checkInvariants(heldPages: number): void {
    assert(heldPages === this.#heldPages, 'requests hold more or fewer pages than the token pool counts');
    assert(this.used + this.#tree.evictablePages <= this.total, 'pages used and cached exceed the token pool');
  }
}

/**
 * The pages of one request: a cached prefix in the radix tree, which it locks, and pages of its own behind that. Whole
 * pages move to the tree when a prefill pass ends and when the request leaves; where the tree has them already (another
 * request computed the same meanwhile) its own copies are free at once.
 */
import { assert } from '../../kernel/assert.ts';
import type { PagePool } from './page-pool.ts';
import type { RadixNode } from './radix-node.ts';
import type { RadixTree } from './radix-tree.ts';
import type { SglangSequence } from './sglang-sequence.ts';

export class RequestPages {
  readonly #tree: RadixTree;
  readonly #pool: PagePool;
  readonly #pageTokens: number;
  readonly #caching: boolean;

  constructor(tree: RadixTree, pool: PagePool, pageTokens: number, caching: boolean) {
    this.#tree = tree;
    this.#pool = pool;
    this.#pageTokens = pageTokens;
    this.#caching = caching;
  }

  /** The end of its longest cached prefix. Its last known token is always computed. */
  match(sequence: SglangSequence<unknown>): RadixNode {
    if (!this.#caching) return this.#tree.root;
    return this.#tree.match(sequence.content, Math.floor((sequence.known - 1) / this.#pageTokens));
  }

  /** Tokens of the longest cached prefix. */
  cachedTokens(sequence: SglangSequence<unknown>): number {
    return this.match(sequence).end * this.#pageTokens;
  }

  /** Pages for `tokens` more computed tokens. */
  needed(sequence: SglangSequence<unknown>, tokens: number): number {
    return this.#pagesOf(sequence.computed + tokens) - this.#pagesOf(sequence.computed);
  }

  /** Pages that its tokens fill; `inPass` tokens are being computed now. */
  filled(sequence: SglangSequence<unknown>, inPass: number): number {
    return this.#pagesOf(sequence.computed + inPass);
  }

  /** Pages that it holds outside the tree; `inPass` tokens are being computed now. */
  held(sequence: SglangSequence<unknown>, inPass: number): number {
    return this.#pagesOf(sequence.computed + inPass) - nodeOf(sequence).end;
  }

  /** Its whole pages can be found by others from now on. */
  publish(sequence: SglangSequence<unknown>): void {
    const before = nodeOf(sequence);
    const full = Math.floor(sequence.computed / this.#pageTokens);
    if (!this.#caching || full <= before.end) return;
    const found = this.#tree.match(sequence.content, full);
    const node = found.end === full ? found : this.#tree.append(found, sequence.content, full);
    this.#tree.lock(node, before);
    this.#pool.giveUp(full - before.end);
    sequence.node = node;
  }

  /** It leaves the batch: its own pages are free. */
  release(sequence: SglangSequence<unknown>): void {
    this.#pool.giveUp(this.held(sequence, 0));
    this.#tree.unlock(nodeOf(sequence));
    sequence.lose();
  }

  /** Pages that `tokens` tokens fill, the last one possibly in part. */
  #pagesOf(tokens: number): number {
    return Math.ceil(tokens / this.#pageTokens);
  }
}

function nodeOf({ node }: SglangSequence<unknown>): RadixNode {
  assert(node !== undefined, 'a request outside the batch was asked for its pages');
  return node;
}

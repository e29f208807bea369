/**
 * The pool of KV blocks with its prefix cache.
 *
 * A block is free, in use (refs > 0) or cached and idle (refs = 0, content kept, in one LRU list). A full block of
 * a prompt that others may share is found by content hash; a full block whose content nobody else can have
 * (generated tokens, prompts without known content) is found again only by its own sequence after a preemption,
 * through the owner tag, and costs no map entry. Both age in the same LRU list, as they do in vLLM. Allocation
 * takes free blocks first, then evicts the longest idle. A sequence releases its blocks tail first, so that its
 * suffix is evicted before its prefix.
 *
 * When content is computed that is already resident, the second copy stays uncached and is freed on release.
 */
import { assert } from '../kernel/assert.ts';
import { BlockIndex } from './block-index.ts';

const NONE = -1;

export class KvPool {
  readonly total: number;
  readonly #refs: Int32Array;
  /** Content hash of a shareable cached block, else -1. */
  readonly #hash: Float64Array;
  /** Sequence (and place in it) whose private content a cached block holds, else -1. */
  readonly #owner: Int32Array;
  readonly #ownerIndex: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #lruHead = NONE;
  #lruTail = NONE;
  #idle = 0;
  readonly #free: Int32Array;
  #freeCount: number;
  readonly #byHash: BlockIndex;
  #evictions = 0;

  constructor(total: number) {
    this.total = total;
    this.#refs = new Int32Array(total);
    this.#hash = new Float64Array(total).fill(NONE);
    this.#byHash = new BlockIndex(this.#hash);
    this.#owner = new Int32Array(total).fill(NONE);
    this.#ownerIndex = new Int32Array(total);
    this.#next = new Int32Array(total);
    this.#previous = new Int32Array(total);
    this.#free = Int32Array.from({ length: total }, (_, i) => total - 1 - i);
    this.#freeCount = total;
  }

  /** Blocks with refs > 0. */
  get used(): number {
    return this.total - this.#freeCount - this.#idle;
  }

  /** Blocks that can be allocated now: free ones and idle cached ones. */
  get available(): number {
    return this.#freeCount + this.#idle;
  }

  get evictions(): number {
    return this.#evictions;
  }

  /** The resident block with this shareable content, or -1. */
  find(hash: number): number {
    return this.#byHash.find(hash);
  }

  /** True when `block` still holds the private content at `index` of sequence `owner`. */
  holds(block: number, owner: number, index: number): boolean {
    return this.#owner[block] === owner && this.#ownerIndex[block] === index;
  }

  isIdle(block: number): boolean {
    return this.#refs[block] === 0;
  }

  /** Takes one more reference on a resident block. */
  pin(block: number): void {
    if (this.#refs[block] === 0) this.#unlink(block);
    (this.#refs[block] as number)++;
  }

  /** A block for new content, one reference on it. The caller has checked `available`. */
  allocate(): number {
    let block: number;
    if (this.#freeCount > 0) {
      block = this.#free[--this.#freeCount] as number;
    } else {
      block = this.#lruHead;
      assert(block !== NONE, 'a KV block was allocated from a full pool');
      this.#unlink(block);
      this.#forget(block);
      this.#evictions++;
    }
    this.#refs[block] = 1;
    return block;
  }

  /**
   * The block is full and computed: its shareable content can be found from now on, unless a copy is resident
   * already.
   */
  publish(block: number, hash: number): void {
    if (this.#byHash.find(hash) !== NONE) return;
    this.#hash[block] = hash;
    this.#byHash.add(block);
  }

  /** The block is full and computed: its sequence may find it again after a preemption. */
  tag(block: number, owner: number, index: number): void {
    this.#owner[block] = owner;
    this.#ownerIndex[block] = index;
  }

  /** Gives one reference back. With none left, cached content stays (idle), the rest is freed. */
  release(block: number): void {
    const refs = (this.#refs[block] as number) - 1;
    assert(refs >= 0, 'a KV block was released more often than it was taken');
    this.#refs[block] = refs;
    if (refs > 0) return;
    if (this.#hash[block] === NONE && this.#owner[block] === NONE) this.#free[this.#freeCount++] = block;
    else this.#append(block);
  }

  /** Forgets everything: the worker lost its memory. */
  reset(): void {
    this.#refs.fill(0);
    this.#hash.fill(NONE);
    this.#owner.fill(NONE);
    this.#byHash.clear();
    this.#lruHead = this.#lruTail = NONE;
    this.#idle = 0;
    for (let i = 0; i < this.total; i++) this.#free[i] = this.total - 1 - i;
    this.#freeCount = this.total;
  }

  /** Asserts conservation: free + idle + used = total, the list matches the counts, every hash leads to its block. */
  checkInvariants(): void {
    let idle = 0;
    let before = NONE;
    for (let block = this.#lruHead; block !== NONE; block = this.#next[block] as number) {
      assert(this.#refs[block] === 0, 'a KV block in use stands in the idle list');
      assert(this.#previous[block] === before, 'the idle list of KV blocks is broken');
      before = block;
      idle++;
      assert(idle <= this.total, 'the idle list of KV blocks has a cycle');
    }
    assert(before === this.#lruTail && idle === this.#idle, 'the idle list of KV blocks disagrees with its count');
    let used = 0;
    for (let block = 0; block < this.total; block++) if ((this.#refs[block] as number) > 0) used++;
    assert(used === this.used, 'KV blocks used, idle and free do not add up to the pool');
    let hashed = 0;
    for (let block = 0; block < this.total; block++) {
      const hash = this.#hash[block] as number;
      if (hash === NONE) continue;
      hashed++;
      assert(this.#byHash.find(hash) === block, 'a cached hash leads to another block');
    }
    assert(hashed === this.#byHash.size, 'the index of cached hashes holds a block without one');
  }

  #forget(block: number): void {
    const hash = this.#hash[block] as number;
    if (hash !== NONE) {
      this.#byHash.remove(block);
      this.#hash[block] = NONE;
    }
    this.#owner[block] = NONE;
  }

  #append(block: number): void {
    this.#next[block] = NONE;
    this.#previous[block] = this.#lruTail;
    if (this.#lruTail === NONE) this.#lruHead = block;
    else this.#next[this.#lruTail] = block;
    this.#lruTail = block;
    this.#idle++;
  }

  #unlink(block: number): void {
    const next = this.#next[block] as number;
    const previous = this.#previous[block] as number;
    if (previous === NONE) this.#lruHead = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#lruTail = previous;
    else this.#previous[next] = previous;
    this.#idle--;
  }
}

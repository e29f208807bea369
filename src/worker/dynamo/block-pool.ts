/**
 * The KV pool of one rank: physical copies of blocks. A copy is private to one sequence until its content is computed;
 * then it is cached under its content hash and may be shared. Unlike in vLLM's own pool the same hash may have several
 * copies, each using capacity; only the oldest is found. A cached copy that nobody references is idle: it keeps its
 * content and waits, in order of release, to be evicted.
 *
 * An allocation takes effect at once and whole, or not at all: there are no reservations that outlive a call.
 */
import { assert } from '../../kernel/assert.ts';

/** One physical copy. Only the pool changes it. */
export class BlockCopy {
  /** Content hash, or undefined while private. */
  hash: number | undefined = undefined;
  /** Sequences that hold it. */
  refs = 1;
  /** Neighbours in the list of idle copies. */
  older: BlockCopy | undefined = undefined;
  newer: BlockCopy | undefined = undefined;
}

export class BlockPool {
  readonly total: number;
  #copies = 0;
  #idle = 0;
  #oldest: BlockCopy | undefined = undefined;
  #newest: BlockCopy | undefined = undefined;
  /** The copy of each hash that is found. */
  readonly #first = new Map<number, BlockCopy>();
  /** Further copies of a hash, oldest first. */
  readonly #twins = new Map<number, Set<BlockCopy>>();
  #evictions = 0;

  constructor(total: number) {
    this.total = total;
  }

  /** Copies that a sequence holds: the mocker's active blocks. */
  get active(): number {
    return this.#copies - this.#idle;
  }

  /** Cached copies that nobody holds. */
  get idle(): number {
    return this.#idle;
  }

  get evictions(): number {
    return this.#evictions;
  }

  /** Hashes that can be found. */
  get visible(): number {
    return this.#first.size;
  }

  find(hash: number): BlockCopy | undefined {
    return this.#first.get(hash);
  }

  /**
   * Takes a reference on each copy of `prefix`, makes `fresh` private ones and appends all of them to `into`. Evicts
   * what it must, the longest idle first, never the prefix. False, and nothing changed, when that is not enough.
   */
  allocate(prefix: readonly BlockCopy[], fresh: number, into: BlockCopy[]): boolean {
    const toEvict = Math.max(0, fresh - (this.total - this.#copies));
    let idleHits = 0;
    for (const copy of prefix) if (copy.refs === 0) idleHits++;
    if (toEvict > this.#idle - idleHits) return false;
    for (const copy of prefix) {
      if (copy.refs++ === 0) this.#unlink(copy);
      into.push(copy);
    }
    for (let i = 0; i < toEvict; i++) this.#evict();
    for (let i = 0; i < fresh; i++) into.push(new BlockCopy());
    this.#copies += fresh;
    return true;
  }

  /** The content of a private copy is computed: it can be found from now on, unless an older copy is. */
  publish(copy: BlockCopy, hash: number): void {
    assert(copy.hash === undefined, 'a cached KV block was published again');
    copy.hash = hash;
    if (!this.#first.has(hash)) {
      this.#first.set(hash, copy);
      return;
    }
    const twins = this.#twins.get(hash);
    if (twins === undefined) this.#twins.set(hash, new Set([copy]));
    else twins.add(copy);
  }

  /** Gives one reference back. A private copy is gone, a cached one without references is idle. */
  release(copy: BlockCopy): void {
    assert(copy.refs > 0, 'a KV block was released more often than it was taken');
    copy.refs--;
    if (copy.hash === undefined) this.#copies--;
    else if (copy.refs === 0) this.#append(copy);
  }

  /** Forgets everything: the worker lost its memory. */
  reset(): void {
    this.#copies = 0;
    this.#idle = 0;
    this.#oldest = this.#newest = undefined;
    this.#first.clear();
    this.#twins.clear();
  }

  /** Asserts conservation against `held`: every reference that sequences hold, as often as they hold it. */
  checkInvariants(held: Iterable<BlockCopy>): void {
    const refs = new Map<BlockCopy, number>();
    for (const copy of held) refs.set(copy, (refs.get(copy) ?? 0) + 1);
    for (const [copy, count] of refs) {
      assert(copy.refs === count, 'a KV block counts other references than sequences hold');
      assert(copy.hash !== undefined || count === 1, 'a private KV block is shared');
    }
    assert(refs.size === this.active, 'KV blocks in use are not those that sequences hold');
    assert(this.#copies <= this.total, 'more KV blocks exist than the pool has');
    const cached = this.#indexedCopies();
    for (const copy of refs.keys()) {
      assert(copy.hash === undefined || cached.has(copy), 'a cached KV block is missing from the index');
    }
    let idle = 0;
    let before: BlockCopy | undefined = undefined;
    for (let copy = this.#oldest; copy !== undefined; copy = copy.newer) {
      assert(copy.refs === 0 && cached.has(copy), 'a KV block in use, or not cached, stands in the idle list');
      assert(copy.older === before && ++idle <= this.#idle, 'the idle list of KV blocks is broken');
      before = copy;
    }
    assert(before === this.#newest && idle === this.#idle, 'the idle list of KV blocks disagrees with its count');
    for (const copy of cached) if (copy.refs === 0) idle--;
    assert(idle === 0, 'a cached KV block that nobody holds is not in the idle list');
  }

  #indexedCopies(): Set<BlockCopy> {
    const cached = new Set<BlockCopy>();
    for (const [hash, copy] of this.#first) {
      assert(copy.hash === hash, 'a hash leads to a KV block with another');
      cached.add(copy);
    }
    for (const [hash, twins] of this.#twins) {
      assert(this.#first.has(hash) && twins.size > 0, 'a further copy of a hash has no first one');
      for (const copy of twins) {
        assert(copy.hash === hash && !cached.has(copy), 'a KV block is indexed twice, or under another hash');
        cached.add(copy);
      }
    }
    return cached;
  }

  #evict(): void {
    const copy = this.#oldest as BlockCopy;
    this.#unlink(copy);
    const hash = copy.hash as number;
    const twins = this.#twins.get(hash);
    if (this.#first.get(hash) !== copy) twins?.delete(copy);
    else if (twins === undefined) this.#first.delete(hash);
    else this.#promote(hash, twins);
    if (twins?.size === 0) this.#twins.delete(hash);
    this.#copies--;
    this.#evictions++;
  }

  /** The oldest of `twins` is found from now on. */
  #promote(hash: number, twins: Set<BlockCopy>): void {
    for (const copy of twins) {
      twins.delete(copy);
      this.#first.set(hash, copy);
      return;
    }
  }

  #append(copy: BlockCopy): void {
    copy.older = this.#newest;
    copy.newer = undefined;
    if (this.#newest === undefined) this.#oldest = copy;
    else this.#newest.newer = copy;
    this.#newest = copy;
    this.#idle++;
  }

  #unlink(copy: BlockCopy): void {
    if (copy.older === undefined) this.#oldest = copy.newer;
    else copy.older.newer = copy.newer;
    if (copy.newer === undefined) this.#newest = copy.older;
    else copy.newer.older = copy.older;
    copy.older = copy.newer = undefined;
    this.#idle--;
  }
}

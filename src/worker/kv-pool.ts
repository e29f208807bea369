/**
 * The pool of KV blocks with its prefix cache.
 *
 * A block is free, in use (refs > 0) or cached and idle (refs = 0, content kept, in one LRU list). A full block of a
 * prompt that others may share is found by content; a full block whose content nobody else can have (generated tokens,
 * prompts without known content) is found again only by its own sequence after a preemption. Both age in the same LRU
 * list, as they do in vLLM. Allocation takes free blocks first, then evicts the longest idle. A sequence gives its
 * blocks back tail first, so that its suffix is evicted before its prefix.
 *
 * Blocks have no numbers: nobody could tell two free ones apart. What is free, or private and in use, is a count; what
 * is shared or idle is a run (`kv-run.ts`), split only where sequences part. So a prompt of 700 blocks costs as much
 * as the 20 stretches of content it is known by. That this equals a pool of single blocks is a property test.
 *
 * Content computed while a copy is resident becomes a second copy: it takes blocks of its own, is found when those
 * published before it are gone, and ages like any other. That is what vLLM does (vllm-project/vllm,
 * v1/core/block_pool.py: blocks are not deduplicated, a look-up takes the first).
 */
import { assert } from '../kernel/assert.ts';
import { Run, Segment } from './kv-run.ts';
import { PrefixIndex } from './prefix-index.ts';

export class KvPool {
  readonly total: number;
  readonly #index = new PrefixIndex();
  #free: number;
  #idle = 0;
  #oldest: Run | undefined = undefined;
  #newest: Run | undefined = undefined;
  /** At the end of the LRU list: a private run of ended sequences, to which more may be added. */
  #endedNewest: Run | undefined = undefined;
  #evictions = 0;
  /** Times blocks became available. */
  returns = 0;

  constructor(total: number) {
    this.total = total;
    this.#free = total;
  }

  /** Blocks with refs > 0. */
  get used(): number {
    return this.total - this.#free - this.#idle;
  }

  /** Blocks that can be taken now: free ones and idle cached ones. */
  get available(): number {
    return this.#free + this.#idle;
  }

  /** Idle cached blocks. */
  get idle(): number {
    return this.#idle;
  }

  get evictions(): number {
    return this.#evictions;
  }

  /** Takes blocks for new content. The caller has checked `available`. */
  take(count: number): void {
    if (count <= this.#free) {
      this.#free -= count;
      return;
    }
    const evicted = count - this.#free;
    assert(evicted <= this.#idle, 'a KV block was allocated from a full pool');
    this.#free = 0;
    this.#evict(evicted);
  }

  /** Gives back blocks in use whose content is not kept. */
  giveBack(count: number): void {
    this.returns++;
    this.#free += count;
    assert(this.#free + this.#idle <= this.total, 'KV blocks were given back that nobody held');
  }

  /** Gives back full private blocks [from, end) of an ended sequence: they stay cached, found by nobody. */
  retire(count: number): void {
    if (count === 0) return;
    this.returns++;
    if (this.#endedNewest === undefined) {
      this.#endedNewest = new Run(undefined, 0, 0, 0);
      const run = this.#endedNewest;
      this.#append(run);
      this.#endedNewest = run;
    }
    this.#endedNewest.end += count;
    this.#idle += count;
    assert(this.#free + this.#idle <= this.total, 'KV blocks were given back that nobody held');
  }

  /** Gives back full private blocks [from, end) of a preempted sequence, which may `reclaim` what is left of them. */
  park(from: number, end: number): Run | undefined {
    if (from === end) return undefined;
    this.returns++;
    const run = new Run(undefined, from, end, 0);
    this.#append(run);
    this.#idle += end - from;
    return run;
  }

  /** Takes the blocks before `end` of a parked run back into use; the rest belongs to nobody. */
  reclaim(run: Run, end: number): void {
    this.#idle -= end - run.from;
    if (end === run.end) this.#unlink(run);
    else run.end -= end - run.from;
  }

  /** The segment with this content if a block of it is resident. */
  find(low: number, high: number): Segment | undefined {
    return this.#index.find(low, high);
  }

  /** The first resident copy of a segment's block, or undefined. */
  copyOf(segment: Segment, block: number): Run | undefined {
    let run = segment.first;
    while (run !== undefined && (block < run.from || block >= run.end)) run = run.after;
    return run;
  }

  /** Takes one more reference on blocks [from, end) of `run`, which is split where it reaches further. Answers them. */
  pin(run: Run, from: number, end: number): Run {
    const piece = from > run.from ? this.#split(run, from) : run;
    if (end < piece.end) this.#split(piece, end);
    if (piece.refs === 0) {
      this.#unlink(piece);
      this.#idle -= piece.end - piece.from;
    }
    piece.refs++;
    return piece;
  }

  /** Blocks [from, end) of this content, in use by one sequence, are computed: they can be found from now on. */
  publish(low: number, high: number, from: number, end: number): Run {
    let segment = this.#index.find(low, high);
    if (segment === undefined) {
      segment = new Segment(low, high);
      this.#index.add(segment);
    }
    const run = new Run(segment, from, end, 1);
    run.before = segment.last;
    if (segment.last === undefined) segment.first = run;
    else segment.last.after = run;
    segment.last = run;
    return run;
  }

  /** Gives one reference back. With none left the run stays cached, idle. */
  release(run: Run): void {
    assert(run.refs > 0, 'a KV block was released more often than it was taken');
    if (--run.refs > 0) return;
    this.returns++;
    this.#idle += run.end - run.from;
    const next = run.after;
    if (next !== undefined && next === this.#newest && next.from === run.end && next.refs === 0) {
      // Neighbours in content and in age: one run again.
      run.end = next.end;
      this.#unlink(next);
      this.#dropFromSegment(next);
    }
    this.#append(run);
  }

  /** Blocks from `end` on of a run that one sequence holds were not computed after all: they are found no more. */
  withdraw(run: Run, end: number): void {
    assert(run.refs === 1, 'KV blocks were withdrawn that another sequence shares');
    run.end = end;
    if (run.from === end) this.#dropFromSegment(run);
  }

  /** Forgets everything: the worker lost its memory. */
  reset(): void {
    this.#index.clear();
    this.#oldest = this.#newest = this.#endedNewest = undefined;
    this.#idle = 0;
    this.#free = this.total;
  }

  /** Blocks of shared content that sequences hold, each counted once; O(runs), for checks. */
  pinnedBlocks(): number {
    let pinned = 0;
    for (const { first } of this.#index) {
      for (let run = first; run !== undefined; run = run.after) if (run.refs > 0) pinned += run.end - run.from;
    }
    return pinned;
  }

  /** Asserts that the lists are whole and agree with the counts; O(runs). */
  checkInvariants(): void {
    let idle = 0;
    let older: Run | undefined = undefined;
    for (let run = this.#oldest; run !== undefined; run = run.newer) {
      assert(run.refs === 0 && run.end > run.from, 'a KV block in use stands in the idle list');
      assert(run.older === older, 'the idle list of KV blocks is broken');
      older = run;
      idle += run.end - run.from;
      assert(idle <= this.total, 'the idle list of KV blocks has a cycle');
    }
    assert(older === this.#newest && idle === this.#idle, 'the idle list of KV blocks disagrees with its count');
    assert(this.#free >= 0 && this.used >= 0, 'KV blocks used, idle and free do not add up to the pool');
    let segments = 0;
    let idleShared = 0;
    for (const segment of this.#index) {
      segments++;
      assert(this.#index.find(segment.low, segment.high) === segment, 'a prefix leads to another segment');
      idleShared += checkedIdle(segment);
    }
    assert(segments === this.#index.size, 'the prefix index disagrees with its count');
    assert(idleShared <= this.#idle && this.pinnedBlocks() <= this.used, 'shared KV blocks exceed what is in use');
  }

  #evict(count: number): void {
    this.#evictions += count;
    this.#idle -= count;
    let left = count;
    while (left > 0) {
      const run = this.#oldest as Run;
      const length = run.end - run.from;
      if (length > left) {
        run.end -= left;
        return;
      }
      left -= length;
      this.#unlink(run);
      run.end = run.from;
      if (run.segment !== undefined) this.#dropFromSegment(run);
    }
  }

  /** Cuts off [at, end) as a run of its own, which it answers; both keep their places. */
  #split(run: Run, at: number): Run {
    const segment = run.segment as Segment;
    const upper = new Run(segment, at, run.end, run.refs);
    run.end = at;
    upper.before = run;
    upper.after = run.after;
    if (run.after === undefined) segment.last = upper;
    else run.after.before = upper;
    run.after = upper;
    if (run.refs === 0) {
      // The suffix is evicted first.
      upper.newer = run;
      upper.older = run.older;
      if (run.older === undefined) this.#oldest = upper;
      else run.older.newer = upper;
      run.older = upper;
    }
    return upper;
  }

  #dropFromSegment(run: Run): void {
    const segment = run.segment as Segment;
    if (run.before === undefined) segment.first = run.after;
    else run.before.after = run.after;
    if (run.after === undefined) segment.last = run.before;
    else run.after.before = run.before;
    if (segment.first === undefined) this.#index.remove(segment);
  }

  #append(run: Run): void {
    run.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = run;
    else this.#newest.newer = run;
    this.#newest = run;
    this.#endedNewest = undefined;
  }

  #unlink(run: Run): void {
    const { older, newer } = run;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    run.older = run.newer = undefined;
    if (run === this.#endedNewest) this.#endedNewest = undefined;
  }
}

/** Idle blocks of a segment, having asserted that its list is whole. */
function checkedIdle(segment: Segment): number {
  let idle = 0;
  let before: Run | undefined = undefined;
  for (let run = segment.first; run !== undefined; run = run.after) {
    assert(run.before === before && run.segment === segment, 'the runs of a prefix are not in one list');
    assert(run.end > run.from && run.refs >= 0, 'a run of KV blocks is empty');
    before = run;
    if (run.refs === 0) idle += run.end - run.from;
  }
  assert(before !== undefined && before === segment.last, 'a prefix has no KV block');
  return idle;
}

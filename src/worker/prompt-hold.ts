/**
 * What one sequence holds of KV content that other prompts may share: the leading full blocks of its prompt whose
 * identity is known.
 *
 * Content is identified by a chained hash of the trace's block ids: a block takes the hash of the trace block in which
 * it ends, so equal hashes mean equal content whatever the two block sizes are. The engine's blocks that end in one
 * trace block are one segment of the pool's index, found, held and given back together.
 */
import { mix32 } from '../kernel/rng.ts';
import type { KvPool } from './kv-pool.ts';
import type { Run, Segment } from './kv-run.ts';
import type { JobInit } from './worker.ts';

export class PromptHold {
  /** Full blocks of the prompt with known identity. */
  readonly blocks: number;
  /** Found by `look`: leading blocks that are resident, and how many of them are idle. */
  hits = 0;
  idleHits = 0;
  /** Leading blocks held. */
  published = 0;

  readonly #ids: readonly number[];
  readonly #idTokens: number;
  readonly #blockTokens: number;
  /** The trace block at which the chain stands (-1: before the first), and the hash up to and including it. */
  #at = -1;
  #low = 0;
  #high = 0;
  /** Held stretches in order: the first run of each, and the block after its last one. */
  readonly #runs: Run[] = [];
  readonly #ends: number[] = [];

  constructor(init: JobInit<unknown>, blockTokens: number) {
    this.#ids = init.hashIds;
    this.#idTokens = init.hashBlockTokens;
    this.#blockTokens = blockTokens;
    const known = Math.min(init.promptTokens, init.hashIds.length * init.hashBlockTokens);
    this.blocks = Math.floor(known / blockTokens);
  }

  /** Looks how many of the first `limit` blocks are resident, from the first one on without a gap. */
  look(pool: KvPool, limit: number): void {
    const most = Math.min(limit, this.blocks);
    this.hits = this.idleHits = 0;
    this.#at = -1;
    while (this.hits < most) {
      this.#stepTo(this.hits);
      const segment = pool.find(this.#low, this.#high);
      if (segment === undefined) return;
      const end = Math.min(most, this.#endOf(this.#at));
      while (this.hits < end) {
        const run = pool.copyOf(segment, this.hits);
        if (run === undefined) return;
        const to = Math.min(end, run.end);
        if (run.refs === 0) this.idleHits += to - this.hits;
        this.hits = to;
      }
    }
  }

  /** Takes hold of the first `blocks` blocks, which `look` has found. */
  pin(pool: KvPool, blocks: number): void {
    this.#at = -1;
    while (this.published < blocks) {
      this.#stepTo(this.published);
      const segment = pool.find(this.#low, this.#high) as Segment;
      const end = Math.min(blocks, this.#endOf(this.#at));
      while (this.published < end) {
        const run = pool.copyOf(segment, this.published) as Run;
        const to = Math.min(end, run.end);
        this.#runs.push(pool.pin(run, this.published, to));
        this.#ends.push(to);
        this.published = to;
      }
    }
  }

  /** The sequence's blocks before `end` are computed: those of known identity can be found from now on. */
  publish(pool: KvPool, end: number): void {
    const upTo = Math.min(end, this.blocks);
    while (this.published < upTo) {
      this.#stepTo(this.published);
      const to = Math.min(upTo, this.#endOf(this.#at));
      const last = this.#runs.length - 1;
      const run = this.#runs[last];
      if (run !== undefined && this.#grows(run)) {
        run.end = to;
        this.#ends[last] = to;
      } else {
        this.#runs.push(pool.publish(this.#low, this.#high, this.published, to));
        this.#ends.push(to);
      }
      this.published = to;
    }
  }

  /**
   * Blocks from `end` on, published for a pass that this sequence takes no part in after all, were not computed. Nobody
   * took hold of any block since.
   */
  withdraw(pool: KvPool, end: number): void {
    this.#at = -1;
    while (this.published > end) {
      const last = this.#runs.length - 1;
      const run = this.#runs[last] as Run;
      const keep = Math.max(run.from, end);
      pool.withdraw(run, keep);
      this.#ends[last] = this.published = keep;
      if (keep > run.from) return;
      this.#runs.pop();
      this.#ends.pop();
    }
  }

  /** Gives all of it back, tail first. */
  release(pool: KvPool): void {
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const first = this.#runs[i] as Run;
      const end = this.#ends[i] as number;
      let piece = first;
      while (piece.end < end) piece = piece.after as Run;
      while (piece !== first) {
        const before = piece.before as Run;
        pool.release(piece);
        piece = before;
      }
      pool.release(first);
    }
    this.#runs.length = this.#ends.length = 0;
    this.published = 0;
    this.#at = -1;
  }

  /** Every run held, for checks. */
  *runs(): Generator<Run> {
    for (let i = 0; i < this.#runs.length; i++) {
      let piece = this.#runs[i] as Run;
      yield piece;
      while (piece.end < (this.#ends[i] as number)) yield (piece = piece.after as Run);
    }
  }

  /** The run held last is this sequence's alone, ends here and is of the present segment: it may grow. */
  #grows(run: Run): boolean {
    const { segment } = run;
    const same = segment?.low === this.#low && segment.high === this.#high;
    return same && run.end === this.published && run.refs === 1 && run.after === undefined;
  }

  /** Moves the chain on to the trace block in which `block` ends. */
  #stepTo(block: number): void {
    if (this.#at < 0) {
      this.#low = 0x9e3779b9 | 0;
      this.#high = this.#idTokens | 0;
    }
    const target = Math.floor(((block + 1) * this.#blockTokens - 1) / this.#idTokens);
    while (this.#at < target) {
      const id = this.#ids[++this.#at] as number;
      this.#low = mix32(this.#low ^ mix32(id)) | 0;
      this.#high = mix32(this.#high + mix32(id ^ 0x3c6ef372) + Math.floor(id / 0x1_0000_0000)) | 0;
    }
  }

  /** Number after the last block that ends in trace block `at`. */
  #endOf(at: number): number {
    return Math.floor(((at + 1) * this.#idTokens) / this.#blockTokens);
  }
}

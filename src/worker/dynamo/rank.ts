/**
 * One data-parallel rank: a queue, a batch, a pool, and what a pass of it computes.
 *
 * Running sequences come first, in order, under one token budget; when one finds no block, others are preempted until
 * it does, possibly itself. Then, unless that happened, waiting ones come strictly in turn. A block can be found by
 * others as soon as the pass that computes it is scheduled: later sequences of the same pass reuse it.
 *
 * The weak spots of the original are kept, for they move its figures:
 * - A pass is charged for prompt tokens only; generated tokens that a preempted sequence computes again are free.
 * - Its prompt work enters as whole-number means times the number of sequences, which may lose or invent a few tokens.
 * - Preempting the first of the batch (`fifo`) moves the others up under the cursor, so one of them gets no turn.
 * - A victim that had its turn in this pass leaves a block that the turn filled cached, as if it had been computed. As
 *   blocks are released tail first, whoever needed one takes that very block.
 *
 * Facts: ai-dynamo/dynamo, `lib/mocker/src/scheduler/vllm/core.rs`, August 2026.
 */
import { assert } from '../../kernel/assert.ts';
import type { StepWork } from '../timing/step-time.ts';
import type { WorkerTotals } from '../worker.ts';
import { cachedPrefix, fits } from './admission.ts';
import { type BlockCopy, BlockPool } from './block-pool.ts';
import type { DynamoEngineConfig } from './dynamo-engine-config.ts';
import type { DynamoSequence } from './dynamo-sequence.ts';

export class Rank<Owner> {
  readonly running: DynamoSequence<Owner>[] = [];
  readonly waiting: DynamoSequence<Owner>[] = [];
  readonly pool: BlockPool;
  readonly #config: DynamoEngineConfig;
  readonly #totals: WorkerTotals;
  /** Tokens that the pass being scheduled may still compute. */
  #budget = 0;
  /** Turns given in it, those without tokens too. */
  #turns = 0;

  constructor(config: DynamoEngineConfig, totals: WorkerTotals) {
    this.#config = config;
    this.#totals = totals;
    this.pool = new BlockPool(config.blocks);
  }

  /** Schedules one pass at an instant when none runs; undefined when it computes nothing. */
  schedule(): StepWork | undefined {
    const { maxBatchedTokens, maxRunning } = this.#config;
    const preemptionsBefore = this.#totals.preemptions;
    this.#budget = maxBatchedTokens;
    this.#turns = 0;
    this.#scheduleRunning();
    if (this.#totals.preemptions === preemptionsBefore) {
      while (this.running.length < maxRunning && this.waiting.length > 0) if (!this.#admitNext()) break;
      assert(this.#turns > 0 || this.running.length + this.waiting.length === 0, 'a rank with work scheduled nothing');
    }
    return this.#turns === 0 ? undefined : this.#work();
  }

  /** Gives back all blocks, the tail first: a prefix is evicted after its suffix. */
  release(sequence: DynamoSequence<Owner>): void {
    for (let i = sequence.blocks.length - 1; i >= 0; i--) this.pool.release(sequence.blocks[i] as BlockCopy);
    sequence.blocks = [];
  }

  /** Counts what the pass computed of `sequence`. */
  book(sequence: DynamoSequence<Owner>, tokens: number): void {
    this.#totals.recomputedTokens += sequence.book(tokens);
  }

  checkInvariants(): void {
    const { blockTokens, maxRunning, prefixCache } = this.#config;
    assert(this.running.length <= maxRunning, 'more sequences run than max_num_seqs allows');
    for (const { status, blocks, computed, scheduled } of this.waiting) {
      assert(status !== 'running', 'a running sequence waits');
      assert(blocks.length === 0 && computed === 0 && scheduled === 0, 'a waiting sequence holds KV blocks');
    }
    for (const sequence of this.running) {
      const { computed, scheduled, known, blocks } = sequence;
      assert(sequence.status === 'running', 'a waiting sequence runs');
      assert(computed >= 0 && scheduled >= 0 && computed + scheduled <= known, 'more is computed than is known');
      const needed = Math.ceil((computed + scheduled) / blockTokens);
      assert(blocks.length === needed, 'a sequence holds other KV blocks than its tokens need');
      assert(sequence.generated <= sequence.outputLimit, 'a sequence generated more than its limit');
      const full = prefixCache ? Math.floor((computed + scheduled) / blockTokens) : 0;
      for (let i = 0; i < blocks.length; i++) {
        const { hash } = blocks[i] as BlockCopy;
        assert(hash === (i < full ? sequence.identity.hash(i) : undefined), 'a KV block caches other content');
      }
    }
    this.pool.checkInvariants(this.running.flatMap((sequence) => sequence.blocks));
  }

  #scheduleRunning(): void {
    let cursor = 0;
    while (cursor < this.running.length && this.#budget > 0) {
      const sequence = this.running[cursor] as DynamoSequence<Owner>;
      const tokens = this.#wanted(sequence, sequence.computed);
      if (tokens < 0) return;
      const after = sequence.computed + tokens;
      while (sequence.status === 'running' && !this.#allocate(sequence, [], after)) this.#preempt();
      // Whoever took the place of a sequence that preempted itself is next; an earlier victim moved it up unseen.
      if (sequence.status !== 'running') continue;
      this.#take(sequence, tokens);
      cursor++;
    }
  }

  /** Admits the head of the queue; false when it has to wait, or when it took the last of the budget for nothing. */
  #admitNext(): boolean {
    const sequence = this.waiting[0] as DynamoSequence<Owner>;
    const prefix = cachedPrefix(this.#config, this.pool, sequence);
    if (!fits(this.#config, this.pool, this.running, sequence, prefix)) return false;
    const cached = prefix.length * this.#config.blockTokens;
    const tokens = this.#wanted(sequence, cached);
    if (tokens < 0) return false;
    const allocated = this.#allocate(sequence, prefix, cached + tokens);
    assert(allocated, 'an admitted sequence found no KV block');
    this.waiting.shift();
    this.running.push(sequence);
    sequence.status = 'running';
    sequence.computed = cached;
    if (!sequence.admitted) {
      sequence.admitted = true;
      sequence.cachedTokens = cached;
      this.#totals.promptTokens += sequence.init.promptTokens;
      this.#totals.prefixHitTokens += cached;
    }
    this.#take(sequence, tokens);
    return tokens > 0 || this.#budget > 0;
  }

  /** Tokens to compute of a sequence that has `computed`; -1 when it must not or cannot have a turn. */
  #wanted({ init, known }: DynamoSequence<Owner>, computed: number): number {
    if (!this.#config.chunkedPrefill && init.promptTokens - computed > this.#budget) return -1;
    const tokens = Math.min(known - computed, this.#budget);
    return tokens === 0 && known > computed ? -1 : tokens;
  }

  #allocate(sequence: DynamoSequence<Owner>, prefix: readonly BlockCopy[], tokens: number): boolean {
    const fresh = Math.ceil(tokens / this.#config.blockTokens) - sequence.blocks.length - prefix.length;
    return this.pool.allocate(prefix, fresh, sequence.blocks);
  }

  /** Gives `sequence` its turn, blocks taken already: its full blocks can be found from now on. */
  #take(sequence: DynamoSequence<Owner>, tokens: number): void {
    const { blockTokens, prefixCache } = this.#config;
    sequence.scheduled = tokens;
    this.#budget -= tokens;
    this.#turns++;
    if (!prefixCache) return;
    const full = Math.floor((sequence.computed + tokens) / blockTokens);
    for (let i = Math.floor(sequence.computed / blockTokens); i < full; i++) {
      this.pool.publish(sequence.blocks[i] as BlockCopy, sequence.identity.hash(i));
    }
  }

  /** Sends one running sequence back to the front of the queue; its turn in this pass, if it had one, is undone. */
  #preempt(): void {
    const { preemption, semantics } = this.#config;
    assert(semantics !== 'trtllm', 'a reservation was too small: nothing may be preempted');
    const victim = (preemption === 'lifo' ? this.running.pop() : this.running.shift()) as DynamoSequence<Owner>;
    if (victim.scheduled > 0) {
      this.#budget += victim.scheduled;
      this.#turns--;
    }
    this.release(victim);
    victim.computed = 0;
    victim.scheduled = 0;
    victim.status = 'preempted';
    this.waiting.unshift(victim);
    this.#totals.preemptions++;
  }

  #work(): StepWork {
    let prefillJobs = 0;
    let length = 0;
    let prefix = 0;
    let decodeJobs = 0;
    let decodeKvTokens = 0;
    for (const sequence of this.running) {
      const { promptTokens } = sequence.init;
      const from = Math.min(sequence.computed, promptTokens);
      const to = Math.min(sequence.computed + sequence.scheduled, promptTokens);
      if (to > from) {
        prefillJobs++;
        length += to;
        prefix += from;
      }
      if (!sequence.ready) continue;
      decodeJobs++;
      decodeKvTokens += sequence.known;
    }
    const meanLength = prefillJobs === 0 ? 0 : Math.floor(length / prefillJobs);
    const meanPrefix = prefillJobs === 0 ? 0 : Math.floor(prefix / prefillJobs);
    return {
      prefillJobs,
      prefillTokens: prefillJobs * (meanLength - meanPrefix),
      prefillContextTokens: prefillJobs * meanPrefix,
      decodeJobs,
      decodeKvTokens,
    };
  }
}

/**
 * What one pass of the engine computes (vLLM v1): running sequences first, in order, under one token budget; then
 * waiting ones, in order, while slots, budget and blocks last. When a running sequence finds no block, one is
 * preempted: it loses its blocks, goes back to the queue and is computed again later, generated tokens too. Nothing
 * waiting is admitted in a pass that preempted. A waiting sequence is admitted only when all its known tokens would
 * fit, idle cached blocks of its own prefix not counted twice; its output is not reserved.
 *
 * Who is preempted: the newest (vLLM's rule), the oldest, or by priority the least urgent, among equals the last to
 * arrive. A victim that this pass had served already gives its tokens back to the budget.
 *
 * Free of clock and draws: it changes sequences, queue and pool, and answers what the pass costs.
 */
import { Decoders } from './decoders.ts';
import type { EngineConfig } from './engine-config.ts';
import { KvPool } from './kv-pool.ts';
import type { Sequence } from './sequence.ts';
import type { StepWork } from './timing/step-time.ts';
import { WaitingLine } from './waiting-line.ts';
import type { WorkerTotals } from './worker.ts';

/** The pass that was scheduled. */
export class Pass implements StepWork {
  prefillJobs = 0;
  prefillTokens = 0;
  prefillContextTokens = 0;
  decodeJobs = 0;
  decodeKvTokens = 0;
  /** Tokens computed. */
  tokens = 0;
  /** Somebody was preempted, or got no token for want of budget. */
  disturbed = false;

  clear(): void {
    this.prefillJobs = this.prefillTokens = this.prefillContextTokens = 0;
    this.decodeJobs = this.decodeKvTokens = this.tokens = 0;
    this.disturbed = false;
  }
}

export class Scheduler<Owner> {
  readonly running: Sequence<Owner>[] = [];
  readonly waiting: WaitingLine<Owner>;
  readonly pool: KvPool;
  readonly decoders: Decoders;
  readonly pass = new Pass();
  readonly #config: EngineConfig;
  readonly #totals: WorkerTotals;
  readonly #blockTokens: number;
  /** In this pass somebody was preempted. */
  #preempted = false;

  constructor(config: EngineConfig, totals: WorkerTotals) {
    this.#config = config;
    this.#totals = totals;
    this.#blockTokens = config.blockTokens;
    this.waiting = new WaitingLine(config.scheduling === 'priority');
    this.pool = new KvPool(config.blocks);
    this.decoders = new Decoders(config.blockTokens);
  }

  /** Schedules one pass, at an instant when none runs. */
  schedule(): Pass {
    const { pass, decoders, running } = this;
    pass.clear();
    this.#preempted = false;
    const { jobs } = decoders;
    const needed = decoders.blocksNeeded(0);
    // The decoding stand in front, at most one whose prompt is being computed behind them: they are served as one.
    const inFront = running.length === jobs || (running.length === jobs + 1 && !this.#at(jobs).decoding);
    const together = inFront && jobs <= this.#config.maxBatchedTokens && needed <= this.pool.available;
    if (together) {
      this.pool.take(needed);
      pass.decodeJobs = pass.tokens = jobs;
      pass.decodeKvTokens = decoders.contextTokens;
    }
    this.#scheduleRunning(together ? jobs : 0);
    // The first in line was its own victim: the pass is empty and takes no time.
    while (pass.tokens === 0 && running.length > 0) this.#scheduleRunning(0);
    // Nobody runs: blocks that are in transfer left the last one none, and it made way for nobody.
    if (!this.#preempted || pass.tokens === 0) this.#scheduleWaiting();
    return pass;
  }

  /** Blocks of a sequence: those of `tokens` tokens. */
  blocksOf(tokens: number): number {
    return Math.ceil(tokens / this.#blockTokens);
  }

  /** Takes the blocks for `want` tokens more of a sequence that does not decode; they are available. */
  grow(sequence: Sequence<Owner>, want: number): void {
    const computed = sequence.tokensComputed;
    this.pool.take(this.blocksOf(computed + want) - this.blocksOf(computed));
    sequence.scheduled = want;
    sequence.prompt?.publish(this.pool, Math.floor((computed + want) / this.#blockTokens));
  }

  /**
   * Takes the blocks for a prompt that another engine computed, those found in the cache included; false: they are not
   * there. Who was preempted here goes first.
   */
  reserve(sequence: Sequence<Owner>): boolean {
    if (this.waiting.size > 0) return false;
    const hits = this.#lookUp(sequence);
    if (!this.#fits(sequence, hits)) return false;
    this.#admit(sequence, hits);
    this.pool.take(this.blocksOf(sequence.promptTokens) - hits);
    return true;
  }

  /** Gives them back: the prompt never came. */
  unreserve(sequence: Sequence<Owner>): void {
    this.pool.giveBack(this.blocksOf(sequence.promptTokens) - (sequence.prompt?.published ?? 0));
    sequence.prompt?.release(this.pool);
  }

  /** The reserved prompt is here: it runs, and its next pass computes its first token. */
  adopt(sequence: Sequence<Owner>, firstTokenAt: number): void {
    sequence.tokensComputed = sequence.promptTokens;
    this.decoders.adopt(sequence, firstTokenAt);
    sequence.prompt?.publish(this.pool, Math.floor(sequence.promptTokens / this.#blockTokens));
    this.running.push(sequence);
  }

  /** Gives back all blocks of a sequence that ended. */
  release(sequence: Sequence<Owner>): void {
    const { computed } = sequence;
    const full = this.#keptBlocks(computed);
    this.pool.giveBack(this.blocksOf(computed) - full);
    this.pool.retire(full - this.#shared(sequence, full));
    sequence.prompt?.release(this.pool);
  }

  /** Full private blocks of a running sequence and those not yet full; O(1). */
  ownBlocks(sequence: Sequence<Owner>, tokens: number): number {
    return this.blocksOf(tokens) - (sequence.prompt?.published ?? 0);
  }

  /** Serves running sequences from number `from` on. */
  #scheduleRunning(from: number): void {
    const { maxBatchedTokens, chunkedPrefill } = this.#config;
    const { pass, pool, running } = this;
    let i = from;
    while (i < running.length) {
      const sequence = this.#at(i);
      const { computed } = sequence;
      const left = sequence.known - computed;
      const budget = maxBatchedTokens - pass.tokens;
      if (budget === 0 || (!chunkedPrefill && left > budget)) break;
      const want = Math.min(left, budget);
      const needed = this.blocksOf(computed + want) - this.blocksOf(computed);
      while (needed > pool.available && !sequence.waiting) {
        const victimAt = this.#victim();
        this.#preempt(victimAt, victimAt < i);
        if (victimAt < i) i--;
      }
      // As in vLLM: nobody else is served once a sequence made way for itself.
      if (sequence.waiting) break;
      this.#serve(sequence, want);
      i++;
    }
    if (i < running.length) this.#leaveOut(i);
  }

  #victim(): number {
    const { running } = this;
    if (this.#config.scheduling !== 'priority') return this.#config.preemption === 'oldest' ? 0 : running.length - 1;
    let victimAt = 0;
    for (let i = 1; i < running.length; i++) if (moreUrgent(this.#at(victimAt), this.#at(i))) victimAt = i;
    return victimAt;
  }

  /** What this pass gave to `victim` is for others. */
  #takeBack(victim: Sequence<Owner>): void {
    const { pass, pool } = this;
    const { computed, decoding } = victim;
    const want = decoding ? 1 : victim.scheduled;
    pool.giveBack(this.blocksOf(computed + want) - this.blocksOf(computed));
    victim.prompt?.withdraw(pool, Math.floor(computed / this.#blockTokens));
    pass.tokens -= want;
    if (want === 1 && victim.ready) {
      pass.decodeJobs--;
      pass.decodeKvTokens -= victim.known;
    } else {
      pass.prefillJobs--;
      pass.prefillTokens -= want;
      pass.prefillContextTokens -= computed;
    }
  }

  #preempt(at: number, served: boolean): void {
    const victim = this.#at(at);
    this.running.splice(at, 1);
    if (served) this.#takeBack(victim);
    this.#preempted = this.pass.disturbed = true;
    if (victim.decoding) this.decoders.leave(victim);
    this.#totals.preemptions++;
    const computed = victim.tokensComputed;
    const full = this.#keptBlocks(computed);
    const shared = this.#shared(victim, full);
    this.pool.giveBack(this.blocksOf(computed) - full);
    victim.parked = this.pool.park(shared, full);
    victim.prompt?.release(this.pool);
    victim.scheduled = 0;
    victim.computedPeak = Math.max(victim.computedPeak, computed);
    victim.tokensComputed = 0;
    this.waiting.putBack(victim);
  }

  /** Running sequences from number `from` on get nothing in this pass. */
  #leaveOut(from: number): void {
    for (let i = from; i < this.running.length; i++) {
      const sequence = this.#at(i);
      if (sequence.decoding) this.decoders.leave(sequence);
      sequence.scheduled = 0;
    }
    this.pass.disturbed = true;
  }

  #scheduleWaiting(): void {
    const { maxBatchedTokens, maxRunning, chunkedPrefill } = this.#config;
    const { pass, running, waiting } = this;
    while (waiting.size > 0 && running.length < maxRunning && pass.tokens < maxBatchedTokens) {
      const sequence = waiting.head as Sequence<Owner>;
      const hits = this.#lookUp(sequence);
      const left = sequence.known - hits * this.#blockTokens;
      const budget = maxBatchedTokens - pass.tokens;
      if (!chunkedPrefill && left > budget) return;
      if (!this.#fits(sequence, hits)) return;
      waiting.leave(sequence);
      this.#admit(sequence, hits);
      running.push(sequence);
      this.#serve(sequence, Math.min(left, budget));
    }
  }

  #serve(sequence: Sequence<Owner>, want: number): void {
    const { pass } = this;
    const { computed } = sequence;
    pass.tokens += want;
    if (want === 1 && sequence.ready) {
      pass.decodeJobs++;
      pass.decodeKvTokens += computed + 1;
    } else {
      pass.prefillJobs++;
      pass.prefillTokens += want;
      pass.prefillContextTokens += computed;
    }
    if (sequence.decoding) this.pool.take(this.blocksOf(computed + 1) - this.blocksOf(computed));
    else this.grow(sequence, want);
  }

  /** Leading full blocks of a waiting sequence that are resident; at least its last known token is always computed. */
  #lookUp(sequence: Sequence<Owner>): number {
    if (!this.#config.prefixCache) return 0;
    const limit = Math.floor((sequence.known - 1) / this.#blockTokens);
    const { prompt, parked } = sequence;
    let hits = 0;
    if (prompt !== undefined) {
      prompt.look(this.pool, limit);
      hits = prompt.hits;
      if (hits < prompt.blocks) return hits;
    }
    return parked === undefined ? hits : Math.min(limit, hits + parked.end - parked.from);
  }

  #fits(sequence: Sequence<Owner>, hits: number): boolean {
    const shared = sequence.prompt?.hits ?? 0;
    const idleHits = (sequence.prompt?.idleHits ?? 0) + hits - shared;
    return this.blocksOf(sequence.known) - hits <= this.pool.available - idleHits;
  }

  #admit(sequence: Sequence<Owner>, hits: number): void {
    const { prompt, parked } = sequence;
    const shared = prompt?.hits ?? 0;
    prompt?.pin(this.pool, shared);
    if (parked !== undefined && hits > shared) this.pool.reclaim(parked, parked.from + hits - shared);
    sequence.parked = undefined;
    sequence.tokensComputed = hits * this.#blockTokens;
    if (sequence.admitted) return;
    sequence.admitted = true;
    sequence.cachedTokens = sequence.tokensComputed;
    this.#totals.promptTokens += sequence.promptTokens;
    this.#totals.prefixHitTokens += sequence.tokensComputed;
  }

  /** Blocks of `computed` tokens that stay cached after use. */
  #keptBlocks(computed: number): number {
    return this.#config.prefixCache ? Math.floor(computed / this.#blockTokens) : 0;
  }

  #shared({ prompt }: Sequence<Owner>, full: number): number {
    return prompt === undefined ? 0 : Math.min(full, prompt.blocks);
  }

  #at(index: number): Sequence<Owner> {
    return this.running[index] as Sequence<Owner>;
  }
}

/** Whether `one` is preempted after `other`. */
function moreUrgent<Owner>(one: Sequence<Owner>, other: Sequence<Owner>): boolean {
  const [mine, theirs] = [one.init.priority ?? 0, other.init.priority ?? 0];
  return mine > theirs || (mine === theirs && one.order < other.order);
}

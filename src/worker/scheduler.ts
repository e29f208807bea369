/**
 * What one pass of the engine computes (vLLM v1): running sequences first, in order, under one token budget; then
 * waiting ones, strictly first come first served, while slots, budget and blocks last. When a running sequence
 * finds no block, the newest running one is preempted: it loses its blocks, goes to the front of the queue and is
 * computed again later, generated tokens too. Nothing waiting is admitted in a pass that preempted. A waiting
 * sequence is admitted only when all its known tokens would fit, idle cached blocks of its own prefix not counted
 * twice; its output is not reserved.
 *
 * Free of clock and draws: it changes sequences, queue and pool, and answers what the pass costs.
 */
import type { EngineConfig } from './engine-config.ts';
import type { KvPool } from './kv-pool.ts';
import type { Sequence } from './sequence.ts';
import type { WorkerTotals } from './worker.ts';

/** Size of the pass that was scheduled. */
export interface Pass {
  /** Tokens computed. */
  tokens: number;
  /** Σ context tokens of the scheduled sequences, at the end of the pass. */
  kvTokens: number;
  /** Sequences scheduled. */
  scheduled: number;
  /** True when every running sequence yields its next token and nothing was preempted: the batch may stay as it is. */
  decodeOnly: boolean;
}

export class Scheduler<Owner> {
  readonly running: Sequence<Owner>[] = [];
  readonly waiting: Sequence<Owner>[] = [];
  readonly pool: KvPool;
  readonly #config: EngineConfig;
  readonly #totals: WorkerTotals;
  readonly #pass: Pass = { tokens: 0, kvTokens: 0, scheduled: 0, decodeOnly: true };

  constructor(config: EngineConfig, pool: KvPool, totals: WorkerTotals) {
    this.#config = config;
    this.pool = pool;
    this.#totals = totals;
  }

  /** Schedules one pass at an instant when none runs; `onPreempt` hears of each victim before it loses its state. */
  schedule(onPreempt: (victim: Sequence<Owner>) => void): Readonly<Pass> {
    const pass = this.#pass;
    pass.tokens = pass.kvTokens = pass.scheduled = 0;
    pass.decodeOnly = true;
    const preempted = this.#scheduleRunning(onPreempt);
    if (preempted) pass.decodeOnly = false;
    if (!preempted || pass.scheduled === 0) this.#scheduleWaiting();
    return pass;
  }

  /** Gives back all blocks, tail first. */
  release(sequence: Sequence<Owner>): void {
    const blocks = sequence.blocks;
    for (let i = blocks.length - 1; i >= 0; i--) this.pool.release(blocks[i] as number);
    sequence.blocks = [];
    sequence.published = 0;
    sequence.computed = 0;
  }

  /** Takes the blocks that `tokens` computed tokens need and publishes the full ones. Blocks are available. */
  grow(sequence: Sequence<Owner>, tokens: number): void {
    const { blockTokens, prefixCache } = this.#config;
    const needed = Math.ceil(tokens / blockTokens);
    while (sequence.blocks.length < needed) sequence.blocks.push(this.pool.allocate());
    if (!prefixCache) return;
    const full = Math.floor(tokens / blockTokens);
    for (let i = sequence.published; i < full; i++) {
      const hash = sequence.contentHash(i, blockTokens);
      if (hash < 0) this.pool.tag(sequence.blocks[i] as number, sequence.uid, i);
      else this.pool.publish(sequence.blocks[i] as number, hash);
    }
    if (full > sequence.published) sequence.published = full;
  }

  #scheduleRunning(onPreempt: (victim: Sequence<Owner>) => void): boolean {
    const { maxBatchedTokens, chunkedPrefill, blockTokens } = this.#config;
    const pass = this.#pass;
    const running = this.running;
    let preempted = false;
    for (let i = 0; i < running.length; i++) {
      const sequence = running[i] as Sequence<Owner>;
      const budget = maxBatchedTokens - pass.tokens;
      const left = sequence.known - sequence.computed;
      if (budget === 0 || (!chunkedPrefill && left > budget)) {
        for (let j = i; j < running.length; j++) (running[j] as Sequence<Owner>).scheduled = 0;
        pass.decodeOnly = false;
        break;
      }
      const want = Math.min(left, budget);
      const needed = Math.ceil((sequence.computed + want) / blockTokens) - sequence.blocks.length;
      while (needed > this.pool.available && running.length > i) {
        preempted = true;
        this.#preempt(running.pop() as Sequence<Owner>, onPreempt);
      }
      if (running.length > i) this.#take(sequence, want);
    }
    return preempted;
  }

  #preempt(victim: Sequence<Owner>, onPreempt: (victim: Sequence<Owner>) => void): void {
    onPreempt(victim);
    this.#totals.preemptions++;
    victim.scheduled = 0;
    victim.lost = victim.blocks;
    victim.computedPeak = Math.max(victim.computedPeak, victim.computed);
    this.release(victim);
    this.waiting.unshift(victim);
  }

  #scheduleWaiting(): void {
    const { maxBatchedTokens, maxRunning, chunkedPrefill } = this.#config;
    const pass = this.#pass;
    while (this.waiting.length > 0 && this.running.length < maxRunning && pass.tokens < maxBatchedTokens) {
      const sequence = this.waiting[0] as Sequence<Owner>;
      const hits = this.#cachedBlocks(sequence);
      const cached = hits * this.#config.blockTokens;
      const left = sequence.known - cached;
      if (!chunkedPrefill && left > maxBatchedTokens - pass.tokens) return;
      if (!this.#fits(sequence, hits)) return;
      this.waiting.shift();
      this.#admit(sequence, hits);
      this.running.push(sequence);
      this.#take(sequence, Math.min(left, maxBatchedTokens - pass.tokens));
    }
  }

  #take(sequence: Sequence<Owner>, want: number): void {
    const pass = this.#pass;
    this.grow(sequence, sequence.computed + want);
    sequence.scheduled = want;
    pass.tokens += want;
    pass.kvTokens += sequence.computed + want;
    pass.scheduled++;
    if (want !== 1 || !sequence.ready) pass.decodeOnly = false;
  }

  /** Leading full blocks of `sequence` that are resident; at least its last known token is always computed. */
  #cachedBlocks(sequence: Sequence<Owner>): number {
    if (!this.#config.prefixCache) return 0;
    const { blockTokens } = this.#config;
    const limit = Math.floor((sequence.known - 1) / blockTokens);
    for (let i = 0; i < limit; i++) {
      if (this.#resident(sequence, i) < 0) return i;
    }
    return limit;
  }

  #resident(sequence: Sequence<Owner>, index: number): number {
    const hash = sequence.contentHash(index, this.#config.blockTokens);
    if (hash >= 0) return this.pool.find(hash);
    const block = sequence.lost[index];
    return block !== undefined && this.pool.holds(block, sequence.uid, index) ? block : -1;
  }

  #fits(sequence: Sequence<Owner>, hits: number): boolean {
    let idleHits = 0;
    for (let i = 0; i < hits; i++) if (this.pool.isIdle(this.#resident(sequence, i))) idleHits++;
    const fresh = Math.ceil(sequence.known / this.#config.blockTokens) - hits;
    return fresh <= this.pool.available - idleHits;
  }

  #admit(sequence: Sequence<Owner>, hits: number): void {
    const { blockTokens } = this.#config;
    for (let i = 0; i < hits; i++) {
      const block = this.#resident(sequence, i);
      this.pool.pin(block);
      sequence.blocks.push(block);
    }
    sequence.published = hits;
    sequence.computed = hits * blockTokens;
    sequence.lost = [];
    if (sequence.admitted) return;
    sequence.admitted = true;
    sequence.cachedTokens = sequence.computed;
    this.#totals.promptTokens += sequence.init.promptTokens;
    this.#totals.prefixHitTokens += sequence.computed;
  }
}

/**
 * What one pass of the engine computes (SGLang). A pass either prefills or decodes, and prefill goes first: whenever
 * the waiting may be admitted, or a cut prompt goes on, running requests pause (unless `mixedChunk`). So a long prompt
 * stalls every stream, and short outputs are bought with gaps.
 *
 * Admission keeps room for the future: a request is admitted when the pool has strictly more tokens than its prompt and
 * output need, beside a share of what running requests may still generate. The first that does not fit ends the batch,
 * and while requests run none is tried again before one of them leaves. When decoding runs out of pages nevertheless,
 * the request with the fewest generated tokens is retracted: back to the front of the queue, its own pages freed, what
 * the tree has of it kept.
 *
 * Facts: sgl-project/sglang, `managers/scheduler.py`, `schedule_policy.py`, `schedule_batch.py`. Where we differ: a
 * retraction resets the ratio (theirs is estimated anew from the batch) and the retracted go to the front (theirs to
 * the end); both as in ai-dynamo/dynamo, `lib/mocker`. A cut prompt that finds no page waits, and decoding goes on.
 */
import { assert } from '../../kernel/assert.ts';
import type { TokenObserver, WorkerTotals } from '../worker.ts';
import { DecodeBatch } from './decode-batch.ts';
import { NewTokenRatio } from './new-token-ratio.ts';
import { PagePool } from './page-pool.ts';
import { PrefillBudget } from './prefill-budget.ts';
import { RadixTree } from './radix-tree.ts';
import { RequestPages } from './request-pages.ts';
import type { SglangConfig } from './sglang-config.ts';
import type { SglangSequence } from './sglang-sequence.ts';
import { orderByPrefix } from './waiting-order.ts';

export class SglangScheduler<Owner> {
  readonly waiting: SglangSequence<Owner>[] = [];
  /** Those whose prompt the pass running now computes; empty between passes. */
  readonly prefilling: SglangSequence<Owner>[] = [];
  readonly batch: DecodeBatch<Owner>;
  readonly tree: RadixTree;
  readonly pool: PagePool;
  readonly pages: RequestPages;
  readonly ratio: NewTokenRatio;
  /** The one whose prompt is cut and goes on; it may stand in `prefilling`, too. */
  chunked: SglangSequence<Owner> | undefined = undefined;
  /** Nobody is admitted before one of those running leaves. */
  #full = false;
  readonly #config: SglangConfig;
  readonly #totals: WorkerTotals;

  constructor(config: SglangConfig, totals: WorkerTotals, observer: TokenObserver) {
    this.#config = config;
    this.#totals = totals;
    this.batch = new DecodeBatch(config.blockTokens, observer);
    this.tree = new RadixTree(config.blockTokens);
    this.pool = new PagePool(config.blocks, this.tree);
    this.pages = new RequestPages(this.tree, this.pool, config.blockTokens, config.prefixCache);
    this.ratio = new NewTokenRatio(config.conservativeness);
  }

  /** Requests in the batch: decoding, or with their prompt begun. */
  get running(): number {
    return this.batch.size + this.#begun.length;
  }

  /** The next pass would decode whoever is in the batch and admit nobody. */
  get settled(): boolean {
    return this.chunked === undefined && (this.waiting.length === 0 || this.#closed);
  }

  /** Plans the next pass: a prefill pass fills `prefilling`. True when the batch decodes in it. */
  schedule(): boolean {
    this.#formPrefill();
    if (this.prefilling.length > 0) {
      if (!this.#config.mixedChunk || this.batch.size === 0) return false;
      this.pool.take(this.batch.pagesNeeded(0));
      return true;
    }
    if (this.batch.size === 0) return false;
    if (this.batch.pagesNeeded(0) <= this.pool.available) {
      this.beginDecode();
      return true;
    }
    this.#retract();
    if (this.batch.size > 0) {
      this.pool.take(this.batch.pagesNeeded(0));
      return true;
    }
    // A cut prompt held what the last one needed, and goes on alone.
    this.#formPrefill();
    return false;
  }

  /** Takes the pages of a decode pass in which memory suffices. */
  beginDecode(): void {
    this.pool.take(this.batch.pagesNeeded(0));
    this.ratio.decay();
  }

  /** One of those running has left: the waiting may be tried again. */
  reopen(): void {
    this.#full = false;
  }

  /** Forgets everything; answers whom it held. */
  clear(): SglangSequence<Owner>[] {
    const lost = [...this.batch.members, ...this.#begun, ...this.waiting];
    this.batch.clear();
    this.prefilling.length = 0;
    this.waiting.length = 0;
    this.chunked = undefined;
    this.pool.reset();
    this.ratio.reset();
    this.#full = false;
    return lost;
  }

  /** Those whose prompt is begun and not computed. */
  get #begun(): readonly SglangSequence<Owner>[] {
    const { chunked, prefilling } = this;
    return chunked === undefined || prefilling.includes(chunked) ? prefilling : [...prefilling, chunked];
  }

  /** Nobody waiting is tried, unless a cut prompt goes on. */
  get #closed(): boolean {
    return this.#full || this.batch.size >= this.#config.maxRunning;
  }

  #formPrefill(): void {
    if (this.settled) return;
    const { order, mixedChunk, blockTokens, clipNewTokens } = this.#config;
    if (order === 'lpm' && this.#config.prefixCache) {
      orderByPrefix(this.waiting, (sequence) => this.pages.cachedTokens(sequence));
    }
    const mixedJobs = mixedChunk ? this.batch.size : 0;
    const mixedTokens = mixedChunk ? this.batch.pagesNeeded(0) * blockTokens : 0;
    const expected = this.ratio.value * this.batch.remainingTokens(clipNewTokens);
    const budget = new PrefillBudget(this.#config, mixedJobs, expected + mixedTokens);
    this.#goOn(budget, mixedTokens / blockTokens);
    if (this.chunked === undefined) this.#admitWaiting(budget);
    let taken = 0;
    for (const sequence of this.prefilling) taken += this.pages.needed(sequence, sequence.scheduled);
    this.pool.take(taken);
  }

  /** Computes more of the prompt that was cut, as far as pages last. */
  #goOn(budget: PrefillBudget, mixedPages: number): void {
    const sequence = this.chunked;
    if (sequence === undefined) return;
    const left = sequence.known - sequence.computed;
    const inPool = (this.pool.available - mixedPages) * this.#config.blockTokens;
    const chunk = Math.min(budget.chunk(left, true), Math.max(0, inPool));
    if (chunk === 0) return;
    sequence.scheduled = chunk;
    budget.charge(left, chunk, Math.min(sequence.remaining, this.#config.clipNewTokens));
    this.prefilling.push(sequence);
    if (chunk === left) this.chunked = undefined;
  }

  #admitWaiting(budget: PrefillBudget): void {
    let admitted = 0;
    let open = true;
    while (open && admitted < this.waiting.length && this.chunked === undefined) {
      const slot = this.batch.size + this.prefilling.length < this.#config.maxRunning;
      if (slot && !this.#admit(this.waiting[admitted] as SglangSequence<Owner>, budget)) break;
      if (slot) admitted++;
      open = slot && this.#tokensLeft(budget) > 0;
      if (!open) this.#close();
    }
    this.waiting.splice(0, admitted);
  }

  #admit(sequence: SglangSequence<Owner>, budget: PrefillBudget): boolean {
    const { blockTokens, clipNewTokens } = this.#config;
    const node = this.pages.match(sequence);
    // Locked, its own prefix is no room for it.
    this.tree.lock(node);
    const cached = node.end * blockTokens;
    const left = sequence.known - cached;
    const newTokens = Math.min(sequence.remaining, clipNewTokens);
    const chunk = budget.chunk(left, this.prefilling.length === 0);
    const fits = budget.need(left, chunk, newTokens) < this.#tokensLeft(budget);
    if (!fits) this.#close();
    if (!fits || chunk === 0) {
      this.tree.unlock(node);
      return false;
    }
    budget.charge(left, chunk, newTokens);
    if (!sequence.admitted) {
      this.#totals.promptTokens += sequence.init.promptTokens;
      this.#totals.prefixHitTokens += cached;
    }
    sequence.node = node;
    sequence.start(cached);
    sequence.scheduled = chunk;
    this.prefilling.push(sequence);
    if (chunk < left) this.chunked = sequence;
    return true;
  }

  /** Tokens of the pool that are neither in use nor spoken for. */
  #tokensLeft(budget: PrefillBudget): number {
    return this.pool.available * this.#config.blockTokens - budget.reserved;
  }

  /** Nobody else is tried. With an empty batch that holds for this pass only: nobody would ever leave it. */
  #close(): void {
    this.#full = this.batch.size > 0;
  }

  #retract(): void {
    while (this.batch.size > 0 && this.batch.pagesNeeded(0) > this.pool.available) {
      assert(this.batch.size > 1 || this.chunked !== undefined, 'a request alone in the token pool finds no page');
      const victim = this.batch.fewestGenerated();
      this.batch.remove(victim, 0);
      this.pages.release(victim);
      this.waiting.unshift(victim);
      this.#totals.preemptions++;
    }
    this.ratio.reset();
    this.#full = false;
  }
}

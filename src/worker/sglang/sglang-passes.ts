/**
 * The passes of the engine: how long each takes, what its end brings, and how far ahead they are planned. While the
 * batch cannot change, many decode passes are planned at once (`decode-plan.ts`) and passed over when something looks.
 */
import type { StepTime, StepWork } from '../timing/step-time.ts';
import { makeTiming } from '../timing/timing.ts';
import type { TokenObserver, WorkerTotals } from '../worker.ts';
import { hashInstant } from './decode-batch.ts';
import { DecodePlan } from './decode-plan.ts';
import type { SglangConfig } from './sglang-config.ts';
import type { SglangScheduler } from './sglang-scheduler.ts';
import type { SglangSequence } from './sglang-sequence.ts';

/** Told of each request what a pass brought it. */
export interface PassListener<Owner> {
  firstToken(sequence: SglangSequence<Owner>): void;
  finished(sequence: SglangSequence<Owner>): void;
  /** It is out of the engine; if it has finished, that is said next. */
  left(sequence: SglangSequence<Owner>): void;
}

export class SglangPasses<Owner> {
  /** Passes begun from now on take so many times as long. */
  slowFactor = 1;
  /** Cancelled while they decoded: they leave when the pass ends. */
  readonly leaving: SglangSequence<Owner>[] = [];
  readonly #scheduler: SglangScheduler<Owner>;
  readonly #timing: StepTime;
  readonly #totals: WorkerTotals;
  readonly #observer: TokenObserver;
  readonly #listener: PassListener<Owner>;
  readonly #fastForward: boolean;
  readonly #plan = new DecodePlan();
  #busy = false;
  /** Of the pass that runs: when it began, and whether the batch decodes in it. */
  #startAt = 0;
  #decodes = false;

  constructor(
    config: SglangConfig,
    scheduler: SglangScheduler<Owner>,
    totals: WorkerTotals,
    observer: TokenObserver,
    listener: PassListener<Owner>,
    fastForward: boolean,
  ) {
    this.#scheduler = scheduler;
    this.#timing = makeTiming(config.timing);
    this.#totals = totals;
    this.#observer = observer;
    this.#listener = listener;
    this.#fastForward = fastForward;
  }

  /** A pass runs. */
  get busy(): boolean {
    return this.#busy;
  }

  /** End of the last planned pass, while one runs. */
  get endAt(): number {
    return this.#plan.endAt;
  }

  /** Tokens that each member of the batch computes now: 1 in a pass that decodes, else 0. */
  get inPass(): 0 | 1 {
    return this.#busy && this.#decodes ? 1 : 0;
  }

  /** Requests in the batch, those that leave at the end of the pass included. */
  get running(): number {
    return this.#scheduler.running + this.leaving.length;
  }

  /** Schedules and begins a pass; false when there is nothing to do. */
  begin(now: number): boolean {
    const { batch, prefilling } = this.#scheduler;
    this.#decodes = this.#scheduler.schedule();
    if (!this.#decodes && prefilling.length === 0) return false;
    this.#busy = true;
    this.#startAt = now;
    this.#noteUse();
    if (prefilling.length > 0) {
      this.#plan.single(now + this.#durationUs(this.#timing.us(this.#work())));
      return true;
    }
    this.#plan.single(now + this.#durationUs(this.#timing.decodeUs(batch.size, batch.kvTokens + batch.size)));
    if (this.#fastForward && this.#scheduler.settled) this.#planAhead();
    return true;
  }

  /** Passes over the planned passes that ended before `now`, the last one excepted. */
  catchUp(now: number): void {
    if (!this.#busy) return;
    for (let endAt = this.#plan.nextEnded(now); endAt >= 0; endAt = this.#plan.nextEnded(now)) {
      this.#pass(endAt);
      this.#scheduler.beginDecode();
      this.#noteUse();
    }
  }

  /** Makes the pass that runs at `now` the last one: the batch may change after it. */
  cut(now: number): void {
    if (!this.#busy) return;
    this.catchUp(now);
    this.#plan.cut();
  }

  /** The pass that runs ends so much later; nothing is planned behind it. */
  delay(us: number): void {
    this.#plan.delay(us);
  }

  /** The last planned pass ends: tokens come out, the finished and the cancelled leave. */
  end(now: number): void {
    this.catchUp(Infinity);
    this.#pass(now);
    this.#busy = false;
    const { batch, prefilling } = this.#scheduler;
    for (const sequence of batch.takeFinished()) this.#finish(sequence);
    for (const sequence of prefilling) this.#endPrefill(now, sequence);
    prefilling.length = 0;
    for (const sequence of this.leaving) this.#leave(sequence);
    this.leaving.length = 0;
  }

  /**
   * Gives up one in the batch. While a pass runs it keeps its place until that ends, but its view is final at once: its
   * share of the pass is paid for.
   */
  cancel(sequence: SglangSequence<Owner>): void {
    const { batch, prefilling, chunked } = this.#scheduler;
    sequence.cancelled = true;
    if (prefilling.includes(sequence)) {
      this.#totals.recomputedTokens += sequence.book();
      return;
    }
    if (sequence === chunked) this.#scheduler.chunked = undefined;
    else batch.remove(sequence, this.inPass);
    if (this.#busy) this.leaving.push(sequence);
    else this.#leave(sequence);
  }

  /** The pass that runs is lost. */
  drop(): void {
    this.#busy = false;
    this.leaving.length = 0;
  }

  /** Plans decode passes while nobody ends and pages last. */
  #planAhead(): void {
    const { batch, pool } = this.#scheduler;
    const { size, passesLeft } = batch;
    let available = pool.available;
    let kvTokens = batch.kvTokens + size;
    this.#plan.extend((ahead) => {
      if (ahead >= passesLeft) return -1;
      available -= batch.pagesNeeded(ahead);
      if (available < 0) return -1;
      kvTokens += size;
      return this.#durationUs(this.#timing.decodeUs(size, kvTokens));
    });
  }

  /** What the prefill pass that begins computes. */
  #work(): StepWork {
    const { batch, prefilling } = this.#scheduler;
    let prefillTokens = 0;
    let prefillContextTokens = 0;
    for (const sequence of prefilling) {
      prefillTokens += sequence.scheduled;
      prefillContextTokens += sequence.computed;
    }
    const decodeJobs = this.#decodes ? batch.size : 0;
    const decodeKvTokens = this.#decodes ? batch.kvTokens + batch.size : 0;
    return { prefillJobs: prefilling.length, prefillTokens, prefillContextTokens, decodeJobs, decodeKvTokens };
  }

  /** Whole microseconds, at least one, so that an engine with work always makes progress. */
  #durationUs(us: number): number {
    return Math.max(1, Math.round(this.slowFactor * us));
  }

  #noteUse(): void {
    this.#totals.kvBlocksMax = Math.max(this.#totals.kvBlocksMax, this.#scheduler.pool.used);
  }

  /** A pass has ended, and the batch has its tokens if it decoded; nobody leaves yet. */
  #pass(endAt: number): void {
    const { batch, pool } = this.#scheduler;
    const us = endAt - this.#startAt;
    this.#startAt = endAt;
    this.#totals.iterations++;
    this.#totals.busyUs += us;
    this.#totals.runningUs += us * this.running;
    this.#totals.kvBlockUs += us * pool.used;
    if (!this.#decodes) return;
    this.#totals.generatedTokens += batch.size;
    batch.endPass(endAt);
  }

  #endPrefill(now: number, sequence: SglangSequence<Owner>): void {
    if (sequence.cancelled) {
      if (sequence === this.#scheduler.chunked) this.#scheduler.chunked = undefined;
      this.#leave(sequence);
      return;
    }
    this.#totals.recomputedTokens += sequence.book();
    if (sequence.computed < sequence.known) {
      this.#scheduler.pages.publish(sequence);
      return;
    }
    if (sequence.remaining > 0) this.#yield(now, sequence);
    if (sequence.remaining === 0) {
      this.#finish(sequence);
      return;
    }
    this.#scheduler.pages.publish(sequence);
    this.#scheduler.batch.join(sequence);
  }

  /** The token that follows a prompt, or what was computed again. */
  #yield(now: number, sequence: SglangSequence<Owner>): void {
    if (sequence.generated > 0) this.#observer.tokenGaps(now - sequence.lastTokenAt, 1);
    else this.#listener.firstToken(sequence);
    sequence.yieldAt(now, hashInstant(now));
    this.#totals.generatedTokens++;
  }

  #finish(sequence: SglangSequence<Owner>): void {
    this.#leave(sequence);
    this.#listener.finished(sequence);
  }

  /** Gives its pages back; whole ones stay cached. */
  #leave(sequence: SglangSequence<Owner>): void {
    const { pages } = this.#scheduler;
    pages.publish(sequence);
    pages.release(sequence);
    this.#scheduler.reopen();
    this.#listener.left(sequence);
  }
}

/**
 * A token-exact continuous-batching engine in virtual time. Work proceeds in passes (iterations): at its begin a
 * pass is scheduled and priced, at its end its tokens exist. A pass begins in the wake phase of an instant, after
 * everything that arrives then, and ends in the io phase; nothing is revoked, a request cancelled in mid-pass
 * leaves at its end.
 *
 * While the batch cannot change, the engine plans many passes ahead and asks for one event at the end of the last
 * (`pass-plan.ts`). Whatever touches it in between (a submission that may be admitted, a cancellation, a slow-down, a
 * crash) first brings it up to date and cuts the plan to the pass that runs then.
 */
import { assert } from '../kernel/assert.ts';
import { PHASE, type Phase } from '../kernel/event-queue.ts';
import type { EngineConfig } from './engine-config.ts';
import { checkEngine } from './engine-checks.ts';
import { gaugesOf } from './engine-gauges.ts';
import { PassBook } from './pass-book.ts';
import { PassPlan } from './pass-plan.ts';
import { PromptHold } from './prompt-hold.ts';
import { Scheduler } from './scheduler.ts';
import { Sequence } from './sequence.ts';
import { makeTiming } from './timing/timing.ts';
import type { JobInit, JobView, SimWorker, TokenObserver, WorkerEvent } from './worker.ts';
import { NO_TIME, type WorkerGauges, type WorkerHeld, type WorkerTotals, zeroTotals } from './worker.ts';

export class Engine<Owner> implements SimWorker<Owner> {
  readonly totals: WorkerTotals = zeroTotals();
  readonly #config: EngineConfig;
  readonly #observer: TokenObserver;
  readonly #fastForward: boolean;
  /** Prompt plus output at most: what the model, the pool and, after a preemption, one unchunked prefill can hold. */
  readonly #modelTokens: number;
  readonly #scheduler: Scheduler<Owner>;
  readonly #plan: PassPlan;
  readonly #book: PassBook;
  readonly #byOwner = new Map<Owner, Sequence<Owner>>();
  /** Neither running nor waiting, but with blocks: kept for another engine to read, or reserved for what comes. */
  readonly #inTransfer = new Map<Owner, Sequence<Owner>>();
  /** Used again, not shortened: V8 sets an array's length in its slow path. */
  readonly #outbox: (WorkerEvent<Owner> | undefined)[] = [];
  #given = 0;
  #taken = 0;
  #state: 'idle' | 'begin-due' | 'busy' = 'idle';
  #beginAt = Infinity;
  /** When it stopped, or Infinity. */
  #pausedAt = Infinity;
  #sequences = 0;
  /** Number of the pass that ends a decoding sequence first. */
  #lastPass = Infinity;
  #waitingSince = NO_TIME;

  constructor(config: EngineConfig, observer: TokenObserver, fastForward = true) {
    this.#config = config;
    this.#observer = observer;
    this.#fastForward = fastForward;
    const wholeTokens = config.chunkedPrefill ? Infinity : config.maxBatchedTokens + 1;
    this.#modelTokens = Math.min(config.maxModelTokens, config.blocks * config.blockTokens, wholeTokens);
    this.#scheduler = new Scheduler(config, this.totals);
    this.#plan = new PassPlan(makeTiming(config.timing));
    this.#book = new PassBook(this.totals, observer);
  }

  submit(now: number, init: JobInit<Owner>): number {
    const { waiting, running } = this.#scheduler;
    const { maxWaiting, maxRunning } = this.#config;
    if (this.limitOf(init) < 0) return 400;
    if (waiting.size >= maxWaiting) return 503;
    this.#noteWaiting(now);
    const urgent = waiting.size === 0 || this.#config.scheduling === 'priority';
    const sequence = this.#sequenceOf(init);
    waiting.join(sequence);
    this.#byOwner.set(init.owner, sequence);
    if (this.#state === 'idle') this.#beginDue(now);
    // A pass whose budget a prompt takes up admits nobody.
    else if (urgent && this.#plan.chunk === 0 && running.length < maxRunning) this.#cut(now);
    return 0;
  }

  /** Tokens that a job would generate here; -1: it can never run. */
  limitOf({ promptTokens, outputTokens }: Pick<JobInit<Owner>, 'promptTokens' | 'outputTokens'>): number {
    const { maxBatchedTokens, chunkedPrefill } = this.#config;
    const room = this.#modelTokens - promptTokens;
    const tooLong = promptTokens > maxBatchedTokens && !chunkedPrefill;
    return tooLong || room < Math.min(1, outputTokens) ? -1 : Math.min(outputTokens, room);
  }

  /**
   * Takes the blocks for a job whose prompt is computed elsewhere and is to come here, until `adopt` or `releaseKv`.
   * Answers the prompt tokens found in the cache, or -1: the blocks are not available. The job can run here.
   */
  reserve(now: number, init: JobInit<Owner>): number {
    this.#bringTo(now);
    const sequence = this.#sequenceOf(init);
    if (!this.#scheduler.reserve(sequence)) return -1;
    const { used } = this.#scheduler.pool;
    if (used > this.totals.kvBlocksMax) this.totals.kvBlocksMax = used;
    this.#inTransfer.set(init.owner, sequence);
    return sequence.cachedTokens;
  }

  /** The prompt of a reserved job is here: it goes on with its second token. There is a place in the batch. */
  adopt(now: number, owner: Owner, firstTokenAt: number): JobView<Owner> {
    this.#bringTo(now);
    const sequence = this.#inTransfer.get(owner) as Sequence<Owner>;
    this.#inTransfer.delete(owner);
    this.#byOwner.set(owner, sequence);
    this.#scheduler.adopt(sequence, firstTokenAt);
    if (this.#state === 'idle') this.#beginDue(now);
    return sequence;
  }

  /** Blocks that were kept after a job's end (`keepsKv`), or reserved for one, are free again. */
  releaseKv(now: number, owner: Owner): void {
    this.#bringTo(now);
    const sequence = this.#inTransfer.get(owner) as Sequence<Owner>;
    this.#inTransfer.delete(owner);
    if (sequence.init.keepsKv === true) this.#scheduler.release(sequence);
    else this.#scheduler.unreserve(sequence);
    if (this.#state === 'idle' && this.#byOwner.size > 0) this.#beginDue(now);
  }

  /** Places free in the batch, a count that grows whenever blocks became available, and jobs reserved or kept. */
  transferState(): { readonly places: number; readonly blockReturns: number; readonly inTransfer: number } {
    const { running, pool } = this.#scheduler;
    const places = this.#config.maxRunning - running.length;
    return { places, blockReturns: pool.returns, inTransfer: this.#inTransfer.size };
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    const sequence = this.#byOwner.get(owner);
    if (sequence === undefined || sequence.cancelled) return undefined;
    this.#bringTo(now);
    if (!this.#byOwner.has(owner)) return undefined;
    const { waiting, running, decoders } = this.#scheduler;
    if (sequence.waiting) {
      this.#noteWaiting(now);
      waiting.leave(sequence);
      this.#byOwner.delete(owner);
      return sequence;
    }
    const { decoding } = sequence;
    if (decoding) decoders.leave(sequence);
    if (this.#state === 'busy') {
      sequence.cancelled = true;
      // Its share of the pass that runs is paid for: the answer must not change any more.
      if (decoding) sequence.scheduled = 1;
      this.#book.computed(sequence);
    } else {
      running.splice(running.indexOf(sequence), 1);
      sequence.cancelled = true;
      this.#drop(sequence);
    }
    return sequence;
  }

  crash(now: number): readonly JobView<Owner>[] {
    this.#cut(now);
    this.#noteWaiting(now);
    const { running, waiting, pool, decoders } = this.#scheduler;
    const lost = [...running, ...waiting].filter((sequence) => !sequence.cancelled);
    for (const sequence of lost) {
      if (sequence.decoding) decoders.leave(sequence);
      else if (sequence.waiting) waiting.leave(sequence);
    }
    running.length = 0;
    this.#byOwner.clear();
    this.#inTransfer.clear();
    pool.reset();
    this.#state = 'idle';
    this.#beginAt = Infinity;
    this.#pausedAt = Infinity;
    return lost;
  }

  slowDown(now: number, factor: number): void {
    this.#cut(now);
    this.#plan.slowFactor = factor;
  }

  pause(now: number): void {
    this.#cut(now);
    this.#pausedAt = now;
  }

  /** The pass that stood still ends so much later; one that was due begins now. */
  resume(now: number): void {
    const pausedUs = now - this.#pausedAt;
    this.#pausedAt = Infinity;
    if (this.#state === 'busy') this.#plan.delay(pausedUs);
    else if (this.#state === 'begin-due') this.#beginAt = now;
  }

  /** What it announced comes no earlier than `at`: it waits for other ranks. */
  defer(at: number): void {
    if (this.#state === 'busy') this.#plan.delay(Math.max(0, at - this.#plan.endAt));
    else if (this.#state === 'begin-due') this.#beginAt = Math.max(this.#beginAt, at);
  }

  advance(now: number): void {
    assert(now === this.nextAt(), 'an engine was advanced at an instant it did not announce');
    if (this.#state === 'busy') this.#endPass(now);
    else this.#begin(now);
  }

  catchUp(now: number): void {
    this.#noteWaiting(now);
    if (this.#state === 'busy') this.#applyPasses(this.#plan.over(now));
  }

  take(): WorkerEvent<Owner> | undefined {
    if (this.#taken === this.#given) {
      this.#taken = this.#given = 0;
      return undefined;
    }
    const event = this.#outbox[this.#taken];
    this.#outbox[this.#taken++] = undefined;
    return event;
  }

  nextAt(): number {
    if (this.#pausedAt < Infinity) return Infinity;
    return this.#state === 'busy' ? this.#plan.endAt : this.#beginAt;
  }

  nextPhase(): Phase {
    return this.#state === 'busy' ? PHASE.io : PHASE.wake;
  }

  gauges(): WorkerGauges {
    return gaugesOf(this.#scheduler, this.#config, (sequence) => this.#heldTokens(sequence));
  }

  held(): WorkerHeld {
    const { running, waiting, pool } = this.#scheduler;
    return { running: running.length, waiting: waiting.size, kvBlocks: pool.used };
  }

  checkInvariants(): void {
    const heldTokens = (sequence: Sequence<Owner>): number => this.#heldTokens(sequence);
    checkEngine(this.#scheduler, this.#config, this.#byOwner, this.#inTransfer, heldTokens);
  }

  /** Tokens that a running sequence has KV blocks for: those computed, and those of the pass that runs. */
  #heldTokens(sequence: Sequence<Owner>): number {
    const { computed, decoding, scheduled } = sequence;
    if (this.#state !== 'busy') return computed;
    return computed + (decoding ? 1 : scheduled);
  }

  #beginDue(now: number): void {
    this.#state = 'begin-due';
    this.#beginAt = now;
  }

  #begin(now: number): void {
    this.#noteWaiting(now);
    const scheduler = this.#scheduler;
    const pass = scheduler.schedule();
    this.#beginAt = Infinity;
    if (pass.tokens === 0) {
      const waitsForBlocks = this.#inTransfer.size > 0;
      assert(this.#byOwner.size === 0 || waitsForBlocks, 'an engine with work scheduled nothing');
      this.#state = 'idle';
      return;
    }
    this.#state = 'busy';
    const { used, available } = scheduler.pool;
    const { maxBatchedTokens } = this.#config;
    if (used > this.totals.kvBlocksMax) this.totals.kvBlocksMax = used;
    this.#plan.single(now, pass, used);
    this.#lastPass = Infinity;
    for (const sequence of scheduler.running) {
      if (sequence.decoding && sequence.lastPass < this.#lastPass) this.#lastPass = sequence.lastPass;
    }
    if (this.#fastForward && !pass.disturbed) this.#plan.ahead(scheduler, this.#lastPass, maxBatchedTokens, available);
  }

  /** Books the planned passes before number `over`; the next one then runs. */
  #applyPasses(over: number): void {
    const plan = this.#plan;
    const from = plan.done;
    if (over === from) return;
    const { used, chunk } = plan;
    const { decoders, pool, running } = this.#scheduler;
    if (chunk > 0) {
      this.#applyChunks(over);
    } else {
      this.#book.passes(plan, over, running.length, decoders);
      decoders.passedAll(plan.ends, from, over);
      pool.take((used[over] as number) - (used[from] as number));
    }
    plan.done = over;
    this.totals.generatedTokens += (over - from) * decoders.jobs;
    if (pool.used > this.totals.kvBlocksMax) this.totals.kvBlocksMax = pool.used;
  }

  /** The same while a prompt takes the rest of each pass's budget. */
  #applyChunks(over: number): void {
    const plan = this.#plan;
    const { decoders, pool, running } = this.#scheduler;
    const sequence = running[running.length - 1] as Sequence<Owner>;
    for (let pass = plan.done; pass < over; pass++) {
      const endAt = plan.ends[pass] as number;
      this.#book.pass(plan, endAt, plan.used[pass] as number, running.length, decoders);
      decoders.passed(endAt);
      this.#book.computed(sequence);
      pool.take(decoders.blocksNeeded(0));
      this.#scheduler.grow(sequence, plan.chunk);
    }
  }

  #cut(now: number): void {
    if (this.#state !== 'busy') return;
    this.#applyPasses(this.#plan.over(now));
    this.#plan.cutAt(now);
  }

  /** The last planned pass ends: tokens come out, the finished and the cancelled leave, the next pass is due. */
  #endPass(now: number): void {
    const plan = this.#plan;
    const { running, decoders } = this.#scheduler;
    const last = plan.passes - 1;
    this.#applyPasses(last);
    this.#book.pass(plan, now, plan.used[last] as number, running.length, decoders);
    const { jobs } = decoders;
    this.totals.generatedTokens += jobs;
    decoders.passed(now);
    if (running.length > jobs || this.#lastPass === decoders.passes) this.#sweep(now);
    this.#state = 'idle';
    if (this.#byOwner.size > 0) this.#beginDue(now);
  }

  /** Looks at each running sequence after a pass: some were computed by it, some leave. */
  #sweep(now: number): void {
    const { running, decoders } = this.#scheduler;
    let kept = 0;
    for (const sequence of running) {
      if (sequence.decoding) {
        if (sequence.lastPass !== decoders.passes) {
          running[kept++] = sequence;
          continue;
        }
        decoders.leave(sequence);
        this.#finish(sequence);
      } else if (sequence.cancelled) this.#drop(sequence);
      else if (this.#settled(sequence, now)) this.#finish(sequence);
      else running[kept++] = sequence;
    }
    while (running.length > kept) running.pop();
  }

  /** Books what the pass computed of a sequence that did not decode before; true when it was all it had to do. */
  #settled(sequence: Sequence<Owner>, now: number): boolean {
    if (sequence.scheduled === 0) return false;
    this.#book.computed(sequence);
    if (sequence.tokensComputed < sequence.known) return false;
    if (sequence.outputLimit === 0) return true;
    const { decoders } = this.#scheduler;
    if (sequence.lastAt !== -Infinity) this.#observer.tokenGaps(now - sequence.lastAt, 1);
    this.totals.generatedTokens++;
    const isLast = sequence.tokens + 1 === sequence.outputLimit;
    if (isLast) decoders.single(sequence);
    else decoders.join(sequence);
    if (sequence.tokens === 1) this.#outbox[this.#given++] = { kind: 'first-token', job: sequence };
    return isLast;
  }

  #finish(sequence: Sequence<Owner>): void {
    this.#drop(sequence);
    this.#outbox[this.#given++] = { kind: 'finished', job: sequence };
  }

  #drop(sequence: Sequence<Owner>): void {
    const { owner, keepsKv } = sequence.init;
    this.#byOwner.delete(owner);
    if (keepsKv === true && !sequence.cancelled) this.#inTransfer.set(owner, sequence);
    else this.#scheduler.release(sequence);
  }

  #sequenceOf(init: JobInit<Owner>): Sequence<Owner> {
    const { prefixCache, blockTokens } = this.#config;
    const prompt = prefixCache && init.hashIds.length > 0 ? new PromptHold(init, blockTokens) : undefined;
    return new Sequence(init, this.#sequences++, this.limitOf(init), prompt, this.#scheduler.decoders);
  }

  /** Up to date, in no planned stretch. A pass that ends now is over, pending or skipped: both modes answer alike. */
  #bringTo(now: number): void {
    this.#cut(now);
    const stands = this.#pausedAt < Infinity;
    if (this.#state === 'busy' && !stands && this.#plan.endAt === now) this.#endPass(now);
  }

  #noteWaiting(now: number): void {
    this.totals.waitingUs += (now - this.#waitingSince) * this.#scheduler.waiting.size;
    this.#waitingSince = now;
  }
}

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
import { PassPlan } from './pass-plan.ts';
import { PromptHold } from './prompt-hold.ts';
import { type Pass, Scheduler } from './scheduler.ts';
import { Sequence } from './sequence.ts';
import { makeTiming } from './timing/timing.ts';
import {
  type JobInit,
  type JobView,
  type SimWorker,
  type TokenObserver,
  type WorkerEvent,
  type WorkerGauges,
  type WorkerHeld,
  NO_TIME,
  type WorkerTotals,
  zeroTotals,
} from './worker.ts';

export class Engine<Owner> implements SimWorker<Owner> {
  readonly totals: WorkerTotals = zeroTotals();
  readonly #config: EngineConfig;
  readonly #observer: TokenObserver;
  readonly #fastForward: boolean;
  /** Prompt plus output at most: what the model, the pool and, after a preemption, one unchunked prefill can hold. */
  readonly #modelTokens: number;
  readonly #scheduler: Scheduler<Owner>;
  readonly #plan: PassPlan;
  readonly #byOwner = new Map<Owner, Sequence<Owner>>();
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
  }

  submit(now: number, init: JobInit<Owner>): number {
    const { waiting, running, decoders } = this.#scheduler;
    const { maxBatchedTokens, chunkedPrefill, maxWaiting, maxRunning, prefixCache, blockTokens } = this.#config;
    const tooLong = init.promptTokens > maxBatchedTokens && !chunkedPrefill;
    const room = this.#modelTokens - init.promptTokens;
    if (tooLong || room < Math.min(1, init.outputTokens)) return 400;
    if (waiting.size >= maxWaiting) return 503;
    this.#noteWaiting(now);
    const urgent = waiting.size === 0 || this.#config.scheduling === 'priority';
    const prompt = prefixCache && init.hashIds.length > 0 ? new PromptHold(init, blockTokens) : undefined;
    const limit = Math.min(init.outputTokens, room);
    const sequence = new Sequence(init, this.#sequences++, limit, prompt, decoders);
    waiting.join(sequence);
    this.#byOwner.set(init.owner, sequence);
    if (this.#state === 'idle') this.#beginDue(now);
    // A pass whose budget a prompt takes up admits nobody.
    else if (urgent && this.#plan.chunk === 0 && running.length < maxRunning) this.#cut(now);
    return 0;
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    const sequence = this.#byOwner.get(owner);
    if (sequence === undefined || sequence.cancelled) return undefined;
    this.#cut(now);
    // A pass that ends now is over, whether its end is still pending or was skipped: the two modes answer alike.
    if (this.#state === 'busy' && this.#plan.endAt === now) this.#endPass(now);
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
      this.#book(sequence);
    } else {
      running.splice(running.indexOf(sequence), 1);
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
    const { running, waiting, pool } = this.#scheduler;
    let decodeBlocks = 0;
    for (const sequence of running) {
      if (sequence.generated > 0) decodeBlocks += this.#scheduler.blocksOf(this.#heldTokens(sequence));
    }
    let waitingPromptTokens = 0;
    for (const sequence of waiting) waitingPromptTokens += sequence.known;
    return {
      running: running.length,
      waiting: waiting.size,
      kvUsedBlocks: pool.used,
      kvTotalBlocks: pool.total,
      decodeBlocks,
      waitingPromptTokens,
      maxBatchedTokens: this.#config.maxBatchedTokens,
      maxRunning: this.#config.maxRunning,
    };
  }

  held(): WorkerHeld {
    const { running, waiting, pool } = this.#scheduler;
    return { running: running.length, waiting: waiting.size, kvBlocks: pool.used };
  }

  checkInvariants(): void {
    checkEngine(this.#scheduler, this.#config, this.#byOwner, (sequence) => this.#heldTokens(sequence));
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
      assert(this.#byOwner.size === 0, 'an engine with work scheduled nothing');
      this.#state = 'idle';
      return;
    }
    this.#state = 'busy';
    const { used, available } = scheduler.pool;
    if (used > this.totals.kvBlocksMax) this.totals.kvBlocksMax = used;
    this.#plan.single(now, pass, used);
    this.#lastPass = Infinity;
    for (const sequence of scheduler.running) {
      if (sequence.decoding && sequence.lastPass < this.#lastPass) this.#lastPass = sequence.lastPass;
    }
    if (this.#fastForward && !pass.disturbed) this.#planAhead(pass, available);
  }

  /** Plans the passes for which this batch stays as it is. */
  #planAhead(pass: Pass, available: number): void {
    const { running, decoders } = this.#scheduler;
    const passesMax = this.#lastPass - decoders.passes;
    if (running.length === decoders.jobs) {
      this.#plan.extend(decoders, passesMax, available);
      return;
    }
    const last = running[decoders.jobs] as Sequence<Owner>;
    if (running.length > decoders.jobs + 1 || pass.tokens < this.#config.maxBatchedTokens) return;
    const { known, tokensComputed, scheduled } = last;
    const chunks = Math.floor((known - tokensComputed) / scheduled);
    if (chunks > 1) {
      this.#plan.extendChunks(decoders, Math.min(passesMax, chunks), available, pass, tokensComputed);
    }
  }

  /** Books the planned passes before number `over`; the next one then runs. */
  #applyPasses(over: number): void {
    const plan = this.#plan;
    const from = plan.done;
    if (over === from) return;
    const { ends, used, chunk } = plan;
    const { decoders, pool, running } = this.#scheduler;
    const { jobs } = decoders;
    for (let pass = from; pass < over; pass++) {
      const endAt = ends[pass] as number;
      this.#countPass(endAt, used[pass] as number, running.length);
      if (jobs > 0) this.#observer.tokenGaps(endAt - decoders.endedAt, jobs);
      decoders.passed(endAt);
      if (chunk > 0) this.#nextChunk(running[running.length - 1] as Sequence<Owner>, chunk);
    }
    plan.done = over;
    this.totals.generatedTokens += (over - from) * jobs;
    if (chunk === 0) pool.take((used[over] as number) - (used[from] as number));
    if (pool.used > this.totals.kvBlocksMax) this.totals.kvBlocksMax = pool.used;
  }

  #nextChunk(sequence: Sequence<Owner>, chunk: number): void {
    const { decoders, pool } = this.#scheduler;
    this.#book(sequence);
    pool.take(decoders.blocksNeeded(0));
    this.#scheduler.grow(sequence, chunk);
  }

  #countPass(endAt: number, usedBlocks: number, jobs: number): void {
    const us = endAt - this.#plan.startAt;
    this.#plan.startAt = endAt;
    const { totals } = this;
    totals.iterations++;
    totals.busyUs += us;
    totals.runningUs += us * jobs;
    totals.kvBlockUs += us * usedBlocks;
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
    this.#countPass(now, plan.used[last] as number, running.length);
    const { jobs } = decoders;
    if (jobs > 0) this.#observer.tokenGaps(now - decoders.endedAt, jobs);
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
    this.#book(sequence);
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

  /** Counts what the pass computes of one sequence, and how much of it had been computed before. */
  #book(sequence: Sequence<Owner>): void {
    const { scheduled } = sequence;
    sequence.scheduled = 0;
    const again = Math.min(sequence.computedPeak - sequence.tokensComputed, scheduled);
    if (again > 0) {
      sequence.recomputedTokens += again;
      this.totals.recomputedTokens += again;
    }
    sequence.tokensComputed += scheduled;
    sequence.work += scheduled;
  }

  #finish(sequence: Sequence<Owner>): void {
    this.#drop(sequence);
    this.#outbox[this.#given++] = { kind: 'finished', job: sequence };
  }

  #drop(sequence: Sequence<Owner>): void {
    this.#scheduler.release(sequence);
    this.#byOwner.delete(sequence.init.owner);
  }

  #noteWaiting(now: number): void {
    this.totals.waitingUs += (now - this.#waitingSince) * this.#scheduler.waiting.size;
    this.#waitingSince = now;
  }
}

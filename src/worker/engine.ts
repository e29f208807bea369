/**
 * A token-exact continuous-batching engine in virtual time. Work proceeds in passes (iterations): at its begin a
 * pass is scheduled and priced, at its end its tokens exist. A pass begins in the wake phase of an instant, after
 * everything that arrives then, and ends in the io phase; nothing is revoked, a request cancelled in mid-pass
 * leaves at its end.
 *
 * While the batch cannot change, the engine plans many passes ahead and asks for one event at the end of the last
 * (`decode-run.ts`). Whatever touches it in between (a submission that may be admitted, a cancellation, a slow-down, a
 * crash) first brings it up to date and cuts the plan to the pass that runs then.
 *
 * Sequences share the instants at which they get tokens. Instead of hashing every token of every sequence, the
 * engine keeps one running sum of hashed pass ends; a sequence's token-time hash is the difference between two
 * readings of it.
 */
import { assert } from '../kernel/assert.ts';
import { PHASE, type Phase } from '../kernel/event-queue.ts';
import { mix32 } from '../kernel/rng.ts';
import { DecodeRun } from './decode-run.ts';
import type { EngineConfig } from './engine-config.ts';
import { KvPool } from './kv-pool.ts';
import { type Pass, Scheduler } from './scheduler.ts';
import { Sequence } from './sequence.ts';
import {
  type JobInit,
  type JobView,
  type SimWorker,
  type TokenObserver,
  type WorkerEvent,
  type WorkerGauges,
  type WorkerHeld,
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
  readonly #pool: KvPool;
  readonly #scheduler: Scheduler<Owner>;
  readonly #run: DecodeRun;
  readonly #byOwner = new Map<Owner, Sequence<Owner>>();
  readonly #outbox: WorkerEvent<Owner>[] = [];
  #taken = 0;
  #state: 'idle' | 'begin-due' | 'busy' = 'idle';
  #beginAt = Infinity;
  #slowFactor = 1;
  #sequences = 0;
  /** Number of the pass that ended last. */
  #passNumber = 0;
  /** Sum of the hashed ends of all passes. */
  #hash = 0;
  #waitingSince = 0;

  constructor(config: EngineConfig, observer: TokenObserver, fastForward = true) {
    this.#config = config;
    this.#observer = observer;
    this.#fastForward = fastForward;
    const wholeTokens = config.chunkedPrefill ? Infinity : config.maxBatchedTokens + 1;
    this.#modelTokens = Math.min(config.maxModelTokens, config.blocks * config.blockTokens, wholeTokens);
    this.#pool = new KvPool(config.blocks);
    this.#scheduler = new Scheduler(config, this.#pool, this.totals);
    this.#run = new DecodeRun(config.blockTokens);
  }

  submit(now: number, init: JobInit<Owner>): number {
    const { waiting, running } = this.#scheduler;
    const tooLong = init.promptTokens > this.#config.maxBatchedTokens && !this.#config.chunkedPrefill;
    const room = this.#modelTokens - init.promptTokens;
    if (tooLong || room < Math.min(1, init.outputTokens)) return 400;
    if (waiting.length >= this.#config.maxWaiting) return 503;
    this.#noteWaiting(now);
    const admissible = waiting.length === 0 && running.length < this.#config.maxRunning;
    const sequence = new Sequence(init, this.#sequences++, Math.min(init.outputTokens, room));
    waiting.push(sequence);
    this.#byOwner.set(init.owner, sequence);
    if (this.#state === 'idle') this.#beginDue(now);
    else if (this.#state === 'busy' && admissible) this.#cut(now);
    return 0;
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    const sequence = this.#byOwner.get(owner);
    if (sequence === undefined || sequence.cancelled) return undefined;
    this.#cut(now);
    // A pass that ends now is over, whether its end is still pending or was skipped: the two modes answer alike.
    if (this.#state === 'busy' && this.#run.endAt === now) this.#endPass(now);
    if (!this.#byOwner.has(owner)) return undefined;
    const waitingAt = this.#scheduler.waiting.indexOf(sequence);
    if (waitingAt >= 0) {
      this.#noteWaiting(now);
      this.#scheduler.waiting.splice(waitingAt, 1);
      this.#forget(sequence);
    } else if (this.#state === 'busy') {
      sequence.cancelled = true;
      this.#closeHash(sequence);
      // Its share of the pass that runs is paid for: the answer must not change any more.
      this.#book(sequence);
      sequence.scheduled = 0;
    } else {
      this.#scheduler.running.splice(this.#scheduler.running.indexOf(sequence), 1);
      this.#drop(sequence);
    }
    return sequence;
  }

  crash(now: number): readonly JobView<Owner>[] {
    this.#cut(now);
    this.#noteWaiting(now);
    const { running, waiting } = this.#scheduler;
    const lost = [...running, ...waiting].filter((sequence) => !sequence.cancelled);
    for (const sequence of lost) this.#closeHash(sequence);
    running.length = 0;
    waiting.length = 0;
    this.#byOwner.clear();
    this.#pool.reset();
    this.#state = 'idle';
    this.#beginAt = Infinity;
    return lost;
  }

  slowDown(now: number, factor: number): void {
    this.#cut(now);
    this.#slowFactor = factor;
  }

  advance(now: number): void {
    assert(now === this.nextAt(), 'an engine was advanced at an instant it did not announce');
    if (this.#state === 'busy') this.#endPass(now);
    else this.#begin(now);
  }

  catchUp(now: number): void {
    this.#noteWaiting(now);
    if (this.#state === 'busy') this.#applyPasses(now);
  }

  take(): WorkerEvent<Owner> | undefined {
    if (this.#taken < this.#outbox.length) return this.#outbox[this.#taken++];
    this.#outbox.length = 0;
    this.#taken = 0;
    return undefined;
  }

  nextAt(): number {
    return this.#state === 'busy' ? this.#run.endAt : this.#beginAt;
  }

  nextPhase(): Phase {
    return this.#state === 'busy' ? PHASE.io : PHASE.wake;
  }

  gauges(): WorkerGauges {
    const { running, waiting } = this.#scheduler;
    let decodeBlocks = 0;
    for (const sequence of running) if (sequence.generated > 0) decodeBlocks += sequence.blocks.length;
    let waitingPromptTokens = 0;
    for (const sequence of waiting) waitingPromptTokens += sequence.known;
    return {
      running: running.length,
      waiting: waiting.length,
      kvUsedBlocks: this.#pool.used,
      kvTotalBlocks: this.#pool.total,
      decodeBlocks,
      waitingPromptTokens,
      maxBatchedTokens: this.#config.maxBatchedTokens,
      maxRunning: this.#config.maxRunning,
    };
  }

  held(): WorkerHeld {
    return {
      running: this.#scheduler.running.length,
      waiting: this.#scheduler.waiting.length,
      kvBlocks: this.#pool.used,
    };
  }

  checkInvariants(): void {
    const { running, waiting } = this.#scheduler;
    assert(running.length <= this.#config.maxRunning, 'more sequences run than max_num_seqs allows');
    assert(running.length + waiting.length === this.#byOwner.size, 'a sequence is in no list of the engine, or in two');
    for (const sequence of waiting) assert(sequence.blocks.length === 0, 'a waiting sequence holds KV blocks');
    for (const sequence of running) {
      const capacity = sequence.blocks.length * this.#config.blockTokens;
      assert(sequence.computed <= sequence.known, 'a sequence computed tokens that are not known');
      assert(sequence.computed <= capacity, 'a sequence computed tokens without KV blocks for them');
      assert(sequence.generated <= sequence.outputLimit, 'a sequence generated more than its limit');
    }
    this.#pool.checkInvariants();
  }

  #beginDue(now: number): void {
    this.#state = 'begin-due';
    this.#beginAt = now;
  }

  #begin(now: number): void {
    this.#noteWaiting(now);
    const pass = this.#scheduler.schedule(this.#onPreempt);
    this.#beginAt = Infinity;
    if (pass.scheduled === 0) {
      assert(this.#byOwner.size === 0, 'an engine with work scheduled nothing');
      this.#state = 'idle';
      return;
    }
    this.#state = 'busy';
    const used = this.#pool.used;
    this.totals.kvBlocksMax = Math.max(this.totals.kvBlocksMax, used);
    const start = {
      startAt: now,
      firstEndAt: now + this.#durationUs(pass.tokens, pass.kvTokens),
      jobs: this.#scheduler.running.length,
      kvTokens: pass.kvTokens,
      passesMax: this.#passesUntilChange(pass),
      usedBlocks: used,
      availableBlocks: this.#pool.available,
    };
    this.#run.single(start);
    if (start.passesMax > 1) {
      for (const sequence of this.#scheduler.running) this.#run.addPhase(sequence.computed);
      this.#run.extend(start, this.#priceUs);
    }
  }

  /** Passes for which this batch stays as it is: 1 unless every sequence got a token in the pass before, too. */
  #passesUntilChange(pass: Readonly<Pass>): number {
    if (!this.#fastForward || !pass.decodeOnly) return 1;
    let passes = Infinity;
    for (const sequence of this.#scheduler.running) {
      if (sequence.lastTokenPass !== this.#passNumber) return 1;
      passes = Math.min(passes, sequence.outputLimit - sequence.generated);
    }
    return passes;
  }

  readonly #onPreempt = (victim: Sequence<Owner>): void => this.#closeHash(victim);
  readonly #priceUs = (jobs: number, kvTokens: number): number => this.#durationUs(jobs, kvTokens);

  /** Whole microseconds, at least one, so that an engine with work always makes progress. */
  #durationUs(tokens: number, kvTokens: number): number {
    const { baseUs, perTokenUs, perKvTokenUs } = this.#config.step;
    const us = this.#slowFactor * (baseUs + perTokenUs * tokens + perKvTokenUs * kvTokens);
    return Math.max(1, Math.round(us));
  }

  /** Applies the planned passes that ended before `now`, the last one excepted. */
  #applyPasses(now: number): void {
    const passes = this.#run.advance(now, this.#onPassed);
    if (passes === 0) return;
    const doneAt = this.#run.doneAt;
    for (const sequence of this.#scheduler.running) {
      sequence.generated += passes;
      sequence.computed += passes;
      sequence.computedTokens += passes;
      sequence.lastTokenAt = doneAt;
      sequence.lastTokenPass = this.#passNumber;
      this.#scheduler.grow(sequence, sequence.computed + 1);
    }
    this.totals.kvBlocksMax = Math.max(this.totals.kvBlocksMax, this.#pool.used);
  }

  readonly #onPassed = (startAt: number, endAt: number, usedBlocks: number): void => {
    const jobs = this.#run.jobs;
    this.#countPass(startAt, endAt, usedBlocks, jobs);
    this.totals.generatedTokens += jobs;
    this.#hash = (this.#hash + hashInstant(endAt)) | 0;
    this.#observer.tokenGaps(endAt - startAt, jobs);
  };

  #countPass(startAt: number, endAt: number, usedBlocks: number, jobs: number): void {
    const us = endAt - startAt;
    this.#passNumber++;
    this.totals.iterations++;
    this.totals.busyUs += us;
    this.totals.runningUs += us * jobs;
    this.totals.kvBlockUs += us * usedBlocks;
  }

  #cut(now: number): void {
    if (this.#state !== 'busy') return;
    this.#applyPasses(now);
    this.#run.cutAt(now);
  }

  /** The last planned pass ends: tokens come out, the finished and the cancelled leave, the next pass is due. */
  #endPass(now: number): void {
    this.#applyPasses(Infinity);
    const startAt = this.#run.lastStartAt;
    this.#countPass(startAt, now, this.#run.lastUsedBlocks, this.#run.jobs);
    const passHash = hashInstant(now);
    const hashBefore = this.#hash;
    this.#hash = (this.#hash + passHash) | 0;
    const running = this.#scheduler.running;
    let even = 0;
    let kept = 0;
    for (const sequence of running) {
      const lastTokenAt = sequence.lastTokenAt;
      const yielded = this.#computed(sequence, now, hashBefore, passHash);
      if (yielded && lastTokenAt === startAt) even++;
      else if (yielded && lastTokenAt >= 0) this.#observer.tokenGaps(now - lastTokenAt, 1);
      if (sequence.cancelled) this.#drop(sequence);
      else if (sequence.computed >= sequence.init.promptTokens && sequence.generated >= sequence.outputLimit) {
        this.#finish(sequence);
      } else running[kept++] = sequence;
    }
    running.length = kept;
    if (even > 0) this.#observer.tokenGaps(now - startAt, even);
    this.#state = 'idle';
    if (this.#byOwner.size > 0) this.#beginDue(now);
  }

  /** Books what the pass computed of one sequence; true when it got a token. */
  #computed(sequence: Sequence<Owner>, now: number, hashBefore: number, passHash: number): boolean {
    this.#book(sequence);
    const due = sequence.scheduled > 0 && sequence.computed === sequence.known && !sequence.cancelled;
    if (!due || sequence.outputLimit === 0) {
      if (sequence.emitting) sequence.hashFrom = (sequence.hashFrom + passHash) | 0;
      return false;
    }
    if (!sequence.emitting) {
      sequence.emitting = true;
      sequence.hashFrom = hashBefore;
    }
    sequence.generated++;
    this.totals.generatedTokens++;
    sequence.lastTokenAt = now;
    sequence.lastTokenPass = this.#passNumber;
    if (sequence.generated === 1) this.#outbox.push({ kind: 'first-token', job: sequence });
    return true;
  }

  /** Counts what the pass computes of one sequence, and how much of it had been computed before. */
  #book(sequence: Sequence<Owner>): void {
    const again = Math.min(sequence.computedPeak - sequence.computed, sequence.scheduled);
    if (again > 0) {
      sequence.recomputedTokens += again;
      this.totals.recomputedTokens += again;
    }
    sequence.computed += sequence.scheduled;
    sequence.computedTokens += sequence.scheduled;
  }

  #finish(sequence: Sequence<Owner>): void {
    this.#closeHash(sequence);
    this.#drop(sequence);
    this.#outbox.push({ kind: 'finished', job: sequence });
  }

  #drop(sequence: Sequence<Owner>): void {
    this.#scheduler.release(sequence);
    this.#forget(sequence);
  }

  #forget(sequence: Sequence<Owner>): void {
    this.#closeHash(sequence);
    this.#byOwner.delete(sequence.init.owner);
  }

  #closeHash(sequence: Sequence<Owner>): void {
    if (!sequence.emitting) return;
    sequence.hashSum = (sequence.hashSum + this.#hash - sequence.hashFrom) | 0;
    sequence.emitting = false;
  }

  #noteWaiting(now: number): void {
    this.totals.waitingUs += (now - this.#waitingSince) * this.#scheduler.waiting.length;
    this.#waitingSince = now;
  }
}

function hashInstant(at: number): number {
  return mix32((at | 0) ^ mix32(Math.floor(at / 0x1_0000_0000)));
}

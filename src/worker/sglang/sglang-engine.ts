/**
 * A token-exact engine with SGLang's scheduling in virtual time: `sglang-scheduler.ts` tells what a pass computes. A
 * pass is scheduled and priced when it begins, in the wake phase of an instant, after everything that arrives then; its
 * tokens exist when it ends, in the io phase. Nothing is revoked: a request cancelled in mid-pass leaves at its end. As
 * with SGLang, its pages stay cached then.
 *
 * Passes follow each other without a gap: that SGLang overlaps scheduling with computation is in the timing, and the
 * one pass that a request stays in the batch after its end because of that is left out.
 *
 * Whatever touches the engine first brings it up to date and, where the batch may change, cuts what is planned ahead to
 * the pass that runs then. A run that steps through passes answers the same.
 */
import { assert } from '../../kernel/assert.ts';
import { PHASE, type Phase } from '../../kernel/event-queue.ts';
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
} from '../worker.ts';
import { checkScheduler } from './scheduler-checks.ts';
import type { SglangConfig } from './sglang-config.ts';
import { SglangPasses } from './sglang-passes.ts';
import { SglangScheduler } from './sglang-scheduler.ts';
import { SglangSequence } from './sglang-sequence.ts';

export class SglangEngine<Owner> implements SimWorker<Owner> {
  readonly totals: WorkerTotals = zeroTotals();
  readonly #config: SglangConfig;
  readonly #scheduler: SglangScheduler<Owner>;
  readonly #passes: SglangPasses<Owner>;
  readonly #byOwner = new Map<Owner, SglangSequence<Owner>>();
  readonly #outbox: WorkerEvent<Owner>[] = [];
  #taken = 0;
  /** When the next pass begins; Infinity while one runs, and without work. */
  #beginAt = Infinity;
  /** When it stopped, or -1. */
  #pausedAt = -1;
  #sequences = 0;
  #waitingSince = 0;

  constructor(config: SglangConfig, observer: TokenObserver, fastForward = true) {
    const { blockTokens, chunkedPrefillTokens, maxPrefillTokens } = config;
    const whole = chunkedPrefillTokens === Infinity || chunkedPrefillTokens % blockTokens === 0;
    assert(whole && chunkedPrefillTokens > 0, 'chunked_prefill_size is not a multiple of the page');
    assert(maxPrefillTokens >= blockTokens, 'max_prefill_tokens is less than a page');
    this.#config = config;
    this.#scheduler = new SglangScheduler(config, this.totals, observer);
    const listener = {
      firstToken: (job: SglangSequence<Owner>) => this.#outbox.push({ kind: 'first-token', job }),
      finished: (job: SglangSequence<Owner>) => this.#outbox.push({ kind: 'finished', job }),
      left: ({ init }: SglangSequence<Owner>) => this.#byOwner.delete(init.owner),
    };
    this.#passes = new SglangPasses(config, this.#scheduler, this.totals, observer, listener, fastForward);
  }

  submit(now: number, init: JobInit<Owner>): number {
    const { blocks, blockTokens, maxModelTokens, maxWaiting } = this.#config;
    // Alone in the pool, prompt, output and a page must leave a token: what was admitted once can always be again.
    const room = Math.min(maxModelTokens, (blocks - 1) * blockTokens - 1) - init.promptTokens;
    if (room < Math.min(1, init.outputTokens)) return 400;
    const { waiting } = this.#scheduler;
    if (waiting.length >= maxWaiting) return 503;
    this.#noteWaiting(now);
    const sequence = new SglangSequence(init, this.#sequences++, Math.min(init.outputTokens, room));
    waiting.push(sequence);
    this.#byOwner.set(init.owner, sequence);
    if (!this.#passes.busy) this.#beginAt = now;
    else if (!this.#scheduler.settled) this.#passes.cut(now);
    return 0;
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    const sequence = this.#byOwner.get(owner);
    if (sequence === undefined || sequence.cancelled) return undefined;
    this.#passes.cut(now);
    // A pass that ends now is over, whether its end is still pending or was skipped: the two modes answer alike.
    if (this.#passes.busy && this.#passes.endAt === now) this.#endPass(now);
    if (!this.#byOwner.has(owner)) return undefined;
    const { waiting } = this.#scheduler;
    const waitingAt = waiting.indexOf(sequence);
    if (waitingAt < 0) {
      this.#passes.cancel(sequence);
      return sequence;
    }
    this.#noteWaiting(now);
    waiting.splice(waitingAt, 1);
    this.#byOwner.delete(owner);
    return sequence;
  }

  crash(now: number): readonly JobView<Owner>[] {
    this.#passes.cut(now);
    this.#noteWaiting(now);
    const lost = this.#scheduler.clear().filter((sequence) => !sequence.cancelled);
    this.#passes.drop();
    this.#byOwner.clear();
    this.#beginAt = Infinity;
    this.#pausedAt = -1;
    return lost;
  }

  slowDown(now: number, factor: number): void {
    this.#passes.cut(now);
    this.#passes.slowFactor = factor;
  }

  pause(now: number): void {
    this.#passes.cut(now);
    this.#pausedAt = now;
  }

  /** The pass that stood still ends so much later; one that was due begins now. */
  resume(now: number): void {
    const pausedUs = now - this.#pausedAt;
    this.#pausedAt = -1;
    if (this.#passes.busy) this.#passes.delay(pausedUs);
    else if (this.#beginAt < now) this.#beginAt = now;
  }

  advance(now: number): void {
    assert(now === this.nextAt(), 'an engine was advanced at an instant it did not announce');
    if (this.#passes.busy) {
      this.#endPass(now);
      return;
    }
    this.#noteWaiting(now);
    this.#beginAt = Infinity;
    if (!this.#passes.begin(now)) this.#rest();
  }

  catchUp(now: number): void {
    this.#noteWaiting(now);
    this.#passes.catchUp(now);
  }

  take(): WorkerEvent<Owner> | undefined {
    if (this.#taken < this.#outbox.length) return this.#outbox[this.#taken++];
    this.#outbox.length = 0;
    this.#taken = 0;
    return undefined;
  }

  nextAt(): number {
    if (this.#pausedAt >= 0) return Infinity;
    return this.#passes.busy ? this.#passes.endAt : this.#beginAt;
  }

  nextPhase(): Phase {
    return this.#passes.busy ? PHASE.io : PHASE.wake;
  }

  gauges(): WorkerGauges {
    const { maxRunning, maxPrefillTokens, chunkedPrefillTokens } = this.#config;
    const { pool, waiting } = this.#scheduler;
    let waitingPromptTokens = 0;
    for (const sequence of waiting) waitingPromptTokens += sequence.known;
    return {
      running: this.#passes.running,
      waiting: waiting.length,
      kvUsedBlocks: pool.used,
      kvTotalBlocks: pool.total,
      decodeBlocks: this.#decodeBlocks(),
      waitingPromptTokens,
      maxBatchedTokens: Math.min(maxPrefillTokens, chunkedPrefillTokens),
      maxRunning,
    };
  }

  held(): WorkerHeld {
    const { waiting, pool } = this.#scheduler;
    return { running: this.#passes.running, waiting: waiting.length, kvBlocks: pool.used };
  }

  checkInvariants(): void {
    assert(this.#passes.running <= this.#config.maxRunning, 'more requests run than max_running_requests allows');
    checkScheduler(this.#scheduler, this.#passes.leaving, this.#byOwner, this.#passes.inPass);
  }

  /** Pages of the requests that have a token, shared ones counted for each. */
  #decodeBlocks(): number {
    const { batch, prefilling, pages } = this.#scheduler;
    let blocks = 0;
    for (const sequence of batch.members) blocks += pages.filled(sequence, this.#passes.inPass);
    for (const sequence of prefilling) {
      if (sequence.generated > 0) blocks += pages.filled(sequence, sequence.scheduled);
    }
    return blocks;
  }

  #endPass(now: number): void {
    this.#passes.end(now);
    if (this.#byOwner.size > 0) this.#beginAt = now;
    else this.#rest();
  }

  #rest(): void {
    assert(this.#byOwner.size === 0, 'an engine with work scheduled nothing');
    this.#scheduler.ratio.reset();
  }

  #noteWaiting(now: number): void {
    this.totals.waitingUs += (now - this.#waitingSince) * this.#scheduler.waiting.length;
    this.#waitingSince = now;
  }
}

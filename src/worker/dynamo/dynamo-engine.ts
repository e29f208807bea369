/**
 * An engine that schedules, prices and preempts as Dynamo's mocker does, pass by pass: to reproduce figures made with
 * it and to compare its model with ours. Not a model of hardware: see `rank.ts` for what it gets wrong on purpose.
 *
 * The mocker runs a pass at once when it starts and only delays what is seen of it. Here the same decisions (turns,
 * blocks, preemptions, tokens to come, the end) fall at the start and are never revoked; tokens, completions and
 * released blocks follow at the end. Nothing reads the pool in between, so both ways give the same run, and a request
 * that is cancelled or lost in mid-pass never shows tokens of the future.
 *
 * Time. The mocker's clock is fractional, and its figures come out to the digit only if fractions add up from pass to
 * pass. So the engine keeps exact ends (`passEndUs`), and the world, whose clock counts whole microseconds, hears of an
 * end at the last one not after it. Rounding down keeps the order of things exact: an event of the world at t, a whole
 * number, comes before an end E if and only if it does before ⌊E⌋, ties aside. A pass that follows at once starts at E.
 *
 * Data-parallel ranks are in lockstep: a pass begins when none is busy, and all end with the slowest.
 */
import { assert } from '../../kernel/assert.ts';
import { PHASE, type Phase } from '../../kernel/event-queue.ts';
import type { StepTime } from '../timing/step-time.ts';
import { makeTiming } from '../timing/timing.ts';
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
import type { DynamoEngineConfig } from './dynamo-engine-config.ts';
import { RankGroup } from './rank-group.ts';

export class DynamoEngine<Owner> implements SimWorker<Owner> {
  readonly totals: WorkerTotals = zeroTotals();
  readonly #timing: StepTime;
  readonly #observer: TokenObserver;
  readonly #group: RankGroup<Owner>;
  readonly #outbox: WorkerEvent<Owner>[] = [];
  #taken = 0;
  #state: 'idle' | 'begin-due' | 'busy' = 'idle';
  #beginAt = Infinity;
  #passEndUs = 0;
  #slowFactor = 1;
  /** When it stopped, or -1. */
  #pausedAt = -1;
  /** Totals over time are up to date until then. */
  #since = 0;

  constructor(config: DynamoEngineConfig, observer: TokenObserver) {
    this.#timing = makeTiming(config.timing);
    this.#observer = observer;
    this.#group = new RankGroup(config, this.totals);
  }

  /** Exact end of the pass that runs or, between passes, of the last one: microseconds with their fraction. */
  get passEndUs(): number {
    return this.#passEndUs;
  }

  /** Cached KV blocks evicted so far. */
  get evictions(): number {
    return this.#group.evictions;
  }

  /** Cached KV blocks that no sequence holds. */
  get idleBlocks(): number {
    return this.#group.idleBlocks;
  }

  submit(now: number, init: JobInit<Owner>): number {
    this.#integrate(now);
    const status = this.#group.add(init);
    if (status === 0 && this.#state === 'idle') this.#beginDue(now);
    return status;
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    if (!this.#group.has(owner)) return undefined;
    this.#integrate(now);
    // A pass that ends now is over, though its end is still pending.
    if (this.#state === 'busy' && this.nextAt() === now) this.#endPass(now);
    return this.#group.has(owner) ? this.#group.cancel(owner, this.#state === 'busy') : undefined;
  }

  crash(now: number): readonly JobView<Owner>[] {
    this.#integrate(now);
    this.#state = 'idle';
    this.#beginAt = Infinity;
    this.#passEndUs = 0;
    this.#pausedAt = -1;
    return this.#group.clear();
  }

  slowDown(_now: number, factor: number): void {
    this.#slowFactor = factor;
  }

  pause(now: number): void {
    this.#pausedAt = now;
  }

  /** The pass that stood still ends so much later; one that was due begins now. */
  resume(now: number): void {
    const pausedUs = now - this.#pausedAt;
    this.#pausedAt = -1;
    if (this.#state === 'busy') this.#passEndUs += pausedUs;
    else if (this.#state === 'begin-due') this.#beginAt = now;
  }

  advance(now: number): void {
    assert(now === this.nextAt(), 'an engine was advanced at an instant it did not announce');
    this.#integrate(now);
    if (this.#state === 'busy') this.#endPass(now);
    else this.#begin(now);
  }

  catchUp(now: number): void {
    this.#integrate(now);
  }

  take(): WorkerEvent<Owner> | undefined {
    if (this.#taken < this.#outbox.length) return this.#outbox[this.#taken++];
    this.#outbox.length = 0;
    this.#taken = 0;
    return undefined;
  }

  nextAt(): number {
    if (this.#pausedAt >= 0) return Infinity;
    return this.#state === 'busy' ? Math.floor(this.#passEndUs) : this.#beginAt;
  }

  nextPhase(): Phase {
    return this.#state === 'busy' ? PHASE.io : PHASE.wake;
  }

  gauges(): WorkerGauges {
    return this.#group.gauges();
  }

  held(): WorkerHeld {
    const { running, waiting, activeBlocks } = this.#group;
    return { running, waiting, kvBlocks: activeBlocks };
  }

  checkInvariants(): void {
    assert(this.#state !== 'idle' || this.#group.size === 0, 'an engine with work is idle');
    this.#group.checkInvariants(this.#state === 'busy');
  }

  #beginDue(now: number): void {
    this.#state = 'begin-due';
    this.#beginAt = now;
  }

  #begin(now: number): void {
    this.#beginAt = Infinity;
    this.#state = 'idle';
    if (this.#group.size === 0) return;
    let us = 0;
    for (const work of this.#group.schedule()) us = Math.max(us, this.#timing.us(work));
    this.#state = 'busy';
    this.#passEndUs = Math.max(now, this.#passEndUs) + us * this.#slowFactor;
    this.totals.kvBlocksMax = Math.max(this.totals.kvBlocksMax, this.#group.activeBlocks);
  }

  #endPass(now: number): void {
    this.totals.iterations++;
    this.#group.settle(now, this.#outbox, this.#observer);
    this.#state = 'idle';
    if (this.#group.size > 0) this.#beginDue(now);
  }

  #integrate(now: number): void {
    const us = now - this.#since;
    this.#since = now;
    if (us === 0 || this.#state === 'idle') return;
    const { running, waiting, activeBlocks } = this.#group;
    this.totals.busyUs += us;
    this.totals.runningUs += us * running;
    this.totals.waitingUs += us * waiting;
    this.totals.kvBlockUs += us * activeBlocks;
  }
}

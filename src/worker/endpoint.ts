/**
 * A generic server: `maxRunning` slots, first come first served beyond them, each job served for one draw of the
 * service distribution. It stands for a mock endpoint whose inside does not matter, and for the queues of theory
 * (M/M/c, M/D/1). Its reply comes whole, so it announces no first token and has no gaps between tokens. Draws are
 * keyed by request and attempt.
 */
import { assert } from '../kernel/assert.ts';
import { type Distribution, sampler } from '../kernel/distribution.ts';
import { EventQueue, type EventHandle, NO_EVENT, PHASE, type Phase } from '../kernel/event-queue.ts';
import { Keyed, mix32 } from '../kernel/rng.ts';
import type {
  JobInit,
  JobView,
  SimWorker,
  WorkerEvent,
  WorkerGauges,
  WorkerHeld,
  WorkerTotals,
} from './worker.ts';
import { zeroTotals } from './worker.ts';

export interface EndpointConfig {
  readonly model: 'endpoint';
  readonly maxRunning: number;
  /** Requests that may wait beyond those running; more are refused with 503. Infinity: no bound. */
  readonly maxWaiting: number;
  /** Microseconds. */
  readonly serviceUs: Distribution;
}

class EndpointJob<Owner> implements JobView<Owner> {
  readonly init: JobInit<Owner>;
  generated = 0;
  computedTokens = 0;
  readonly recomputedTokens = 0;
  readonly cachedTokens = 0;
  tokenHash = 0;
  startedAt = -1;
  endAt = Infinity;
  end: EventHandle = NO_EVENT;

  constructor(init: JobInit<Owner>) {
    this.init = init;
  }
}

export class Endpoint<Owner> implements SimWorker<Owner> {
  readonly totals: WorkerTotals = zeroTotals();
  readonly #config: EndpointConfig;
  readonly #keyed: Keyed;
  readonly #sample: () => number;
  readonly #ends = new EventQueue<EndpointJob<Owner>>();
  readonly #running = new Map<Owner, EndpointJob<Owner>>();
  readonly #waiting = new Map<Owner, EndpointJob<Owner>>();
  readonly #outbox: WorkerEvent<Owner>[] = [];
  #taken = 0;
  #slowFactor = 1;
  /** When it stopped, or -1. */
  #pausedAt = -1;
  #since = 0;

  /** `name` keys this worker's service draws under `seed`. */
  constructor(config: EndpointConfig, seed: number, name: string) {
    this.#config = config;
    this.#keyed = new Keyed(seed, name);
    this.#sample = sampler(config.serviceUs, this.#keyed.draw);
  }

  submit(now: number, init: JobInit<Owner>): number {
    if (this.#running.size >= this.#config.maxRunning && this.#waiting.size >= this.#config.maxWaiting) return 503;
    this.#integrate(now);
    const job = new EndpointJob(init);
    if (this.#running.size < this.#config.maxRunning) this.#start(now, job);
    else this.#waiting.set(init.owner, job);
    return 0;
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    this.#integrate(now);
    const waiting = this.#waiting.get(owner);
    if (waiting !== undefined) {
      this.#waiting.delete(owner);
      return waiting;
    }
    const job = this.#running.get(owner);
    if (job === undefined) return undefined;
    this.#ends.cancel(job.end);
    this.#running.delete(owner);
    this.#startNext(now);
    return job;
  }

  crash(now: number): readonly JobView<Owner>[] {
    this.#integrate(now);
    const lost = [...this.#running.values(), ...this.#waiting.values()];
    for (const job of this.#running.values()) this.#ends.cancel(job.end);
    this.#running.clear();
    this.#waiting.clear();
    this.#pausedAt = -1;
    return lost;
  }

  slowDown(_now: number, factor: number): void {
    this.#slowFactor = factor;
  }

  pause(now: number): void {
    this.#pausedAt = now;
  }

  /** Every end moves by the time stood still; jobs that end together keep their order. */
  resume(now: number): void {
    const pausedUs = now - this.#pausedAt;
    this.#pausedAt = -1;
    for (const job of this.#running.values()) {
      this.#ends.cancel(job.end);
      job.endAt += pausedUs;
      job.end = this.#ends.push(job.endAt, PHASE.io, 0, 0, job);
    }
  }

  advance(now: number): void {
    assert(now === this.nextAt(), 'an endpoint was advanced at an instant it did not announce');
    this.#integrate(now);
    this.#ends.pop();
    const job = this.#ends.data as EndpointJob<Owner>;
    this.#running.delete(job.init.owner);
    this.#complete(now, job);
    this.#startNext(now);
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
    return this.#pausedAt >= 0 ? Infinity : this.#ends.peekAt();
  }

  nextPhase(): Phase {
    return PHASE.io;
  }

  gauges(): WorkerGauges {
    return {
      running: this.#running.size,
      waiting: this.#waiting.size,
      kvUsedBlocks: -1,
      kvTotalBlocks: -1,
      decodeBlocks: -1,
      waitingPromptTokens: -1,
      maxBatchedTokens: -1,
      maxRunning: this.#config.maxRunning,
    };
  }

  held(): WorkerHeld {
    return { running: this.#running.size, waiting: this.#waiting.size, kvBlocks: 0 };
  }

  checkInvariants(): void {
    assert(this.#running.size <= this.#config.maxRunning, 'an endpoint serves more than its slots');
    assert(this.#ends.size === this.#running.size, 'an endpoint job has no end, or two');
    const idleSlots = this.#running.size < this.#config.maxRunning;
    assert(!idleSlots || this.#waiting.size === 0, 'an endpoint job waits beside an idle slot');
  }

  #startNext(now: number): void {
    for (const [owner, job] of this.#waiting) {
      this.#waiting.delete(owner);
      this.#start(now, job);
      return;
    }
  }

  #start(now: number, job: EndpointJob<Owner>): void {
    const { init } = job;
    this.#keyed.at(init.drawKey, init.drawTry);
    const serviceUs = Math.max(0, Math.round(this.#sample() * this.#slowFactor));
    job.startedAt = now;
    job.endAt = now + serviceUs;
    job.end = this.#ends.push(job.endAt, PHASE.io, 0, 0, job);
    this.#running.set(init.owner, job);
    this.totals.promptTokens += init.promptTokens;
  }

  #complete(now: number, job: EndpointJob<Owner>): void {
    const { init } = job;
    job.generated = init.outputTokens;
    // As in an engine, the last token is yielded and never computed on.
    job.computedTokens = init.promptTokens + Math.max(0, init.outputTokens - 1);
    job.tokenHash = mix32(now - job.startedAt) | 0;
    this.totals.iterations++;
    this.totals.generatedTokens += job.generated;
    this.#outbox.push({ kind: 'finished', job });
  }

  #integrate(now: number): void {
    const us = now - this.#since;
    this.#since = now;
    this.totals.runningUs += us * this.#running.size;
    this.totals.waitingUs += us * this.#waiting.size;
    if (this.#running.size > 0) this.totals.busyUs += us;
  }
}

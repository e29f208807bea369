/**
 * A worker of several data-parallel ranks (vLLM's `--data-parallel-size`): as many engines, each with a scheduler, a
 * batch and a KV pool of its own, behind one address. A request goes to the rank it names, else to the one with the
 * lowest 4 · waiting + running, the first among equals, and stays there (vllm-project/vllm, v1/engine/core_client.py).
 *
 * Ranks in lock-step begin a pass together and end it together, at the slowest one's end; a rank that gets work
 * meanwhile waits for the next begin, as expert-parallel layers force it to. Such a group has an event for every pass;
 * ranks on their own skip passes as single engines do.
 *
 * Totals and gauges are sums over the ranks, but for the busy time, which is their mean, and the budget of one pass,
 * which is one rank's. The most blocks in use is the sum of each rank's most: an upper bound.
 */
import { assert } from '../kernel/assert.ts';
import { PHASE, type Phase } from '../kernel/event-queue.ts';
import { Engine } from './engine.ts';
import type { EngineConfig } from './engine-config.ts';
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

export class RankedEngine<Owner> implements SimWorker<Owner> {
  readonly #ranks: readonly Engine<Owner>[];
  readonly #lockStep: boolean;
  readonly #rankOf = new Map<Owner, Engine<Owner>>();

  constructor(config: EngineConfig, observer: TokenObserver, fastForward = true) {
    const count = config.ranks ?? 1;
    assert(Number.isInteger(count) && count >= 1, 'an engine has no ranks');
    this.#lockStep = config.lockStep === true;
    const skips = fastForward && !this.#lockStep;
    this.#ranks = Array.from({ length: count }, () => new Engine<Owner>(config, observer, skips));
  }

  get totals(): WorkerTotals {
    const sums = zeroTotals();
    const keys = Object.keys(sums) as (keyof WorkerTotals)[];
    for (const { totals } of this.#ranks) for (const key of keys) sums[key] += totals[key];
    sums.busyUs /= this.#ranks.length;
    return sums;
  }

  submit(now: number, init: JobInit<Owner>): number {
    const rank = init.rank === undefined ? this.#leastLoaded() : this.#ranks[init.rank];
    if (rank === undefined) return 400;
    const status = rank.submit(now, init);
    if (status === 0) this.#rankOf.set(init.owner, rank);
    return status;
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    const job = this.#rankOf.get(owner)?.cancel(now, owner);
    if (job !== undefined) this.#rankOf.delete(owner);
    // The pass that others waited for may have ended with it.
    if (this.#lockStep) for (const rank of this.#ranks) rank.defer(now);
    return job;
  }

  crash(now: number): readonly JobView<Owner>[] {
    this.#rankOf.clear();
    return this.#ranks.flatMap((rank) => [...rank.crash(now)]);
  }

  slowDown(now: number, factor: number): void {
    for (const rank of this.#ranks) rank.slowDown(now, factor);
  }

  pause(now: number): void {
    for (const rank of this.#ranks) rank.pause(now);
  }

  resume(now: number): void {
    for (const rank of this.#ranks) rank.resume(now);
  }

  advance(now: number): void {
    assert(now === this.nextAt(), 'an engine was advanced at an instant it did not announce');
    const phase = this.nextPhase();
    if (this.#lockStep) {
      this.#stepTogether(now, phase);
      return;
    }
    const due = this.#ranks.find((rank) => rank.nextAt() === now && rank.nextPhase() === phase);
    due?.advance(now);
  }

  catchUp(now: number): void {
    for (const rank of this.#ranks) rank.catchUp(now);
  }

  take(): WorkerEvent<Owner> | undefined {
    for (const rank of this.#ranks) {
      const event = rank.take();
      if (event === undefined) continue;
      if (event.kind === 'finished') this.#rankOf.delete(event.job.init.owner);
      return event;
    }
    return undefined;
  }

  /** In lock-step the end of the pass that runs; nothing begins before it. */
  nextAt(): number {
    let at = Infinity;
    let busyAt = Infinity;
    for (const rank of this.#ranks) {
      at = Math.min(at, rank.nextAt());
      if (rank.nextPhase() === PHASE.io) busyAt = Math.min(busyAt, rank.nextAt());
    }
    return this.#lockStep && busyAt < Infinity ? busyAt : at;
  }

  nextPhase(): Phase {
    const at = this.nextAt();
    const ends = this.#ranks.some((rank) => rank.nextPhase() === PHASE.io && rank.nextAt() === at);
    return ends ? PHASE.io : PHASE.wake;
  }

  gauges(): WorkerGauges {
    const all = this.#ranks.map((rank) => rank.gauges());
    const sum = (of: (gauges: WorkerGauges) => number): number => all.reduce((total, each) => total + of(each), 0);
    return {
      running: sum(({ running }) => running),
      waiting: sum(({ waiting }) => waiting),
      kvUsedBlocks: sum(({ kvUsedBlocks }) => kvUsedBlocks),
      kvTotalBlocks: sum(({ kvTotalBlocks }) => kvTotalBlocks),
      decodeBlocks: sum(({ decodeBlocks }) => decodeBlocks),
      waitingPromptTokens: sum(({ waitingPromptTokens }) => waitingPromptTokens),
      maxBatchedTokens: (all[0] as WorkerGauges).maxBatchedTokens,
      maxRunning: sum(({ maxRunning }) => maxRunning),
    };
  }

  held(): WorkerHeld {
    let [running, waiting, kvBlocks] = [0, 0, 0];
    for (const held of this.#ranks.map((rank) => rank.held())) {
      running += held.running;
      waiting += held.waiting;
      kvBlocks += held.kvBlocks;
    }
    return { running, waiting, kvBlocks };
  }

  checkInvariants(): void {
    for (const rank of this.#ranks) rank.checkInvariants();
    const { running, waiting } = this.held();
    assert(this.#rankOf.size <= running + waiting, 'a request has a rank that does not hold it');
    const ends = this.#ranks.filter((rank) => rank.nextPhase() === PHASE.io).map((rank) => rank.nextAt());
    assert(!this.#lockStep || new Set(ends).size <= 1, 'ranks in lock-step end a pass at different instants');
  }

  #leastLoaded(): Engine<Owner> | undefined {
    let least: Engine<Owner> | undefined = undefined;
    let leastLoad = Infinity;
    for (const rank of this.#ranks) {
      const { running, waiting } = rank.held();
      const load = 4 * waiting + running;
      if (load >= leastLoad) continue;
      leastLoad = load;
      least = rank;
    }
    return least;
  }

  #stepTogether(now: number, phase: Phase): void {
    const ends = phase === PHASE.io;
    let endAt = now;
    for (const rank of this.#ranks) {
      const busy = rank.nextPhase() === PHASE.io;
      if (busy !== ends || rank.nextAt() === Infinity) continue;
      rank.advance(now);
      if (!ends && rank.nextPhase() === PHASE.io) endAt = Math.max(endAt, rank.nextAt());
    }
    for (const rank of this.#ranks) rank.defer(endAt);
  }
}

/**
 * Replays a measured run: the same requests reach the same engine that runs use, at the instants at which they were
 * queued, and it answers when their tokens come. Only lengths, block identities and `queuedAt` are read of the log.
 *
 * A real engine takes newcomers from its input queue between two iterations, so that a measured `queued_ts` lies where
 * one ends. The replay's iterations end elsewhere by a few milliseconds; its requests count as queued (`takenAt`) where
 * its own engine takes them.
 *
 * An engine that schedules ahead has chosen the next iteration's batch before the present one ends: a request that
 * comes while one runs sits out the next as well. Here such a request is kept back until that next one has begun. What
 * an ending request leaves (its place, its blocks) is free at once, an iteration earlier than there.
 */
import { assert } from '../kernel/assert.ts';
import { PHASE } from '../kernel/event-queue.ts';
import { fleetSchema, workerConfigs } from '../lab/fleet-schema.ts';
import { ScenarioError } from '../lab/scenario-error.ts';
import { Engine } from '../worker/engine.ts';
import type { EngineConfig } from '../worker/engine-config.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';
import type { LoggedEngine } from './logged-engine.ts';
import type { LoggedRequest, RunLog } from './run-log.ts';
import type { Tick } from './ticks.ts';

/** One request as it was replayed; microseconds on the log's axis. */
export interface ReplayedRequest {
  takenAt: number;
  firstTokenAt: number;
  lastTokenAt: number;
}

export interface Replay {
  /** By place in the log. */
  readonly requests: readonly ReplayedRequest[];
  /** At the instants of the log's ticks. */
  readonly ticks: readonly Tick[];
  readonly preemptions: number;
  /** Prompt tokens found in the prefix cache ÷ prompt tokens. */
  readonly prefixHitRatio: number;
}

/** The engine that the log describes, with this timing. */
function engineConfig(logged: LoggedEngine, timing: TimingConfig): EngineConfig {
  const { maxRunning, maxBatchedTokens, blocks, blockTokens, prefixCache, chunkedPrefill } = logged;
  const maxModelTokens = logged.maxModelTokens === Infinity ? 'none' : logged.maxModelTokens;
  const settings = { maxRunning, maxBatchedTokens, blocks, blockTokens, prefixCache, chunkedPrefill, maxModelTokens };
  const [config] = workerConfigs(fleetSchema.parse([{ engine: settings }]));
  assert(config?.model === 'engine', 'an engine group makes an engine');
  return { ...config, timing };
}

/** The timing of an engine that says nothing of its own. */
export function defaultTiming(): TimingConfig {
  const [config] = workerConfigs(fleetSchema.parse([{ engine: {} }]));
  assert(config?.model === 'engine', 'an engine group makes an engine');
  return config.timing;
}

/**
 * Replays the log, or no more of it than it takes until its first `enough` requests have ended. Throws ScenarioError
 * when a request of it can never fit the engine.
 */
export function replayLog(log: RunLog, timing: TimingConfig, enough = log.requests.length): Replay {
  return new LogReplay(log, timing, enough).run();
}

class LogReplay {
  readonly #log: RunLog;
  readonly #engine: Engine<number>;
  readonly #requests: ReplayedRequest[];
  readonly #ticks: Tick[] = [];
  /** Requests that sit out the present iteration, and those submitted but not yet taken by an iteration. */
  #kept: number[] = [];
  #entered: number[] = [];
  /** When those kept back are submitted. */
  #releaseAt = Infinity;
  #sent = 0;
  #now = 0;
  readonly #enough: number;
  /** Of the first `enough` requests. */
  #unfinished: number;

  constructor(log: RunLog, timing: TimingConfig, enough: number) {
    this.#log = log;
    this.#enough = enough;
    this.#unfinished = enough;
    this.#engine = new Engine(engineConfig(log.engine, timing), { tokenGaps: () => undefined }, false);
    this.#requests = log.requests.map(() => ({ takenAt: -1, firstTokenAt: -1, lastTokenAt: -1 }));
  }

  run(): Replay {
    while (this.#unfinished > 0) {
      const engineAt = this.#engine.nextAt();
      const arrivalAt = this.#log.requests[this.#sent]?.queuedAt ?? Infinity;
      const inputAt = Math.min(arrivalAt, this.#releaseAt);
      assert(inputAt < Infinity || engineAt < Infinity, 'a replay stands still with requests unfinished');
      this.#now = Math.min(engineAt, inputAt);
      this.#tickBefore(this.#now);
      const isEngineFirst = engineAt < inputAt || (engineAt === inputAt && this.#engine.nextPhase() === PHASE.io);
      if (isEngineFirst) this.#advance(engineAt);
      else if (this.#releaseAt <= arrivalAt) this.#release(inputAt);
      else this.#arrive(inputAt);
      this.#takeTokens();
    }
    this.#tickBefore(Infinity);
    const { preemptions, promptTokens, prefixHitTokens } = this.#engine.totals;
    const prefixHitRatio = prefixHitTokens / promptTokens;
    return { requests: this.#requests, ticks: this.#ticks, preemptions, prefixHitRatio };
  }

  #advance(now: number): void {
    const begins = this.#engine.nextPhase() === PHASE.wake;
    this.#engine.advance(now);
    if (begins) {
      for (const index of [...this.#entered, ...this.#kept]) this.#taken(index, now);
      this.#entered = [];
      // Within the iteration that has begun, and so after everything of this instant.
      if (this.#kept.length > 0) this.#releaseAt = now + 1;
    } else if (this.#engine.nextAt() === Infinity) {
      // No iteration follows one that left nothing behind: whoever waited for it starts the next.
      this.#release(now);
    }
  }

  #arrive(now: number): void {
    const index = this.#sent++;
    const runs = this.#engine.nextAt() !== Infinity && this.#engine.nextPhase() === PHASE.io;
    if (runs && this.#log.engine.schedulesAhead) this.#kept.push(index);
    else this.#submit(index, now);
  }

  #release(now: number): void {
    for (const index of this.#kept) this.#submit(index, now);
    this.#kept = [];
    this.#releaseAt = Infinity;
  }

  #taken(index: number, now: number): void {
    const request = this.#requests[index] as ReplayedRequest;
    if (request.takenAt < 0) request.takenAt = now;
  }

  #submit(index: number, now: number): void {
    const { id, promptTokens, outputTokens, hashIds } = this.#log.requests[index] as LoggedRequest;
    const hashBlockTokens = this.#log.hashBlockTokens;
    const job = { owner: index, drawKey: index, drawTry: 0, promptTokens, outputTokens, hashIds, hashBlockTokens };
    const status = this.#engine.submit(now, job);
    if (status !== 0) {
      const { blocks, blockTokens } = this.#log.engine;
      const tokens = `${promptTokens} + ${outputTokens} tokens`;
      const pool = `a KV pool of ${blocks} blocks of ${blockTokens} tokens`;
      throw new ScenarioError([`${this.#log.folder} ${id}: ${tokens} never fit ${pool}`]);
    }
    this.#entered.push(index);
  }

  #takeTokens(): void {
    for (let event = this.#engine.take(); event !== undefined; event = this.#engine.take()) {
      const index = event.job.init.owner;
      const request = this.#requests[index] as ReplayedRequest;
      if (event.kind === 'first-token') request.firstTokenAt = this.#now;
      else if (event.kind === 'finished') {
        request.lastTokenAt = this.#now;
        if (index < this.#enough) this.#unfinished--;
      }
    }
  }

  /** Reads the gauges at the log's ticks before `at`. */
  #tickBefore(at: number): void {
    for (let tick = this.#nextTick(); tick !== undefined && tick.at < at; tick = this.#nextTick()) {
      this.#engine.catchUp(tick.at);
      const { running, waiting, kvUsedBlocks, kvTotalBlocks } = this.#engine.gauges();
      this.#ticks.push({ at: tick.at, running, waiting, kvUsageRatio: kvUsedBlocks / kvTotalBlocks });
    }
  }

  #nextTick(): Tick | undefined {
    return this.#log.ticks[this.#ticks.length];
  }
}

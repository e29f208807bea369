/**
 * Decides whether a worker has room, by what its ranks report: KV blocks used, blocks of decoding requests, prompt
 * tokens waiting. Any signal above its threshold on every rank makes the worker busy; a busy worker gets nothing, and
 * while all are busy requests wait in the gateway and are shed there, where they can be told to come back, instead of
 * queueing in engines that preempt.
 *
 * Free workers are the alive ones less the busy ones. Thresholds can be changed and cleared at any time and count at
 * once. Three models: `values` (value-monitor.ts, ours: evidence ages, staleness is probed) and two historic ones with
 * their defects, variants `dynamo-2026` (latch-monitor.ts) and `dynamo-seed` (seed-monitor.ts). Limits: between two
 * reports everything sent is invisible, so a burst overshoots by a reporting interval's arrivals; combine it with a
 * concurrency limit.
 *
 * Source: ai-dynamo/dynamo worker_monitor.rs from #3458 (2025-10) to 00220774a (2026-09); smg #2220.
 */
import { refill } from '../refill.ts';
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type {
  AttemptResult,
  AttemptView,
  Gate,
  LoadReport,
  Micros,
  RequestView,
  WorkerStatus,
  WorkerView,
} from '../types.ts';
import { type BusyConfig, busyConfig } from './config.ts';
import { LatchMonitor } from './latch-monitor.ts';
import type { BusyMonitor, BusyThresholds, WorkerPool } from './monitor.ts';
import { SeedMonitor } from './seed-monitor.ts';
import { ValueMonitor } from './value-monitor.ts';

const UNKNOWN_POOL: WorkerPool = { ranks: -1, kvTotalBlocks: -1, maxBatchedTokens: -1 };

export class Busy implements Gate {
  readonly monitor: BusyMonitor;
  #thresholds: BusyThresholds;
  /** In order of discovery. */
  #workers: readonly number[] = [];
  readonly #statuses = new Map<number, WorkerStatus>();
  #pools: ReadonlyMap<number, WorkerPool> = new Map();
  #reportsEnded = false;

  /** The historic models take thresholds without sense, as upstream; the schema refuses them. */
  constructor(config: BusyConfig) {
    this.#thresholds = config;
    if (config.model === 'values') assertSound(config);
    this.monitor = makeMonitor(config);
  }

  allows(now: Micros, worker: WorkerView): boolean {
    return this.monitor.allows(now, worker.index);
  }

  reconsiderAt(now: Micros): Micros {
    return this.monitor.reconsiderAt(now);
  }

  /** Thresholds from now on; absent ones stay, Infinity clears. Parked requests see it with the core's next input. */
  setThresholds(now: Micros, changes: Partial<BusyThresholds>): void {
    const thresholds = { ...this.thresholds, ...changes };
    assertSound(thresholds);
    this.#thresholds = thresholds;
    this.monitor.thresholdsChanged(now, thresholds);
  }

  clearThresholds(now: Micros): void {
    this.setThresholds(now, {
      kvUsedRatioMax: Infinity,
      decodeRatioMax: Infinity,
      prefillTokensMax: Infinity,
      prefillBatchesMax: Infinity,
    });
  }

  get thresholds(): BusyThresholds {
    const { kvUsedRatioMax, decodeRatioMax, prefillTokensMax, prefillBatchesMax } = this.#thresholds;
    return { kvUsedRatioMax, decodeRatioMax, prefillTokensMax, prefillBatchesMax };
  }

  /** True when the source of reports ended and none came since: verdicts rest on old evidence. */
  get reportsEndedAlarm(): boolean {
    return this.#reportsEnded;
  }

  /** `reset` is false for a list that nobody acted on yet (a start-up race of the first monitor). */
  discovered(now: Micros, workers: readonly number[], reset = true): void {
    const gone = this.#workers.filter((worker) => !workers.includes(worker));
    this.#workers = [...workers];
    for (const worker of gone) this.#statuses.delete(worker);
    this.monitor.discovered(now, workers, reset);
    if (!gone.some((worker) => this.#pools.has(worker))) return;
    this.poolsChanged(now, new Map([...this.#pools].filter(([worker]) => !gone.includes(worker))));
  }

  configured(now: Micros, worker: number, ranks: number): void {
    this.#poolSaid(now, worker, { ...(this.#pools.get(worker) ?? UNKNOWN_POOL), ranks });
  }

  /** The whole set of sizes at once, for hosts whose discovery carries them. */
  poolsChanged(now: Micros, pools: ReadonlyMap<number, WorkerPool>): void {
    this.#pools = pools;
    this.monitor.poolsChanged(now, pools);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    const { kvTotalBlocks, maxBatchedTokens } = report;
    const pool = this.#pools.get(worker) ?? UNKNOWN_POOL;
    this.#poolSaid(now, worker, {
      ranks: pool.ranks,
      kvTotalBlocks: kvTotalBlocks === -1 ? pool.kvTotalBlocks : kvTotalBlocks,
      maxBatchedTokens: maxBatchedTokens === -1 ? pool.maxBatchedTokens : maxBatchedTokens,
    });
    this.#reportsEnded = false;
    this.monitor.loaded(now, worker, rank, report);
  }

  statusChanged(_now: Micros, worker: number, status: WorkerStatus): void {
    this.#statuses.set(worker, status);
  }

  reportsEnded(now: Micros): void {
    this.#reportsEnded = true;
    this.monitor.loadsEnded(now);
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.monitor.granted(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.monitor.settled(now, attempt, result);
  }

  /** Busy workers, ascending. */
  busyWorkers(now: Micros): readonly number[] {
    return this.monitor.busy(now);
  }

  /** Ready workers with room, in order of discovery. */
  freeWorkers(now: Micros): readonly number[] {
    return this.monitor.free(now, this.#alive());
  }

  /** What a request that arrives now would meet, were this the only gate. */
  verdict(now: Micros): 'accept' | 'all-busy' | 'no-worker' {
    if (this.#alive().length === 0) return 'no-worker';
    return this.freeWorkers(now).length > 0 ? 'accept' : 'all-busy';
  }

  #alive(): number[] {
    return this.#workers.filter((worker) => this.#statuses.get(worker) === 'ready');
  }

  #poolSaid(now: Micros, worker: number, pool: WorkerPool): void {
    const before = this.#pools.get(worker) ?? UNKNOWN_POOL;
    const same =
      before.ranks === pool.ranks &&
      before.kvTotalBlocks === pool.kvTotalBlocks &&
      before.maxBatchedTokens === pool.maxBatchedTokens;
    if (!same) this.poolsChanged(now, new Map(this.#pools).set(worker, pool));
  }

  snapshot(): unknown {
    const monitor = this.monitor.snapshot?.();
    if (monitor === undefined) return undefined;
    return [this.#thresholds, this.#workers, this.#statuses, this.#pools, this.#reportsEnded, monitor];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView, attemptOf: (id: number) => AttemptView): void {
    const [thresholds, workers, statuses, pools, reportsEnded, monitor] = state as [
      ...[BusyThresholds, readonly number[], Map<number, WorkerStatus>, ReadonlyMap<number, WorkerPool>, boolean],
      unknown,
    ];
    this.#thresholds = thresholds;
    this.#workers = workers;
    refill(this.#statuses, statuses);
    this.#pools = pools;
    this.#reportsEnded = reportsEnded;
    this.monitor.restore?.(monitor, requestOf, attemptOf);
  }
}

function makeMonitor(config: BusyConfig): BusyMonitor {
  const { model, staleAfter, refusalHold, whenStale } = config;
  switch (model) {
    case 'values':
      return new ValueMonitor(config, staleAfter, refusalHold, whenStale);
    case 'latch':
      return new LatchMonitor(config);
    case 'seed':
      return new SeedMonitor(config);
    default:
      return model satisfies never;
  }
}

function assertSound(thresholds: BusyThresholds): void {
  const { kvUsedRatioMax, decodeRatioMax, prefillTokensMax, prefillBatchesMax } = thresholds;
  for (const ratio of [kvUsedRatioMax, decodeRatioMax]) {
    assert((ratio >= 0 && ratio <= 1) || ratio === Infinity, 'a busy ratio is between 0 and 1, or Infinity for none');
  }
  assert(prefillTokensMax >= 0 && prefillBatchesMax >= 0, 'a prefill threshold is at least 0, or Infinity for none');
}

export const busy: PolicyEntry<'gate', BusyConfig> = {
  role: 'gate',
  name: 'busy',
  decides: 'Whether a worker may take one more: until every rank reports a signal above its threshold.',
  source: 'ai-dynamo/dynamo worker_monitor.rs a5371bfc5 and 00220774a; smg #2220',
  config: busyConfig,
  variants: {
    'dynamo-seed': { model: 'seed', kvUsedRatioMax: 'none', decodeRatioMax: 0.95 },
    'dynamo-2026': { model: 'latch', kvUsedRatioMax: 'none', decodeRatioMax: 0.95 },
    'gie-2408': { kvUsedRatioMax: 0.8, staleAfter: '200ms', whenStale: 'busy' },
  },
  make: (config) => new Busy(config),
};

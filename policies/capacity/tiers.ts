/**
 * Decides how many requests the gateway admits at once, from what its workers say they can run: engines know
 * their batch size better than an operator's static limit. Four tiers, numbered as upstream: (1) an override
 * pins the answer; (2) every ready worker reports: the sum; (3) some are silent: each of those is worth
 * `slotsPerWorker`; (4) no ready worker: a legacy constant. Evaluated 1, 4, 2, 3; sums saturate at 65535.
 *
 * Regimes: growing or shrinking fleets move the answer at once. Limits: it counts sequences, not KV blocks,
 * so long prompts overcommit it; a ready worker behind an open breaker still counts; prefill and decode
 * workers are summed.
 *
 * Source: smg model_gateway/src/worker/capacity.rs at 73da68ca9 (sgl-project/sglang issue 9701, smg pull
 * 1534). We differ: the value is kept whether or not anyone listens, and a change of source alone is visible
 * (`version`). By default a fleet that turns unhealthy never raises the capacity (upstream jumps from, say,
 * 64 to 1024 just then), and a report above 65535 saturates instead of counting as silent; variant
 * `smg-2026-08-07` restores both. Data-parallel ranks each report their own `maxRunning` here and are added
 * up, so an engine's total is not multiplied by its rank count as upstream does; a worker counts as silent
 * until every rank of it has reported.
 */
import { refill } from '../refill.ts';
import type { PolicyEntry } from '../entry.ts';
import type { Capacity, CapacitySource, LoadReport, Micros, WorkerStatus } from '../types.ts';
import { type TiersConfig, tiersConfig } from './config.ts';
import { CAPACITY_MAX } from './inputs.ts';

export interface TierSettings {
  /** Requests; 0 derives. */
  readonly override: number;
  /** Requests per silent worker. */
  readonly slotsPerWorker: number;
  /** Requests when nobody is healthy. */
  readonly legacyMaxConcurrent: number;
}

export interface CapacityAnswer {
  /** Requests, 0 to 65535. */
  readonly capacity: number;
  readonly source: CapacitySource;
}

/**
 * The tiers as a pure function. `healthyReports` has one entry per healthy worker: its requests, or ≤ 0 when
 * silent.
 */
export function recompute(settings: TierSettings, healthyReports: readonly number[]): CapacityAnswer {
  if (settings.override > 0) return { capacity: settings.override, source: 'override' };
  if (healthyReports.length === 0) {
    return { capacity: settings.legacyMaxConcurrent, source: 'legacy-fallback' };
  }
  let sum = 0;
  let silentCount = 0;
  for (const report of healthyReports) {
    if (report > 0) sum += report;
    else silentCount++;
  }
  return {
    capacity: Math.min(sum + silentCount * settings.slotsPerWorker, CAPACITY_MAX),
    source: silentCount === 0 ? 'worker-reported' : 'mixed',
  };
}

interface KnownWorker {
  status: WorkerStatus;
  /** Announced number of ranks; 0 until announced. */
  ranks: number;
  /** Requests per rank, 0 for a rank that reports none. */
  readonly byRank: Map<number, number>;
}

/**
 * Observes the fleet and keeps the answer. Only workers announced by `discovered` count; they start as
 * pending.
 */
export class Tiers implements Capacity {
  readonly #settings: TiersConfig;
  readonly #workers = new Map<number, KnownWorker>();
  #answer: CapacityAnswer;
  #version = 0;

  constructor(settings: TiersConfig) {
    this.#settings = settings;
    this.#answer = recompute(settings, []);
  }

  current(): number {
    return this.#answer.capacity;
  }

  source(): CapacitySource {
    return this.#answer.source;
  }

  /** Counts changes of capacity or of source, so that a source-only change can be noticed. */
  get version(): number {
    return this.#version;
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    const known = new Set(workers);
    for (const worker of this.#workers.keys()) if (!known.has(worker)) this.#workers.delete(worker);
    for (const worker of workers) {
      if (!this.#workers.has(worker)) this.#workers.set(worker, { status: 'pending', ranks: 0, byRank: new Map() });
    }
    this.#refresh();
  }

  configured(_now: Micros, worker: number, ranks: number): void {
    const known = this.#workers.get(worker);
    if (known === undefined) return;
    known.ranks = ranks;
    for (const rank of known.byRank.keys()) if (rank >= ranks) known.byRank.delete(rank);
    this.#refresh();
  }

  reported(_now: Micros, worker: number, rank: number, report: LoadReport): void {
    const known = this.#workers.get(worker);
    if (known === undefined || (known.ranks > 0 && rank >= known.ranks)) return;
    const value = this.#usable(report.maxRunning);
    if (known.byRank.get(rank) === value) return;
    known.byRank.set(rank, value);
    this.#refresh();
  }

  statusChanged(_now: Micros, worker: number, status: WorkerStatus): void {
    const known = this.#workers.get(worker);
    if (known === undefined || known.status === status) return;
    known.status = status;
    this.#refresh();
  }

  #usable(maxRunning: number): number {
    if (!(maxRunning > 0)) return 0;
    if (maxRunning <= CAPACITY_MAX) return maxRunning;
    return this.#settings.whenTooLarge === 'saturate' ? CAPACITY_MAX : 0;
  }

  #refresh(): void {
    const healthyReports: number[] = [];
    for (const worker of this.#workers.values()) {
      if (worker.status === 'ready') healthyReports.push(reportOf(worker));
    }
    // What is held before the first ready worker is the legacy value.
    if (healthyReports.length === 0 && this.#settings.whenNoneHealthy === 'hold') return;
    const next = recompute(this.#settings, healthyReports);
    if (next.capacity === this.#answer.capacity && next.source === this.#answer.source) return;
    this.#answer = next;
    this.#version++;
  }

  snapshot(): unknown {
    return [this.#workers, this.#answer, this.#version];
  }

  restore(state: unknown): void {
    const [workers, answer, version] = state as [Map<number, KnownWorker>, CapacityAnswer, number];
    refill(this.#workers, workers);
    this.#answer = answer;
    this.#version = version;
  }
}

/** Requests a worker's ranks report together; 0 while one of them is silent. */
function reportOf(worker: KnownWorker): number {
  if (worker.byRank.size < worker.ranks) return 0;
  let sum = 0;
  for (const value of worker.byRank.values()) {
    if (value === 0) return 0;
    sum += value;
  }
  return sum;
}

export const tiers: PolicyEntry<'capacity', TiersConfig> = {
  role: 'capacity',
  name: 'tiers',
  decides: 'How many requests are admitted at once: override, worker reports, slots per silent worker, or legacy.',
  source: 'smg model_gateway/src/worker/capacity.rs 73da68ca9; sgl-project/sglang issue 9701, smg pull 1534',
  config: tiersConfig,
  variants: { 'smg-2026-08-07': { whenNoneHealthy: 'legacy', whenTooLarge: 'not-reported' } },
  make: (config) => new Tiers(config),
};

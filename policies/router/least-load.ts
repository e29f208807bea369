/**
 * Decides by estimated waiting time: seconds until a worker has computed the prompt tokens it has queued,
 * plus a barrier λ·k/(1−k) that grows without bound as its KV usage k nears 1, where preemption begins.
 * Between reports the choice itself is remembered: every request sent adds its tokens to the worker (its
 * credit) until the worker reports again, which spreads a polling interval's arrivals instead of sending them
 * all to yesterday's emptiest worker.
 *
 * Regimes: all candidates report: as above. Some do: a silent one is worth in-flight × mean prompt ÷ the mean
 * throughput of the reporting ones. None does: least in flight. One candidate: taken without credit. Ties go
 * to the first candidate. Limits: work running is not counted, only work waiting; without reported rates
 * (vLLM) `defaultThroughput` sets the balance of the two terms.
 *
 * Source: smg policies/least_load.rs at 73da68ca9. We differ by default: reports expire after `reportMaxAge`
 * (upstream since about 2193; variant `smg-2026-08-07` never), and credit is the prompt's token count where
 * upstream over HTTP knows none (variant `smg-2026-08-07-http`). Ranks of a worker report one by one here:
 * token counts and rates add up, usage is their mean.
 */
import { refill } from '../refill.ts';
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, LoadReport, Micros, RequestView, Router, WorkerView } from '../types.ts';
import { LEAST_LOAD_DEFAULTS, type LeastLoadConfig, leastLoadConfig } from './config.ts';
import { loadStates, refillLoads, WorkerLoad } from './worker-load.ts';

const KV_USAGE_MAX = 0.999;

export class LeastLoad implements Router {
  readonly #config: LeastLoadConfig;
  readonly #kvPressureWeight: number;
  readonly #defaultThroughput: number;
  readonly #meanPrefillTokens: number;
  readonly #loads = new Map<number, WorkerLoad>();
  readonly #creditTokens = new Map<number, number>();
  readonly #scores: number[] = [];

  /** As upstream, a parameter without sense falls back: the schema refuses it first. */
  constructor(config: LeastLoadConfig) {
    const { kvPressureWeight, defaultThroughput, meanPrefillTokens } = config;
    this.#config = config;
    this.#kvPressureWeight =
      Number.isFinite(kvPressureWeight) && kvPressureWeight >= 0
        ? kvPressureWeight
        : LEAST_LOAD_DEFAULTS.kvPressureWeight;
    this.#defaultThroughput =
      Number.isFinite(defaultThroughput) && defaultThroughput > 0
        ? defaultThroughput
        : LEAST_LOAD_DEFAULTS.defaultThroughput;
    this.#meanPrefillTokens = Math.max(meanPrefillTokens, 1);
  }

  pick(now: Micros, request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    if (candidates.length === 1) return 0;
    const scores = this.scores(now, candidates);
    let best = 0;
    for (let i = 1; i < scores.length; i++) if ((scores[i] as number) < (scores[best] as number)) best = i;
    const { index } = candidates[best] as WorkerView;
    const known = this.#config.credit === 'prompt' && request.promptTokens >= 0;
    const tokens = known ? request.promptTokens : this.#meanPrefillTokens;
    this.#creditTokens.set(index, (this.#creditTokens.get(index) ?? 0) + tokens);
    return best;
  }

  /**
   * Score of each candidate, lower is better: seconds, or leases when none reports. Valid until the next
   * call.
   */
  scores(now: Micros, candidates: FleetView): readonly number[] {
    let throughputSum = 0;
    let throughputCount = 0;
    let reporting = false;
    for (const { index } of candidates) {
      const load = this.#fresh(now, index);
      if (load === undefined) continue;
      reporting = true;
      if (load.tokensPerSec > 0) {
        throughputSum += load.tokensPerSec;
        throughputCount++;
      }
    }
    const nominal = throughputCount > 0 ? throughputSum / throughputCount : this.#defaultThroughput;
    // Kept at its length: emptied and filled again it would be a new array each time.
    const scores = this.#scores;
    scores.length = candidates.length;
    for (let i = 0; i < candidates.length; i++) {
      const { index, inFlight } = candidates[i] as WorkerView;
      const load = this.#fresh(now, index);
      if (load !== undefined) scores[i] = this.#drainSeconds(load, this.#creditTokens.get(index) ?? 0);
      else scores[i] = reporting ? (inFlight * this.#meanPrefillTokens) / nominal : inFlight;
    }
    return scores;
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    const known = new Set(workers);
    for (const map of [this.#loads, this.#creditTokens]) {
      for (const worker of map.keys()) if (!known.has(worker)) map.delete(worker);
    }
  }

  configured(_now: Micros, worker: number, ranks: number): void {
    this.#loads.get(worker)?.limitRanks(ranks);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    let load = this.#loads.get(worker);
    if (load === undefined) this.#loads.set(worker, (load = new WorkerLoad()));
    load.report(now, rank, report);
    this.#creditTokens.set(worker, 0);
  }

  #fresh(now: Micros, worker: number): WorkerLoad | undefined {
    const load = this.#loads.get(worker);
    return load !== undefined && now - load.reportedAt <= this.#config.reportMaxAge ? load : undefined;
  }

  #drainSeconds(load: WorkerLoad, creditTokens: number): number {
    const throughput = load.tokensPerSec > 0 ? load.tokensPerSec : this.#defaultThroughput;
    const usage = Math.min(Math.max(load.kvUsageRatio, 0), KV_USAGE_MAX);
    return (load.waitingTokens + creditTokens) / throughput + (this.#kvPressureWeight * usage) / (1 - usage);
  }

  snapshot(): unknown {
    return [loadStates(this.#loads), this.#creditTokens];
  }

  restore(state: unknown): void {
    const [loads, credit] = state as [[number, unknown][], Map<number, number>];
    refillLoads(this.#loads, loads);
    refill(this.#creditTokens, credit);
  }
}

export const leastLoad: PolicyEntry<'router', LeastLoadConfig> = {
  role: 'router',
  name: 'least-load',
  decides: 'Which worker: the least estimated wait, from queued prompt tokens, generation rate and KV usage.',
  source: 'smg model_gateway/src/policies/least_load.rs 73da68ca9',
  config: leastLoadConfig,
  variants: {
    'smg-2026-08-07': { reportMaxAge: 'none' },
    'smg-2026-08-07-http': { reportMaxAge: 'none', credit: 'mean' },
  },
  make: (config) => new LeastLoad(config),
};

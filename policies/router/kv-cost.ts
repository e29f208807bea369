/**
 * Decides by cost in KV blocks: what the prompt would add to a worker's prefill, less what it holds of it already, plus
 * what the worker is decoding. One number weighs affinity against load, where cache-aware switches between them:
 *
 *   cost = scale · max(0, prefill + prompt − credit · overlap) + decode + own + weight · requests
 *
 * Regimes: idle fleet, the longest overlap wins; a worker whose load exceeds another's by more blocks than the overlap
 * saves loses the request. The least cost wins, ties at random, or with a temperature a softmax over the costs divided
 * by their range, which spreads a herd of like requests. Limits: the terms are blocks, not seconds; prefill of a
 * request counts until the worker reports or the lease ends, as the port does not tell routers of first tokens yet
 * (`firstToken` is ready for it); overlap is what was sent within `maxIdle`, not what the worker holds.
 *
 * Source: ai-dynamo/dynamo lib/kv-router (selector, config) of summer 2026, in its mode without KV events, whose index
 * forgets after 120 s. We differ: draws are seeded; a single candidate is taken without a draw.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type {
  AttemptView,
  FleetView,
  LoadReport,
  Micros,
  RequestView,
  Rng,
  Router,
  WorkerStatus,
  WorkerView,
} from '../types.ts';
import { Bookings } from './bookings.ts';
import { type KvCostConfig, kvCostConfig } from './config.ts';
import { type IndexState, PrefixIndex } from './prefix-index.ts';
import { promptPath, tokensPerBlock } from './prompt-path.ts';

/**
 * Index drawn by softmax over the costs, least likeliest; `draw` in [0, 1). The costs are divided by their range, as
 * upstream does, so the temperature has no unit: at 1 the cheapest is e times as likely as the dearest.
 */
export function softmaxIndex(costs: readonly number[], temperature: number, draw: number): number {
  const least = Math.min(...costs);
  const range = Math.max(...costs) - least;
  if (range === 0) return Math.floor(draw * costs.length);
  let total = 0;
  for (const cost of costs) total += Math.exp(-(cost - least) / range / temperature);
  let gathered = 0;
  for (const [i, cost] of costs.entries()) {
    gathered += Math.exp(-(cost - least) / range / temperature) / total;
    if (draw <= gathered) return i;
  }
  return costs.length - 1;
}

export class KvCost implements Router {
  readonly #config: KvCostConfig;
  readonly #rng: Rng;
  readonly #index: PrefixIndex;
  readonly #bookings: Bookings;
  readonly #costs: number[] = [];
  readonly #overlaps: number[] = [];
  readonly #scratch: number[] = [];
  readonly #tied: number[] = [];
  /** Of the last pick: its request, and the prompt tokens its worker has to compute. */
  #pickedRequest = -1;
  #pickedPrefill = 0;

  constructor(config: KvCostConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
    this.#index = new PrefixIndex(config.blocksMax);
    this.#bookings = new Bookings(config.bookingMax);
  }

  pick(now: Micros, request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    const costs = this.costs(now, request, candidates);
    const position = this.#choose(costs);
    const { index } = candidates[position] as WorkerView;
    this.#pickedRequest = request.id;
    this.#pickedPrefill = Math.ceil(Math.max(0, request.promptTokens) - this.#overlapTokens(request, index));
    this.#index.insert(now, index, promptPath(request, this.#scratch));
    this.#index.trim(index);
    return position;
  }

  /** Cost of each candidate in blocks. Valid until the next call. */
  costs(now: Micros, request: RequestView, candidates: FleetView): readonly number[] {
    const { blockTokens, prefillScale, overlapCredit, requestWeight } = this.#config;
    this.#index.evict(now, this.#config.maxIdle);
    this.#bookings.expire(now);
    this.#overlaps.fill(0);
    this.#index.overlaps(promptPath(request, this.#scratch), this.#overlaps);
    const costs = this.#costs;
    costs.length = 0;
    const own = this.#blocksOf(request);
    for (const { index } of candidates) {
      const load = this.#bookings.of(index);
      const saved = overlapCredit * this.#overlapTokens(request, index);
      const prefill = (load.prefillTokens + Math.max(0, request.promptTokens) - saved) / blockTokens;
      costs.push(prefillScale * Math.max(0, prefill) + load.blocks + own + requestWeight * load.requests);
    }
    return costs;
  }

  granted(now: Micros, attempt: AttemptView): void {
    const { request } = attempt;
    const prefill = request.id === this.#pickedRequest ? this.#pickedPrefill : Math.max(0, request.promptTokens);
    this.#bookings.book(now, attempt, this.#blocksOf(request), prefill);
  }

  /** The prompt of this attempt is computed. No core calls it yet. */
  firstToken(_now: Micros, attempt: AttemptView): void {
    this.#bookings.prefilled(attempt);
  }

  settled(_now: Micros, attempt: AttemptView): void {
    this.#bookings.end(attempt);
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    this.#index.keepOnly(workers);
    this.#bookings.keepOnly(workers);
  }

  configured(_now: Micros, worker: number, ranks: number): void {
    this.#bookings.of(worker).reports.limitRanks(ranks);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    this.#bookings.reported(now, worker, rank, report);
  }

  statusChanged(_now: Micros, worker: number, status: WorkerStatus): void {
    if (status === 'failed') this.#index.remove(worker);
  }

  /** KV blocks of the prompt. */
  #blocksOf(request: RequestView): number {
    return Math.ceil(Math.max(0, request.promptTokens) / this.#config.blockTokens);
  }

  /** Prompt tokens that the worker holds, by the last `overlaps`. */
  #overlapTokens(request: RequestView, worker: number): number {
    const blocks = this.#overlaps[worker] ?? 0;
    return Math.min(Math.max(0, request.promptTokens), blocks * tokensPerBlock(request, this.#config.idTokens));
  }

  #choose(costs: readonly number[]): number {
    if (costs.length === 1) return 0;
    if (this.#config.temperature > 0) return softmaxIndex(costs, this.#config.temperature, this.#rng());
    const tied = this.#tied;
    tied.length = 0;
    let least = Infinity;
    for (const [i, cost] of costs.entries()) {
      if (cost > least) continue;
      if (cost < least) tied.length = 0;
      least = cost;
      tied.push(i);
    }
    return tied.length === 1 ? (tied[0] as number) : (tied[Math.floor(this.#rng() * tied.length)] as number);
  }

  snapshot(): unknown {
    const index = this.#index.snapshot();
    if (index === undefined) return undefined;
    return [index, this.#bookings.snapshot(), this.#pickedRequest, this.#pickedPrefill];
  }

  restore(state: unknown): void {
    const [index, bookings, pickedRequest, pickedPrefill] = state as [IndexState, unknown, number, number];
    this.#index.restore(index);
    this.#bookings.restore(bookings);
    this.#pickedRequest = pickedRequest;
    this.#pickedPrefill = pickedPrefill;
  }
}

export const kvCost: PolicyEntry<'router', KvCostConfig> = {
  role: 'router',
  name: 'kv-cost',
  decides: 'Which worker: the least KV blocks to compute and hold, cached blocks deducted.',
  source: 'ai-dynamo/dynamo lib/kv-router/src/scheduling/{selector,config}.rs, summer 2026',
  config: kvCostConfig,
  variants: {},
  make: (config, { rng }) => new KvCost(config, rng),
};

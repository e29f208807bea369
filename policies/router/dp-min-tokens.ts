/**
 * Decides by tokens sent: the smallest (tokens, index) takes the request, whose cost then counts there. Meant for the
 * data-parallel ranks of an engine, which must balance because all ranks wait for the slowest; with one entry of the
 * fleet per rank, as smg registers them, ranks are workers here.
 *
 * Tokens are a better unit than leases when prompts differ, and a worse one when outputs do. By default they count
 * until the lease is settled. Upstream (variant `smg-2026-08-07`) adds only, and a load report overwrites: a fleet that
 * does not report turns by lifetime totals. Limits: the port has no choice of a rank within a worker, and a report says
 * how many prompt tokens wait, not how many are held.
 *
 * Source: smg routers/http/pd_router.rs and core/worker load of data-parallel ranks at 73da68ca9; there the cost comes
 * of the words of the text, here the host's estimate of prompt tokens is at hand.
 */
import { refill } from '../refill.ts';
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { AttemptView, FleetView, LoadReport, Micros, RequestView, Router, WorkerView } from '../types.ts';
import { type DpMinTokensConfig, dpMinTokensConfig } from './config.ts';
import { loadStates, refillLoads, WorkerLoad } from './worker-load.ts';

const TOKENS_PER_WORD = 1.3;

/** Cost of a text of so many words, for hosts that count words: at least 1. */
export function tokensOfWords(words: number): number {
  return Math.max(1, Math.ceil(words * TOKENS_PER_WORD));
}

function costOf(request: RequestView): number {
  return request.promptTokens > 0 ? request.promptTokens : tokensOfWords(0);
}

export class DpMinTokens implements Router {
  readonly #release: DpMinTokensConfig['release'];
  /** By worker; absent is 0. */
  readonly #tokens = new Map<number, number>();
  readonly #reports = new Map<number, WorkerLoad>();

  constructor(config: DpMinTokensConfig) {
    this.#release = config.release;
  }

  pick(_now: Micros, _request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    let least = 0;
    for (let i = 1; i < candidates.length; i++) {
      const { index } = candidates[i] as WorkerView;
      const best = (candidates[least] as WorkerView).index;
      const fewer = this.tokens(index) - this.tokens(best) || index - best;
      if (fewer < 0) least = i;
    }
    return least;
  }

  granted(_now: Micros, { request, worker }: AttemptView): void {
    this.#tokens.set(worker.index, this.tokens(worker.index) + costOf(request));
  }

  settled(_now: Micros, { request, worker }: AttemptView): void {
    if (this.#release !== 'settled') return;
    this.#tokens.set(worker.index, Math.max(0, this.tokens(worker.index) - costOf(request)));
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    const known = new Set(workers);
    for (const worker of this.#reports.keys()) if (!known.has(worker)) this.#reports.delete(worker);
    if (this.#release === 'settled') return;
    for (const worker of this.#tokens.keys()) if (!known.has(worker)) this.#tokens.delete(worker);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    if (this.#release !== 'reported') return;
    let load = this.#reports.get(worker);
    if (load === undefined) this.#reports.set(worker, (load = new WorkerLoad()));
    load.report(now, rank, report);
    this.#tokens.set(worker, load.waitingTokens);
  }

  /** Tokens that count against the worker. */
  tokens(worker: number): number {
    return this.#tokens.get(worker) ?? 0;
  }

  snapshot(): unknown {
    return [this.#tokens, loadStates(this.#reports)];
  }

  restore(state: unknown): void {
    const [tokens, reports] = state as [Map<number, number>, [number, unknown][]];
    refill(this.#tokens, tokens);
    refillLoads(this.#reports, reports);
  }
}

export const dpMinTokens: PolicyEntry<'router', DpMinTokensConfig> = {
  role: 'router',
  name: 'dp-min-tokens',
  decides: 'Which worker: the one with the fewest prompt tokens sent to it.',
  source: 'smg model_gateway/src/routers/http/pd_router.rs, dp-minimum-tokens-scheduler 73da68ca9',
  config: dpMinTokensConfig,
  variants: { 'smg-2026-08-07': { release: 'reported' } },
  make: (config) => new DpMinTokens(config),
};

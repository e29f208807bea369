/**
 * Refuses a retry with a chance that grows as less is accepted: max(0, (requests − k × accepts) / (requests + 1)) over
 * the last two minutes. Intuition: as long as at least one attempt in k is accepted, everything passes; beyond that
 * the excess is thrown away here, where it costs nothing, and a trickle remains that notices the recovery.
 *
 * Regimes: with k = 2 it begins when half of the attempts fail and approaches always as all do; a smaller k begins
 * sooner and wastes fewer attempts. Limits: two minutes are slow to close and to open; the answer is a draw, so short
 * runs vary.
 *
 * Source: Site Reliability Engineering (Google, 2016), chapter 21, adaptive throttling; the same formula in
 * zeromicro/go-zero (k 1.5, ten seconds: variant `go-zero`). We differ: only retries are thrown away, since first
 * attempts are the queue's to shed; an attempt counts when its lease is settled, as accepted unless it failed
 * retryably, and not at all when cancelled; a refused retry counts as a request, as there.
 */
import { effectiveStatus, isRetryableStatus } from '../retry/status.ts';
import type { AttemptResult, AttemptView, Micros, Rng } from '../types.ts';
import { type SreConfig, sreConfig } from './config.ts';
import { SlidingCount, type SlidingState } from './sliding-count.ts';
import type { RetryBudget, RetryBudgetEntry } from './types.ts';

/** Slices of five seconds by default: a twenty-fourth of the evidence is forgotten at a time. */
const SLICES = 24;

/** Chance from 0 to 1 that a retry is refused. */
export function refusalRatio(requests: number, accepts: number, k: number): number {
  return Math.max(0, (requests - k * accepts) / (requests + 1));
}

export class SreBudget implements RetryBudget {
  readonly #k: number;
  readonly #rng: Rng;
  readonly #requests: SlidingCount;
  readonly #accepts: SlidingCount;

  constructor({ k, window }: SreConfig, rng: Rng) {
    this.#k = k;
    this.#rng = rng;
    this.#requests = new SlidingCount(window, SLICES);
    this.#accepts = new SlidingCount(window, SLICES);
  }

  settled(now: Micros, _attempt: AttemptView, result: AttemptResult): void {
    if (result.outcome === 'cancelled') return;
    this.#requests.add(now);
    if (result.outcome === 'ok' || !isRetryableStatus(effectiveStatus(result))) this.#accepts.add(now);
  }

  allows(now: Micros): boolean {
    const chance = refusalRatio(this.#requests.total(now), this.#accepts.total(now), this.#k);
    if (chance === 0 || this.#rng() >= chance) return true;
    this.#requests.add(now);
    return false;
  }

  snapshot(): unknown {
    return [this.#requests.snapshot(), this.#accepts.snapshot()];
  }

  restore(state: unknown): void {
    const [requests, accepts] = state as [SlidingState, SlidingState];
    this.#requests.restore(requests);
    this.#accepts.restore(accepts);
  }
}

export const sreBudget: RetryBudgetEntry<SreConfig> = {
  role: 'retry-budget',
  name: 'sre',
  decides: 'Whether a retry is thrown away: by a chance that grows as fewer attempts are accepted.',
  source: 'Site Reliability Engineering (2016) chapter 21; zeromicro/go-zero core/breaker/googlebreaker.go',
  config: sreConfig,
  variants: { 'go-zero': { k: 1.5, window: '10s' } },
  make: (config, { rng }) => new SreBudget(config, rng),
};

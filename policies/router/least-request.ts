/**
 * Decides for the worker with the fewest requests, ties at random. Intuition: requests of like size need like room,
 * and the emptiest worker is the first to have it. Counting is part of choosing: a lease counts from the moment of
 * the choice, so that two choices in a row never see the same fleet and equal requests spread to within one.
 *
 * Regimes: with leases, an even spread whatever comes at once; where requests differ much in size, the counts are
 * even and the work is not. Limits: gateways that share a fleet do not see each other's leases. Variant `aibrix-2422`
 * counts what workers last reported instead: all that arrives between two reports goes to the one that was least, a
 * herd of the size of the burst; a worker that never reported counts as empty.
 *
 * Source: Envoy's least-request policy; vllm-project/aibrix issues 2422 and 646 for the variant.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Rng, Router, WorkerView } from '../types.ts';
import { type LeastRequestConfig, leastRequestConfig } from './config.ts';

export class LeastRequest implements Router {
  readonly #counts: LeastRequestConfig['counts'];
  readonly #rng: Rng;

  constructor({ counts }: LeastRequestConfig, rng: Rng) {
    this.#counts = counts;
    this.#rng = rng;
  }

  pick(_now: Micros, _request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    let least = Infinity;
    let ties = 0;
    for (const worker of candidates) {
      const count = this.#of(worker);
      if (count < least) [least, ties] = [count, 1];
      else if (count === least) ties++;
    }
    let nth = ties === 1 ? 0 : Math.floor(this.#rng() * ties);
    return candidates.findIndex((worker) => this.#of(worker) === least && nth-- === 0);
  }

  #of(worker: WorkerView): number {
    if (this.#counts === 'leases') return worker.inFlight;
    return Math.max(0, worker.reportedRunning) + Math.max(0, worker.reportedWaiting);
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const leastRequest: PolicyEntry<'router', LeastRequestConfig> = {
  role: 'router',
  name: 'least-request',
  decides: 'Which worker: the one with the fewest requests, ties at random.',
  source: 'Envoy least-request; vllm-project/aibrix issues 2422 and 646',
  config: leastRequestConfig,
  variants: { 'aibrix-2422': { counts: 'reported' } },
  make: (config, { rng }) => new LeastRequest(config, rng),
};

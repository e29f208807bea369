/**
 * Decides between two workers drawn at random: the less loaded one. Two choices instead of one bring the
 * fullest worker from log n to log log n above the mean, without the herd that "least of all" makes of stale
 * reports. Load is the KV usage that both last reported, when both reports are fresh; else the leases held,
 * for both. Equal loads go to the first drawn, which is itself uniform, so ties need no further draw.
 *
 * Regimes: close to least-loaded when reports are frequent; with a 10 s poll the usage is a memory, and
 * in-flight counts would often serve better. Limits: the two measures are never combined; a worker that fails
 * fast looks idle. Source: smg policies/power_of_two.rs at 73da68ca9; Mitzenmacher 2001. We differ by
 * default: a report expires after `reportMaxAge` (upstream's never does; variant `smg-2026-08-07`). Over HTTP
 * upstream does not count leases for this policy and takes the first drawn whenever a report is missing:
 * variant `smg-2026-08-07-http`.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Rng, Router, WorkerView } from '../types.ts';
import { type PowerOfTwoConfig, powerOfTwoConfig } from './config.ts';

export class PowerOfTwo implements Router {
  readonly #config: PowerOfTwoConfig;
  readonly #rng: Rng;

  constructor(config: PowerOfTwoConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  pick(now: Micros, _request: RequestView, candidates: FleetView): number {
    const { length } = candidates;
    assert(length > 0, 'a router is asked with at least one candidate');
    if (length === 1) return 0;
    const first = Math.floor(this.#rng() * length);
    const second = (first + 1 + Math.floor(this.#rng() * (length - 1))) % length;
    return this.#lighter(now, candidates[first] as WorkerView, candidates[second] as WorkerView) ? second : first;
  }

  /** True when the second drawn has strictly less load. */
  #lighter(now: Micros, first: WorkerView, second: WorkerView): boolean {
    if (this.#reports(now, first) && this.#reports(now, second)) {
      return second.reportedKvUsageRatio < first.reportedKvUsageRatio;
    }
    return this.#config.withoutReports === 'in-flight' && second.inFlight < first.inFlight;
  }

  #reports(now: Micros, worker: WorkerView): boolean {
    return worker.reportedKvUsageRatio >= 0 && now - worker.reportedAt <= this.#config.reportMaxAge;
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const powerOfTwo: PolicyEntry<'router', PowerOfTwoConfig> = {
  role: 'router',
  name: 'power-of-two',
  decides: 'Which worker: the less loaded of two drawn at random.',
  source: 'smg model_gateway/src/policies/power_of_two.rs 73da68ca9; Mitzenmacher 2001',
  config: powerOfTwoConfig,
  variants: {
    'smg-2026-08-07': { reportMaxAge: 'none' },
    'smg-2026-08-07-http': { reportMaxAge: 'none', withoutReports: 'first-drawn' },
  },
  make: (config, { rng }) => new PowerOfTwo(config, rng),
};

/**
 * Open loop: clients send at instants that no answer influences, as a large population of independent users
 * does. Load beyond capacity piles up, which is what shedding and queue policies exist for; a closed loop
 * would hide it by slowing down (Schroeder, Wierman, Harchol-Balter, "Open versus closed", NSDI 2006).
 *
 * Instants come from the stream 'workload/arrivals', everything else from streams of its own (see
 * request-shape.ts).
 */
import { assert } from '../kernel/assert.ts';
import { stream } from '../kernel/rng.ts';
import type { Arrival, Workload } from './arrival.ts';
import { arrivalTimes } from './arrival-times.ts';
import type { NextInstant } from './arrival-times.ts';
import type { OpenWorkloadConfig } from './config.ts';
import { RequestShape, assertBounded } from './request-shape.ts';

export class OpenWorkload implements Workload {
  readonly #config: OpenWorkloadConfig;
  readonly #instant: NextInstant;
  readonly #shape: RequestShape;
  #nextAt = 0;
  #taken = 0;

  constructor(config: OpenWorkloadConfig, seed: number | string) {
    if (config.arrivals.process !== 'phases') assertBounded(config);
    this.#config = config;
    this.#instant = arrivalTimes(config.arrivals, stream(seed, 'workload/arrivals'));
    this.#shape = new RequestShape(config, seed, 'workload');
    this.#advance();
  }

  nextAt(): number {
    return this.#nextAt;
  }

  take(): Arrival {
    const at = this.#nextAt;
    assert(at < Infinity, 'no arrival to take');
    this.#taken++;
    this.#advance();
    return this.#shape.next(at, -1);
  }

  starved(): boolean {
    return false;
  }

  ended(): boolean {
    return this.#nextAt === Infinity;
  }

  total(): number | undefined {
    const { arrivals, requests, durationUs } = this.#config;
    if (arrivals.process === 'phases') return undefined;
    const endless = arrivals.ratePerSec > 0 || (arrivals.process === 'bursts' && arrivals.everyUs < Infinity);
    return durationUs === Infinity && endless ? requests : undefined;
  }

  #advance(): void {
    const at = this.#taken < this.#config.requests ? this.#instant() : Infinity;
    this.#nextAt = at < this.#config.durationUs ? at : Infinity;
  }
}

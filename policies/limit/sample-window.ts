/**
 * Averages samples into one per window: mean latency, most in flight, dropped if any was. Intuition: one latency
 * depends on its prompt, a hundred depend on the load. A window ends with the first sample at or after its end that
 * makes it `samplesMin` in all, so that a quiet time makes no verdict out of three requests. Source:
 * Netflix/concurrency-limits 78a74b9 WindowedLimit. We differ: its window lasts at least twice the least latency and
 * skips latencies below 100 µs.
 */
import type { Micros } from '../types.ts';
import type { Sample } from './sampler.ts';

/** Its end, samples, those with a latency, their sum, most in flight, whether one was dropped. */
export type WindowState = readonly [Micros, number, number, Micros, number, boolean];

export class SampleWindow {
  readonly #windowUs: Micros;
  readonly #samplesMin: number;
  #endsAt = -Infinity;
  #samples = 0;
  #measured = 0;
  #latencySumUs = 0;
  #inFlightMax = 0;
  #dropped = false;

  /** `windowUs` 0: every sample is a window. */
  constructor(windowUs: Micros, samplesMin: number) {
    this.#windowUs = windowUs;
    this.#samplesMin = samplesMin;
  }

  /** The average of the window that this sample ends, if it ends one. */
  add(now: Micros, sample: Sample): Sample | undefined {
    if (this.#windowUs === 0) return sample;
    if (this.#endsAt === -Infinity) this.#endsAt = now + this.#windowUs;
    this.#samples++;
    this.#inFlightMax = Math.max(this.#inFlightMax, sample.inFlight);
    this.#dropped ||= sample.dropped;
    if (sample.latencyUs >= 0) {
      this.#measured++;
      this.#latencySumUs += sample.latencyUs;
    }
    if (now < this.#endsAt || this.#samples < this.#samplesMin) return undefined;
    return this.#close(now);
  }

  #close(now: Micros): Sample {
    const latencyUs = this.#measured === 0 ? -1 : this.#latencySumUs / this.#measured;
    const average = { latencyUs, inFlight: this.#inFlightMax, dropped: this.#dropped };
    this.#endsAt = now + this.#windowUs;
    this.#samples = 0;
    this.#measured = 0;
    this.#latencySumUs = 0;
    this.#inFlightMax = 0;
    this.#dropped = false;
    return average;
  }

  snapshot(): WindowState {
    return [this.#endsAt, this.#samples, this.#measured, this.#latencySumUs, this.#inFlightMax, this.#dropped];
  }

  restore([endsAt, samples, measured, latencySumUs, inFlightMax, dropped]: WindowState): void {
    this.#endsAt = endsAt;
    this.#samples = samples;
    this.#measured = measured;
    this.#latencySumUs = latencySumUs;
    this.#inFlightMax = inFlightMax;
    this.#dropped = dropped;
  }
}

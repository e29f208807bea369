/**
 * Limits what is in flight by the slope of latency against its own long average: L' = (1 − s) L + s (g L + queue),
 * where g = tolerance × long / short, kept between a half and one. Intuition: averages instead of a least latency,
 * since requests differ; the long one drifts, so a lasting change becomes the new normal.
 *
 * Regimes: at ease g is 1 and the limit grows by s × queue a sample, about one; into load g falls and the limit by at
 * most a tenth a sample; while latency stays high the long average rises after it and the limit recovers, which is the
 * weakness: a slow overload is believed. Out of load the long average may be far too high, so it is cut by a twentieth
 * a sample while it is more than twice the short one. It does not move while less than half of it is in flight.
 * Limits: a sample is a window of a second by default, and the long average of 600 of them ten minutes; the minimum of
 * 20 is upstream's and too much for a small fleet.
 *
 * Source: Netflix/concurrency-limits 78a74b9 Gradient2Limit, with its WindowedLimit. The long average is the plain
 * mean of the first ten samples, then exponential with weight 2 / (longWindow + 1). We differ: a drop is the steepest
 * gradient whatever is in flight; upstream looks at nothing but latency, so a fleet that refuses fast seems fast
 * (variant `netflix` leaves drops out; their latencies too, see sampler.ts).
 */
import type { PolicyEntry } from '../entry.ts';
import type { Micros } from '../types.ts';
import { AdaptiveLimit, type LimitRule } from './adaptive-limit.ts';
import { type Gradient2Config, gradient2Config } from './config.ts';
import type { Sample } from './sampler.ts';

const GRADIENT_MIN = 0.5;
const WARM_UP_SAMPLES = 10;
const DRIFT_RATIO = 2;
const DRIFT_DECAY = 0.95;

/** From a half to one: how much of the limit the latency leaves. Latencies above 0. */
export function gradientOf(longUs: Micros, shortUs: Micros, tolerance: number): number {
  return Math.max(GRADIENT_MIN, Math.min(1, (tolerance * longUs) / shortUs));
}

export class Gradient2 implements LimitRule {
  readonly #config: Pick<
    Gradient2Config,
    'min' | 'max' | 'tolerance' | 'smoothing' | 'queueSize' | 'longWindow' | 'onDrop'
  >;
  #limit: number;
  #longUs: Micros = 0;
  #samples = 0;

  constructor(config: Gradient2Config) {
    this.#config = config;
    this.#limit = config.initial;
  }

  get limit(): number {
    return this.#limit;
  }

  update({ latencyUs, inFlight, dropped }: Sample): void {
    const gradient = latencyUs > 0 ? this.#gradient(latencyUs) : undefined;
    if (dropped && this.#config.onDrop === 'shrink') this.#move(GRADIENT_MIN);
    else if (gradient !== undefined && inFlight * 2 >= this.#limit) this.#move(gradient);
  }

  /** Takes the latency into the long average, and compares them. */
  #gradient(shortUs: Micros): number {
    const { longWindow, tolerance } = this.#config;
    this.#samples = Math.min(this.#samples + 1, WARM_UP_SAMPLES + 1);
    const weight = this.#samples <= WARM_UP_SAMPLES ? 1 / this.#samples : 2 / (longWindow + 1);
    this.#longUs += weight * (shortUs - this.#longUs);
    const gradient = gradientOf(this.#longUs, shortUs, tolerance);
    if (this.#longUs / shortUs > DRIFT_RATIO) this.#longUs *= DRIFT_DECAY;
    return gradient;
  }

  #move(gradient: number): void {
    const { min, max, smoothing, queueSize } = this.#config;
    const target = gradient * this.#limit + queueSize;
    this.#limit = Math.max(min, Math.min(max, (1 - smoothing) * this.#limit + smoothing * target));
  }

  snapshot(): readonly [number, Micros, number] {
    return [this.#limit, this.#longUs, this.#samples];
  }

  restore([limit, longUs, samples]: readonly [number, Micros, number]): void {
    this.#limit = limit;
    this.#longUs = longUs;
    this.#samples = samples;
  }
}

export const gradient2: PolicyEntry<'capacity', Gradient2Config> = {
  role: 'capacity',
  name: 'gradient2',
  decides: 'How many requests are admitted at once: by the slope of latency against its long average.',
  source: 'Netflix/concurrency-limits 78a74b9 limit/Gradient2Limit.java',
  config: gradient2Config,
  variants: { netflix: { signal: 'e2e', onDrop: 'ignore' } },
  make: (config) => new AdaptiveLimit(new Gradient2(config), config),
};

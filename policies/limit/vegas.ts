/**
 * Limits what is in flight by an estimate of the queue it makes: of a limit L, L × (1 − least latency / latency)
 * requests must be waiting somewhere. Few of them, and the limit rises; many, and it falls; in between it stays.
 * Intuition: it reacts to the first sign of waiting, before anything is lost. With t = log10 L (whole, at least 1): up
 * to t waiting it rises by 6t, below 3t by t, above 6t it falls by t, and at a drop by t.
 *
 * Regimes: steady, the queue it tolerates is three to six times t, a handful; into load it falls by one or two a
 * sample; out of load it rises by six or more. It does not rise while less than half of it is in flight. The least
 * latency is measured anew every 15 to 30 × L samples, or a lasting change of the fleet would never be believed.
 * Limits: the least latency is that of the shortest prompt ever seen, so mixed prompt lengths read as waiting and hold
 * the limit low; a batching engine slows down with every request it runs, queue or not.
 *
 * Source: Netflix/concurrency-limits 78a74b9 VegasLimit, after TCP Vegas (Brakmo and Peterson, 1995). We differ: a
 * drop has no latency (sampler.ts) and always lowers the limit; upstream one that is the fastest so far lowers the
 * least latency instead. The jitter of the probes is drawn from the policy's own stream.
 */
import type { PolicyEntry } from '../entry.ts';
import type { Micros, Rng } from '../types.ts';
import { AdaptiveLimit, type LimitRule } from './adaptive-limit.ts';
import { type VegasConfig, vegasConfig } from './config.ts';
import type { Sample } from './sampler.ts';

const ALPHA = 3;
const BETA = 6;

/** The step: log10 of the limit, whole, at least 1. */
export function vegasStep(limit: number): number {
  return Math.max(1, Math.floor(Math.log10(Math.floor(limit))));
}

/** The next limit after a sample that was not dropped, before bounds and smoothing. */
export function vegasTarget(limit: number, leastUs: Micros, latencyUs: Micros): number {
  const queue = Math.ceil(limit * (1 - leastUs / latencyUs));
  const step = vegasStep(limit);
  if (queue <= step) return limit + BETA * step;
  if (queue < ALPHA * step) return limit + step;
  return queue > BETA * step ? limit - step : limit;
}

export class Vegas implements LimitRule {
  readonly #config: Pick<VegasConfig, 'min' | 'max' | 'smoothing' | 'probeMultiplier'>;
  readonly #rng: Rng;
  #limit: number;
  /** Least latency since the last probe; Infinity before the first sample. */
  #leastUs: Micros = Infinity;
  #samples = 0;
  #probeJitter: number;

  constructor(config: VegasConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
    this.#limit = config.initial;
    this.#probeJitter = this.#drawJitter();
  }

  get limit(): number {
    return this.#limit;
  }

  update({ latencyUs, inFlight, dropped }: Sample): void {
    this.#samples++;
    const measured = latencyUs >= 0 && this.#measuresLeast(latencyUs);
    if (dropped) this.#move(this.#limit - vegasStep(this.#limit));
    else if (!measured && inFlight * 2 >= this.#limit) this.#move(vegasTarget(this.#limit, this.#leastUs, latencyUs));
  }

  /** True when this latency becomes the least: a probe is due, or it is lower. */
  #measuresLeast(latencyUs: Micros): boolean {
    const probes = this.#samples >= this.#probeJitter * this.#config.probeMultiplier * this.#limit;
    if (!probes && latencyUs >= this.#leastUs) return false;
    this.#leastUs = latencyUs;
    if (probes) {
      this.#samples = 0;
      this.#probeJitter = this.#drawJitter();
    }
    return true;
  }

  #move(target: number): void {
    const { min, max, smoothing } = this.#config;
    const bounded = Math.max(min, Math.min(max, target));
    this.#limit = (1 - smoothing) * this.#limit + smoothing * bounded;
  }

  /** From a half to one, so that gateways do not probe together. */
  #drawJitter(): number {
    return 0.5 + this.#rng() / 2;
  }

  snapshot(): readonly [number, Micros, number, number] {
    return [this.#limit, this.#leastUs, this.#samples, this.#probeJitter];
  }

  restore([limit, leastUs, samples, probeJitter]: readonly [number, Micros, number, number]): void {
    this.#limit = limit;
    this.#leastUs = leastUs;
    this.#samples = samples;
    this.#probeJitter = probeJitter;
  }
}

export const vegas: PolicyEntry<'capacity', VegasConfig> = {
  role: 'capacity',
  name: 'vegas',
  decides: 'How many requests are admitted at once: by the queue that latency above the least one betrays.',
  source: 'Netflix/concurrency-limits 78a74b9 limit/VegasLimit.java',
  config: vegasConfig,
  variants: { netflix: { signal: 'e2e' } },
  make: (config, { rng }) => new AdaptiveLimit(new Vegas(config, rng), config),
};

/**
 * When an open workload's requests are sent: a sequence of instants that knows nothing of lengths or tenants.
 *
 * Gaps are drawn as real numbers and summed before the sum is rounded, so that rounding costs no rate at
 * 100,000/s. Each gap is first rounded to 2^-10 µs: sums of such numbers are exact for 100 days, and a
 * last-bit difference between two engines' log does not survive. Gamma gaps with cv > 1 are clumped, cv < 1
 * regular: the burstiness that ServeGen (arXiv:2505.09999) measures of production clients.
 *
 * A rate that changes is a Poisson process of rate 1 on a clock that runs as fast as the rate (Lewis and Shedler 1979):
 * its exponential gaps are expected numbers of arrivals, which the area under the rate turns into time. They are
 * rounded to 2^-40, for the same reason.
 */
import { randomExponential, randomGamma } from 'd3-random';
import { assert } from '../kernel/assert.ts';
import type { Rng } from '../kernel/rng.ts';
import type { ArrivalsConfig, RatePhase } from './config.ts';

/**
 * Next instant, microseconds, whole, never less than the one before; Infinity for ever once the process is
 * dry.
 */
export type NextInstant = () => number;

const US_PER_SEC = 1e6;
const GRAINS_PER_US = 1024;
const GRAINS_PER_ARRIVAL = 2 ** 40;

/** The instants of `config`, drawn from `rng`, which nothing else may draw from. */
export function arrivalTimes(config: ArrivalsConfig, rng: Rng): NextInstant {
  if (config.process === 'phases') return phased(config.phases, randomExponential.source(rng)(1));
  const rate = config.ratePerSec;
  assert(rate >= 0 && rate < Infinity, 'arrival rate must be finite and at least 0');
  switch (config.process) {
    case 'poisson':
      return poisson(rate, rng);
    case 'constant':
      return constant(rate);
    case 'gamma': {
      assert(config.cv > 0, 'cv of arrival gaps must be above 0');
      if (rate === 0) return () => Infinity;
      const shape = 1 / config.cv ** 2;
      return summed(randomGamma.source(rng)(shape, US_PER_SEC / rate / shape));
    }
    case 'bursts':
      return merged(poisson(rate, rng), bursts(config.burstSize, config.everyUs, config.firstAt));
    default:
      return config satisfies never;
  }
}

function poisson(ratePerSec: number, rng: Rng): NextInstant {
  if (ratePerSec === 0) return () => Infinity;
  return summed(randomExponential.source(rng)(ratePerSec / US_PER_SEC));
}

function constant(ratePerSec: number): NextInstant {
  if (ratePerSec === 0) return () => Infinity;
  let index = 0;
  return () => Math.round((index++ * US_PER_SEC) / ratePerSec);
}

function bursts(size: number, everyUs: number, firstAt: number): NextInstant {
  assert(Number.isInteger(size) && size >= 0, 'burst size must be a whole number, at least 0');
  assert(everyUs > 0, 'bursts must lie apart');
  let at = size === 0 ? Infinity : firstAt;
  let left = size;
  return () => {
    if (left === 0) {
      at += everyUs;
      left = size;
    }
    left--;
    return Math.round(at);
  };
}

/** `gap`: expected arrivals until the next one, exponential with mean 1. */
function phased(phases: readonly RatePhase[], gap: () => number): NextInstant {
  let phase = 0;
  let begunAt = 0;
  /** Arrivals expected since the phase began. */
  let expected = 0;
  return () => {
    expected += Math.round(gap() * GRAINS_PER_ARRIVAL) / GRAINS_PER_ARRIVAL;
    for (; phase < phases.length; phase++) {
      const at = phases[phase] as RatePhase;
      const all = ((at.fromPerSec + at.toPerSec) / 2) * (at.forUs / US_PER_SEC);
      if (expected < all) return Math.round(begunAt + Math.min(at.forUs, reachedUs(at, expected)));
      expected -= all;
      begunAt += at.forUs;
    }
    return Infinity;
  };
}

/** How long into the phase so many arrivals are expected, fewer than in all of it. */
function reachedUs({ forUs, fromPerSec, toPerSec }: RatePhase, expected: number): number {
  const slope = (toPerSec - fromPerSec) / (forUs / US_PER_SEC);
  const root = Math.sqrt(Math.max(0, fromPerSec ** 2 + 2 * slope * expected));
  const us = expected === 0 ? 0 : ((2 * expected) / (fromPerSec + root)) * US_PER_SEC;
  return Math.round(us * GRAINS_PER_US) / GRAINS_PER_US;
}

function summed(gapUs: () => number): NextInstant {
  let sum = 0;
  return () => {
    sum += Math.round(gapUs() * GRAINS_PER_US) / GRAINS_PER_US;
    return Math.round(sum);
  };
}

function merged(first: NextInstant, second: NextInstant): NextInstant {
  let a = first();
  let b = second();
  return () => {
    const at = Math.min(a, b);
    if (a <= b) a = first();
    else b = second();
    return at;
  };
}

/**
 * Named distributions and their samplers, drawn with d3-random from a seeded uniform source. Every sampled number is
 * rounded to a whole one and held to the distribution's bounds at once: engines' libm may differ in the last bit of log
 * and exp, and a rounded sample does not.
 */
import { randomExponential, randomGamma, randomInt, randomLogNormal, randomNormal } from 'd3-random';
import { assert } from './assert.ts';
import type { Rng } from './rng.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** `mean`, `value`, `sd`, `min`, `max` share the unit of what is drawn; `cv` is standard deviation ÷ mean. */
export type Distribution =
  | { readonly dist: 'constant'; readonly value: number }
  | ({ readonly dist: 'uniform' } & Bounds)
  | ({ readonly dist: 'exponential'; readonly mean: number } & Bounds)
  | ({ readonly dist: 'normal'; readonly mean: number; readonly sd: number } & Bounds)
  | ({ readonly dist: 'lognormal'; readonly mean: number; readonly cv: number } & Bounds)
  | ({ readonly dist: 'gamma'; readonly mean: number; readonly cv: number } & Bounds);

/**
 * Draws whole numbers of `distribution` from `rng`. A bounded draw outside its bounds is moved to the nearest whole
 * number inside. A draw depends on `rng` alone, so a sampler may sit on keyed draws.
 */
export function sampler(distribution: Distribution, rng: Rng): () => number {
  if (distribution.dist === 'constant') {
    const value = whole(distribution.value);
    return () => value;
  }
  const low = Math.ceil(distribution.min);
  const high = Math.floor(distribution.max);
  assert(low <= high, 'distribution bounds hold no whole number');
  const draw = rawSampler(distribution, rng);
  return () => Math.min(high, Math.max(low, whole(draw())));
}

/** Rounds; -0 becomes 0. */
function whole(value: number): number {
  return Math.round(value) + 0;
}

/**
 * d3's normal keeps the second value of each pair for its next call: on keyed draws it would carry one key's noise to
 * another. So whatever builds on it is made anew for each draw.
 */
function rawSampler(distribution: Exclude<Distribution, { dist: 'constant' }>, rng: Rng): () => number {
  switch (distribution.dist) {
    case 'uniform':
      // Whole numbers with equal weight: rounding a real draw would halve the weight of both ends.
      return randomInt.source(rng)(Math.ceil(distribution.min), Math.floor(distribution.max) + 1);
    case 'exponential':
      return randomExponential.source(rng)(1 / distribution.mean);
    case 'normal': {
      const normal = randomNormal.source(rng);
      return () => normal(distribution.mean, distribution.sd)();
    }
    case 'lognormal': {
      const variance = Math.log(1 + distribution.cv ** 2);
      const location = Math.log(distribution.mean) - variance / 2;
      const scale = Math.sqrt(variance);
      const lognormal = randomLogNormal.source(rng);
      return () => lognormal(location, scale)();
    }
    case 'gamma': {
      // Of no spread: the shape would be infinite and d3's draw NaN.
      if (distribution.cv === 0) return () => distribution.mean;
      const shape = 1 / distribution.cv ** 2;
      const scale = distribution.mean / shape;
      return () => randomGamma.source(rng)(shape, scale)();
    }
    default:
      return distribution satisfies never;
  }
}

/**
 * Weighted log-linear histogram (HDR style) of whole microseconds, for what is recorded too often to keep: gaps between
 * tokens come once per engine iteration, with the number of sequences that had that gap as weight.
 *
 * Buckets: one per value below 2048, then 1024 per power of two. A bucket is given back as its middle, so it is off
 * by less than half its width, 2^-11 of the value. Percentiles are those of the multiset in which every value was
 * replaced by the middle of its bucket, with the ranks and the interpolation of `interpolate.ts`; the first and the
 * last rank are the exact minimum and maximum. Values below 2048 therefore give exactly numpy's answer.
 *
 * Count, sum and sum of squares are kept beside the buckets, so mean and deviation owe nothing to bucketing.
 */
import { assert } from '../kernel/assert.ts';
import { interpolate, rankOf } from './interpolate.ts';
import type { Statistics } from './statistics.ts';

const HALF_BITS = 10;
const HALF = 2 ** HALF_BITS;
const EXACT_BELOW = 2 * HALF;
/** Above this, bit operations on 32 bits no longer see the value: it is scaled down first. */
const WIDE_FROM = 2 ** 31;
const WIDE_SHIFT = 21;
const WIDE_SCALE = 2 ** WIDE_SHIFT;

export class Histogram implements Statistics {
  readonly method = 'histogram';
  /** Σ weight per bucket; grows to the largest value seen, at most 45,056 buckets. */
  #weights = new Float64Array(EXACT_BELOW);
  #count = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #min = Infinity;
  #max = -Infinity;

  /** Adds `value` (whole microseconds ≥ 0) `weight` times (a whole number ≥ 0). */
  record(value: number, weight: number): void {
    assert(value >= 0 && Math.floor(value) === value, 'a histogram takes whole values from 0');
    assert(weight >= 0, 'a histogram takes no negative weight');
    if (weight === 0) return;
    const bucket = value < EXACT_BELOW ? value : bucketOf(value);
    if (bucket >= this.#weights.length) this.#growTo(bucket);
    this.#weights[bucket] = (this.#weights[bucket] as number) + weight;
    const product = value * weight;
    this.#count += weight;
    this.#sum += product;
    this.#sumOfSquares += product * value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /**
   * Adds, `weight` times each, the distance of every one of `instants[from]` … `instants[to − 1]` to the one before it,
   * of the first to `previous`; all whole. What as many calls of `record` would do, in one loop.
   */
  recordGaps(instants: Float64Array, from: number, to: number, previous: number, weight: number): void {
    assert(weight > 0, 'gaps are recorded of somebody');
    let sum = this.#sum;
    let sumOfSquares = this.#sumOfSquares;
    let before = previous;
    for (let i = from; i < to; i++) {
      const at = instants[i] as number;
      const value = at - before;
      before = at;
      assert(value >= 0 && Math.floor(value) === value, 'a histogram takes whole values from 0');
      const bucket = value < EXACT_BELOW ? value : bucketOf(value);
      if (bucket >= this.#weights.length) this.#growTo(bucket);
      this.#weights[bucket] = (this.#weights[bucket] as number) + weight;
      const product = value * weight;
      sum += product;
      sumOfSquares += product * value;
      if (value < this.#min) this.#min = value;
      if (value > this.#max) this.#max = value;
    }
    this.#count += weight * (to - from);
    this.#sum = sum;
    this.#sumOfSquares = sumOfSquares;
  }

  /** Adds all that `other` has recorded; `other` stays as it is. */
  merge(other: Histogram): void {
    const theirs = other.#weights;
    if (theirs.length > this.#weights.length) this.#growTo(theirs.length - 1);
    for (let bucket = 0; bucket < theirs.length; bucket++) {
      this.#weights[bucket] = (this.#weights[bucket] as number) + (theirs[bucket] as number);
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#sumOfSquares += other.#sumOfSquares;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** Σ weight. */
  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  get sumOfSquares(): number {
    return this.#sumOfSquares;
  }

  get mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }

  get std(): number | null {
    if (this.#count === 0) return null;
    if (this.#min === this.#max) return 0;
    const mean = this.#sum / this.#count;
    return Math.sqrt(Math.max(0, this.#sumOfSquares / this.#count - mean * mean));
  }

  get min(): number | null {
    return this.#count === 0 ? null : this.#min;
  }

  get max(): number | null {
    return this.#count === 0 ? null : this.#max;
  }

  percentile(p: number): number | null {
    assert(p >= 0 && p <= 100, 'a percentile is from 0 to 100');
    if (this.#count === 0) return null;
    const rank = rankOf(p, this.#count);
    const low = Math.floor(rank);
    const weights = this.#weights;
    let bucket = 0;
    let upTo = weights[0] as number;
    while (upTo <= low) upTo += weights[++bucket] as number;
    const lowValue = this.#valueAt(low, bucket);
    if (rank === low) return lowValue;
    while (upTo <= low + 1) upTo += weights[++bucket] as number;
    return interpolate(lowValue, this.#valueAt(low + 1, bucket), rank - low);
  }

  /** Value of the order statistic `rank`, which lies in `bucket`. */
  #valueAt(rank: number, bucket: number): number {
    if (rank === 0) return this.#min;
    if (rank === this.#count - 1) return this.#max;
    return Math.min(this.#max, Math.max(this.#min, middleOf(bucket)));
  }

  #growTo(bucket: number): void {
    const wider = new Float64Array((Math.floor(bucket / HALF) + 2) * HALF);
    wider.set(this.#weights);
    this.#weights = wider;
  }
}

/** Bucket of a whole value from 2048: its power of two above 2^10, then the 10 bits below its highest. */
function bucketOf(value: number): number {
  if (value >= WIDE_FROM) return bucketOf(Math.floor(value / WIDE_SCALE)) + WIDE_SHIFT * HALF;
  const shift = 31 - HALF_BITS - Math.clz32(value);
  return shift * HALF + (value >>> shift);
}

function middleOf(bucket: number): number {
  if (bucket < EXACT_BELOW) return bucket;
  const shift = Math.floor(bucket / HALF) - 1;
  const width = 2 ** shift;
  return (bucket - shift * HALF) * width + (width - 1) / 2;
}

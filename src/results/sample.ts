/**
 * One latency of many requests: every value is kept while there are at most a million, so that percentiles are
 * exact; the value after that moves all of them into a histogram, which costs no more memory and is off by at most
 * 2^-11 of the value. `method` says which. Count, sum, mean, minimum and maximum stay exact either way.
 */
import { assert } from '../kernel/assert.ts';
import { Histogram } from './histogram.ts';
import { interpolate, rankOf } from './interpolate.ts';
import type { PercentileMethod, Statistics } from './statistics.ts';

const EXACT_MAX = 1_000_000;
const FIRST_CAPACITY = 1024;

export class Sample implements Statistics {
  readonly #exactMax: number;
  #values = new Float64Array(FIRST_CAPACITY);
  /** Set for good by the value after `#exactMax`. */
  #histogram: Histogram | undefined = undefined;
  #sorted = true;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  /** `exactMax`: values kept one by one. */
  constructor(exactMax = EXACT_MAX) {
    this.#exactMax = exactMax;
  }

  /** `value` in microseconds, finite, ≥ 0; fractions count, but a histogram rounds them. */
  add(value: number): void {
    assert(value >= 0 && value < Infinity, 'a sample takes finite values from 0');
    if (this.#histogram === undefined && this.#count === this.#exactMax) this.#spill();
    if (this.#histogram === undefined) {
      if (this.#count === this.#values.length) this.#grow();
      this.#values[this.#count] = value;
      this.#sorted = false;
    } else {
      this.#histogram.record(Math.round(value), 1);
    }
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  get method(): PercentileMethod {
    return this.#histogram === undefined ? 'exact' : 'histogram';
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  get mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }

  get std(): number | null {
    if (this.#count === 0) return null;
    if (this.#histogram !== undefined) return this.#histogram.std;
    const mean = this.#sum / this.#count;
    let squares = 0;
    // Sorted first: the sum must not depend on whether a percentile was asked before.
    for (const value of this.#ordered()) squares += (value - mean) ** 2;
    return Math.sqrt(squares / this.#count);
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
    if (this.#histogram !== undefined) return this.#histogram.percentile(p);
    const values = this.#ordered();
    const rank = rankOf(p, this.#count);
    const low = Math.floor(rank);
    const lowValue = values[low] as number;
    return rank === low ? lowValue : interpolate(lowValue, values[low + 1] as number, rank - low);
  }

  #ordered(): Float64Array {
    const values = this.#values.subarray(0, this.#count);
    if (!this.#sorted) values.sort();
    this.#sorted = true;
    return values;
  }

  #grow(): void {
    const wider = new Float64Array(Math.min(this.#exactMax, this.#count * 2));
    wider.set(this.#values);
    this.#values = wider;
  }

  #spill(): void {
    const histogram = new Histogram();
    for (let index = 0; index < this.#count; index++) {
      histogram.record(Math.round(this.#values[index] as number), 1);
    }
    this.#histogram = histogram;
    this.#values = new Float64Array(0);
  }
}

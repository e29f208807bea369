/**
 * How many in the last while: a ring of slices, brought up to date from `now` whenever it is asked, without a timer.
 * It counts the slice that now is in and the `slices` before it, so it reaches back by at least the window and by less
 * than one slice more; slices begin at whole multiples of their width. Source: the windowed adder of twitter/util.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { Micros } from '../types.ts';

/** Counts by slice, the slice of the last call, their sum. */
export type SlidingState = readonly [readonly number[], number, number];

export class SlidingCount {
  readonly #widthUs: Micros;
  readonly #ring: number[];
  /** Number of the slice that the last call was in. */
  #slice = -Infinity;
  #total = 0;

  /** The window is cut into `slices`; more of them forget more smoothly. */
  constructor(windowUs: Micros, slices: number) {
    assert(windowUs > 0 && slices >= 1, 'a window and its slices are at least one');
    this.#widthUs = windowUs / slices;
    this.#ring = new Array<number>(slices + 1).fill(0);
  }

  add(now: Micros): void {
    this.#advance(now);
    const place = this.#place(this.#slice);
    this.#ring[place] = (this.#ring[place] as number) + 1;
    this.#total++;
  }

  total(now: Micros): number {
    this.#advance(now);
    return this.#total;
  }

  #advance(now: Micros): void {
    const slice = Math.floor(now / this.#widthUs);
    const passed = Math.min(slice - this.#slice, this.#ring.length);
    for (let i = 0; i < passed; i++) {
      const place = this.#place(slice - i);
      this.#total -= this.#ring[place] as number;
      this.#ring[place] = 0;
    }
    this.#slice = Math.max(this.#slice, slice);
  }

  snapshot(): SlidingState {
    return [this.#ring, this.#slice, this.#total];
  }

  restore([ring, slice, total]: SlidingState): void {
    for (const [place, count] of ring.entries()) this.#ring[place] = count;
    this.#slice = slice;
    this.#total = total;
  }

  #place(slice: number): number {
    const { length } = this.#ring;
    return ((slice % length) + length) % length;
  }
}

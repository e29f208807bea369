/**
 * The test mode of a world: what a real host may do to a core and a quiet simulation seldom does. Timers of cores
 * fire late, since a real timer is a lower bound only; the word that an attempt is given up reaches its worker late,
 * so that replies come after their lease was settled. How late is drawn from streams of its own: with both at 0 the
 * world is the one without test mode, draw for draw. (Ties are permuted by the event queue; see
 * `WorldParts.tieBreak`.)
 */
import { type Rng, stream } from '../kernel/rng.ts';

export interface TestMode {
  /** A core's timer fires up to so much later than it asked for, microseconds, uniformly drawn. */
  readonly wakeDelayUs: number;
  /** A cancellation takes up to so much longer to its worker, microseconds, uniformly drawn. */
  readonly cancelDelayUs: number;
}

/** Whole microseconds from 0 to `maxUs`, drawn in order from a stream of that name. */
export class Lateness {
  readonly #maxUs: number;
  readonly #draw: Rng;

  constructor(maxUs: number, seed: number, name: string) {
    this.#maxUs = maxUs;
    this.#draw = stream(seed, `test-mode/${name}`);
  }

  us(): number {
    return this.#maxUs === 0 ? 0 : Math.round(this.#draw() * this.#maxUs);
  }
}

/**
 * When smg's dispatcher runs, a task of its own beside the requests: after it was kicked (a release, a new waiter, one
 * who gave up, a grown capacity), in a wake of that instant, and at ticks of the smallest starvation threshold counted
 * from 0. The repaired scheduler dispatches within every input and asks nothing of this. Source: smg
 * middleware/scheduler/engine.rs at 73da68ca9.
 */
import type { Micros } from '../types.ts';

/** Whether it was kicked, and its next tick. */
export type TaskState = readonly [boolean, Micros];

export class DispatcherTask {
  readonly #periodUs: Micros;
  #isKicked = false;
  #tickAt: Micros = Infinity;

  /** Infinity: no ticks. */
  constructor(periodUs: Micros) {
    this.#periodUs = periodUs;
  }

  kick(now: Micros): void {
    this.#isKicked = true;
    this.#tickAt = Math.min(this.#tickAt, this.#tickAfter(now));
  }

  isDue(now: Micros): boolean {
    return this.#isKicked || this.#tickAt <= now;
  }

  /** It ran; `goesOn`: there is something left for its ticks to look at. */
  ran(now: Micros, goesOn: boolean): void {
    this.#isKicked = false;
    this.#tickAt = goesOn ? this.#tickAfter(now) : Infinity;
  }

  nextAt(now: Micros): Micros {
    return this.#isKicked ? now : this.#tickAt;
  }

  snapshot(): TaskState {
    return [this.#isKicked, this.#tickAt];
  }

  restore([isKicked, tickAt]: TaskState): void {
    this.#isKicked = isKicked;
    this.#tickAt = tickAt;
  }

  #tickAfter(now: Micros): Micros {
    return this.#periodUs === Infinity ? Infinity : (Math.floor(now / this.#periodUs) + 1) * this.#periodUs;
  }
}

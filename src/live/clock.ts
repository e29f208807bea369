/** Real time as the cores count it: whole microseconds since the process's run began, never backwards. */
import type { Micros } from '../../policies/types.ts';

export interface Clock {
  now(): Micros;
}

export class LiveClock implements Clock {
  readonly #originMs = performance.now();

  now(): Micros {
    return Math.floor((performance.now() - this.#originMs) * 1000);
  }
}

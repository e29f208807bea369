/**
 * A quantity that holds its value until it changes (KV blocks used, requests running): its mean weighs every value
 * by how long it held. Averaging samples of it instead would weigh busy moments by how many events they have.
 */
import { assert } from '../kernel/assert.ts';

export class TimeWeighted {
  readonly #startAt: number;
  #value: number;
  #changedAt: number;
  #integral = 0;
  #max: number;

  /** Holds `value` from `startAt` (microseconds) on. */
  constructor(startAt = 0, value = 0) {
    this.#startAt = startAt;
    this.#value = value;
    this.#changedAt = startAt;
    this.#max = value;
  }

  /** The value is `value` from `now` on; `now` never decreases. */
  set(now: number, value: number): void {
    const elapsed = now - this.#changedAt;
    assert(elapsed >= 0, 'a time-weighted value cannot change in the past');
    this.#integral += this.#value * elapsed;
    this.#changedAt = now;
    this.#value = value;
    if (value > this.#max) this.#max = value;
  }

  /** Value × microseconds from the start to `endAt`, which is not before the last change. */
  integral(endAt: number): number {
    assert(endAt >= this.#changedAt, 'a time-weighted value is not integrated to before its last change');
    return this.#integral + this.#value * (endAt - this.#changedAt);
  }

  /** Mean from the start to `endAt`; the current value when no time has passed. */
  mean(endAt: number): number {
    const elapsed = endAt - this.#startAt;
    return elapsed === 0 ? this.#value : this.integral(endAt) / elapsed;
  }

  /** Largest value it ever had, however briefly. */
  get max(): number {
    return this.#max;
  }
}

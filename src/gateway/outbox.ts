/**
 * What a core wants done, in order, until the host has taken all of it. The array is used again, not shortened: V8
 * sets an array's length in its slow path, at the cost of a whole input.
 */
export class Outbox<Effect> {
  readonly #effects: (Effect | undefined)[] = [];
  #count = 0;
  #taken = 0;

  /** True once `take` has answered undefined. */
  get drained(): boolean {
    return this.#count === 0;
  }

  push(effect: Effect): void {
    this.#effects[this.#count++] = effect;
  }

  take(): Effect | undefined {
    if (this.#taken === this.#count) {
      this.#taken = this.#count = 0;
      return undefined;
    }
    const effect = this.#effects[this.#taken];
    this.#effects[this.#taken++] = undefined;
    return effect;
  }
}

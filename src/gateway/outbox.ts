/** What a core wants done, in order, until the host has taken all of it. */
export class Outbox<Effect> {
  readonly #effects: Effect[] = [];
  #taken = 0;

  /** True once `take` has answered undefined. */
  get drained(): boolean {
    return this.#effects.length === 0;
  }

  push(effect: Effect): void {
    this.#effects.push(effect);
  }

  take(): Effect | undefined {
    if (this.#taken < this.#effects.length) return this.#effects[this.#taken++];
    if (this.#taken > 0) {
      this.#effects.length = 0;
      this.#taken = 0;
    }
    return undefined;
  }
}

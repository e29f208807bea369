/**
 * The ends of the pass that runs and of decode passes planned behind it. While the batch decodes, nobody can be
 * admitted, nobody ends and pages last, passes differ in their price only, so they need no event each: the engine asks
 * for one at the end of the last and lets those before end when something looks. Prices are those of single passes, in
 * the same arithmetic, so a run that skips passes has the token times of one that steps, to the bit.
 */

/** Passes planned at most: bounds the work thrown away when an arrival cuts a plan short. */
const PASSES_MAX = 256;

export class DecodePlan {
  readonly #ends = new Float64Array(PASSES_MAX);
  #passes = 0;
  #current = 0;

  /** Plans one pass. */
  single(endAt: number): void {
    this.#passes = 1;
    this.#current = 0;
    this.#ends[0] = endAt;
  }

  /** Plans further passes behind the last one, while `priceUs(ahead)` of the pass that many behind it is ≥ 0. */
  extend(priceUs: (ahead: number) => number): void {
    let endAt = this.endAt;
    for (let ahead = 1; this.#passes < PASSES_MAX; ahead++) {
      const us = priceUs(ahead);
      if (us < 0) return;
      endAt += us;
      this.#ends[this.#passes++] = endAt;
    }
  }

  /** End of the last planned pass. */
  get endAt(): number {
    return this.#ends[this.#passes - 1] as number;
  }

  /**
   * End of the pass that runs, if that was before `now` and another one is planned; the other one runs then. Else -1.
   */
  nextEnded(now: number): number {
    const endAt = this.#ends[this.#current] as number;
    if (this.#current === this.#passes - 1 || endAt >= now) return -1;
    this.#current++;
    return endAt;
  }

  /** The last planned pass ends so much later. */
  delay(us: number): void {
    (this.#ends[this.#passes - 1] as number) += us;
  }

  /** Makes the pass that runs the last one. */
  cut(): void {
    this.#passes = this.#current + 1;
  }
}

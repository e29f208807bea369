/**
 * The share of their remaining output that running requests are expected to need, for admission: it starts careful,
 * since most stop long before their limit it falls a little with every decode pass, and starts again when memory ran
 * out after all. Constants: sgl-project/sglang, `environ.py`: 0.7 of it at first, 0.14 of that at last, 600 passes
 * between them.
 */

const FIRST = 0.7;
const LEAST_SHARE = 0.14;
const PASSES = 600;

export class NewTokenRatio {
  readonly #first: number;
  readonly #least: number;
  readonly #step: number;
  #value: number;

  /** `conservativeness` > 0 scales it; it is never more than 1. */
  constructor(conservativeness: number) {
    this.#first = Math.min(1, FIRST * conservativeness);
    this.#least = LEAST_SHARE * this.#first;
    this.#step = (this.#first - this.#least) / PASSES;
    this.#value = this.#first;
  }

  get value(): number {
    return this.#value;
  }

  /** A pass decoded without running out of memory. */
  decay(): void {
    this.#value = Math.max(this.#least, this.#value - this.#step);
  }

  /** Memory ran out, or the engine is idle. */
  reset(): void {
    this.#value = this.#first;
  }
}

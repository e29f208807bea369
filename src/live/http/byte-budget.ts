/**
 * The bytes that all request bodies together may hold in memory. Each holder takes what it buffers as it arrives, not
 * what it announces, so that a slow sender of a large body does not lock out the others.
 */
import { assert } from '../../kernel/assert.ts';

export class ByteBudget {
  #bytesMax: number;
  #held = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get held(): number {
    return this.#held;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** What is held above a smaller bound stays. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  /** False when there is no room, and nothing is taken. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#bytesMax) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
    assert(this.#held >= 0, 'more bytes were given back than taken');
  }
}

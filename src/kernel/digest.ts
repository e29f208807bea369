/**
 * The rolling digest: one 64-bit fingerprint of everything that happened, in order. Two runs are the same run exactly
 * when every checkpoint is equal; at the first checkpoint that differs, the entries since the one before hold the first
 * difference. It hashes what the cores were told and what they answered (and token times), never kernel events, so a
 * faster engine that skips events has the digest of the slow one.
 *
 * Not cryptographic: two 32-bit lanes, multiply and rotate, a few ns a word.
 */

/** Entries between two checkpoints. */
export const CHECKPOINT_ENTRIES = 4096;

/** `entries` folded so far and the digest after them. */
export interface Checkpoint {
  readonly entries: number;
  readonly digest: string;
}

/** Scratch: written whole before each read, so it carries nothing from entry to entry. */
const NUMBER = new DataView(new ArrayBuffer(8));

export class Digest {
  #a = 0x243f6a88 | 0;
  #b = 0x85a308d3 | 0;
  #entries = 0;
  readonly #checkpoints: Checkpoint[] = [];

  /** Entries folded so far. */
  get entries(): number {
    return this.#entries;
  }

  /** Every full checkpoint so far, oldest first. */
  get checkpoints(): readonly Checkpoint[] {
    return this.#checkpoints;
  }

  /** Folds one entry: a kind, an instant or other number, and two more integers; integers count modulo 2^32. */
  entry(kind: number, at: number, first: number, second: number): void {
    // Adding zero folds -0 with 0. The byte order is named, so that every machine has the same digest.
    NUMBER.setFloat64(0, at + 0, true);
    this.#fold(kind);
    this.#fold(NUMBER.getInt32(0, true));
    this.#fold(NUMBER.getInt32(4, true));
    this.#fold(first);
    this.#fold(second);
    this.#entries++;
    if (this.#entries % CHECKPOINT_ENTRIES === 0) {
      this.#checkpoints.push({ entries: this.#entries, digest: this.value() });
    }
  }

  #fold(word: number): void {
    let a = this.#a;
    let b = this.#b;
    a = Math.imul(a ^ word, 0x9e3779b1);
    a = (a << 15) | (a >>> 17);
    b = Math.imul(b + word, 0x85ebca6b) ^ a;
    b = (b << 13) | (b >>> 19);
    this.#a = (a + b) | 0;
    this.#b = b;
  }

  /** Sixteen hexadecimal digits. */
  value(): string {
    return hex(this.#a) + hex(this.#b);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

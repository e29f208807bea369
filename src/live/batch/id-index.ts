/**
 * Which row has which custom_id, without keeping the ids: a table of row numbers by 64 bits of a hash, open addressing
 * with linear probing. Two ids may agree in those bits, so whoever asks compares the ids themselves. A row costs about
 * 24 bytes.
 */
import { createHash } from 'node:crypto';

const FIRST_SLOTS = 1024;
const EMPTY = 0xffff_ffff;

/** 64 bits of an id, in two words. */
export interface IdPrint {
  readonly high: number;
  readonly low: number;
}

export function printOf(id: string): IdPrint {
  const digest = createHash('sha256').update(id).digest();
  return { high: digest.readUInt32LE(0), low: digest.readUInt32LE(4) };
}

export class IdIndex {
  /** Row number by slot. */
  #slots = new Uint32Array(FIRST_SLOTS).fill(EMPTY);
  /** By row. */
  #high = new Uint32Array(FIRST_SLOTS);
  #low = new Uint32Array(FIRST_SLOTS);
  #size = 0;

  /** The next row, counted from 0. */
  add({ high, low }: IdPrint): void {
    if (this.#size === this.#high.length) [this.#high, this.#low] = [doubled(this.#high), doubled(this.#low)];
    this.#high[this.#size] = high;
    this.#low[this.#size] = low;
    this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    else this.#place(this.#size - 1);
  }

  /** Rows whose ids may be this one, in no order that counts. */
  *candidates({ high, low }: IdPrint): Generator<number> {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] as number;
      if (row === EMPTY) return;
      if (this.#high[row] === high && this.#low[row] === low) yield row;
    }
  }

  #place(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#low[row] as number) & mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#slots[slot] = row;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2).fill(EMPTY);
    for (let row = 0; row < this.#size; row++) this.#place(row);
  }
}

function doubled(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2);
  larger.set(words);
  return larger;
}

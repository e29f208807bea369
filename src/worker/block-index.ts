/**
 * Content hash → KV block: open addressing with linear probing over one typed array. A Map keyed by 53-bit doubles
 * boxes each key and spends half a microsecond an insertion; this spends some tens of nanoseconds, and a pool's
 * block size being fixed its size never changes. The hash of a block is looked up where the pool keeps it, so an
 * entry is one 32-bit word.
 */

const EMPTY = -1;

export class BlockIndex {
  readonly #hashes: Float64Array;
  readonly #table: Int32Array;
  readonly #mask: number;
  #size = 0;

  /** `hashes[block]` is the hash of each block that is in the index. */
  constructor(hashes: Float64Array) {
    let size = 16;
    while (size < hashes.length * 2) size *= 2;
    this.#hashes = hashes;
    this.#table = new Int32Array(size).fill(EMPTY);
    this.#mask = size - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** The block with this hash, or -1. */
  find(hash: number): number {
    const table = this.#table;
    for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
      const block = table[i] as number;
      if (block === EMPTY || this.#hashes[block] === hash) return block;
    }
  }

  /** Adds `block`, whose hash is set and not in the index. */
  add(block: number): void {
    const table = this.#table;
    let i = (this.#hashes[block] as number) & this.#mask;
    while (table[i] !== EMPTY) i = (i + 1) & this.#mask;
    table[i] = block;
    this.#size++;
  }

  /** Removes `block`, whose hash is still set, and moves later entries of its probe sequence up. */
  remove(block: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let hole = (this.#hashes[block] as number) & mask;
    while (table[hole] !== block) hole = (hole + 1) & mask;
    for (let i = (hole + 1) & mask; table[i] !== EMPTY; i = (i + 1) & mask) {
      const home = (this.#hashes[table[i] as number] as number) & mask;
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      table[hole] = table[i] as number;
      hole = i;
    }
    table[hole] = EMPTY;
    this.#size--;
  }

  clear(): void {
    this.#table.fill(EMPTY);
    this.#size = 0;
  }
}

/**
 * Values by id, in order of insertion, for things that come and go for ever: a `Map` of numbers that makes room in
 * place. When V8's own makes room it leaves the old table behind, with its contents, pointing to the new one. Once such
 * a table has grown old, every later one and all that ever stood in it outlives the young collections: in a gateway
 * each request with its buffers, a quarter of its CPU. Measured by `npm run bench:proxy`.
 *
 * Entries stand in order of insertion; a deleted one leaves a hole until there is no room behind the last. Ids are
 * whole numbers.
 */

const CAPACITY_MIN = 32;
/** Of 32 bits, after Knuth: ids that follow each other fall far apart. */
const GOLDEN = 0x9e3779b1;

export class IdMap<Value extends NonNullable<unknown>> {
  #ids = new Float64Array(CAPACITY_MIN);
  /** A hole is undefined. */
  #values: (Value | undefined)[] = new Array<Value | undefined>(CAPACITY_MIN).fill(undefined);
  /** By hash: the place of the newest entry, then by place that of the one before it; -1: none. */
  #newest = new Int32Array(CAPACITY_MIN).fill(-1);
  #older = new Int32Array(CAPACITY_MIN);
  /** Places in use, holes among them. */
  #places = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Value | undefined {
    const place = this.#placeOf(id);
    return place < 0 ? undefined : this.#values[place];
  }

  has(id: number): boolean {
    return this.#placeOf(id) >= 0;
  }

  /** A value that is there already is replaced where it stands. */
  set(id: number, value: Value): void {
    const known = this.#placeOf(id);
    if (known >= 0) {
      this.#values[known] = value;
      return;
    }
    if (this.#places === this.#ids.length) this.#makeRoom();
    this.#append(id, value);
    this.#size++;
  }

  /** False when it was not there. */
  delete(id: number): boolean {
    const place = this.#placeOf(id);
    if (place < 0) return false;
    this.#values[place] = undefined;
    this.#size--;
    return true;
  }

  clear(): void {
    this.#newest.fill(-1);
    this.#values.fill(undefined);
    this.#places = 0;
    this.#size = 0;
  }

  /** Oldest first. Nothing may be added meanwhile. */
  *entries(): Iterable<readonly [id: number, value: Value]> {
    for (let place = 0; place < this.#places; place++) {
      const value = this.#values[place];
      if (value !== undefined) yield [this.#ids[place] as number, value];
    }
  }

  *keys(): Iterable<number> {
    for (const [id] of this.entries()) yield id;
  }

  *values(): Iterable<Value> {
    for (const [, value] of this.entries()) yield value;
  }

  #placeOf(id: number): number {
    let place = this.#newest[this.#bucketOf(id)] as number;
    while (place >= 0 && (this.#ids[place] !== id || this.#values[place] === undefined)) {
      place = this.#older[place] as number;
    }
    return place;
  }

  #bucketOf(id: number): number {
    return (Math.imul(id, GOLDEN) >>> 8) & (this.#newest.length - 1);
  }

  #append(id: number, value: Value): void {
    const place = this.#places++;
    const bucket = this.#bucketOf(id);
    this.#ids[place] = id;
    this.#values[place] = value;
    this.#older[place] = this.#newest[bucket] as number;
    this.#newest[bucket] = place;
  }

  /** Closes the holes; with more places where there are few, with fewer where there is little else. */
  #makeRoom(): void {
    const ids = this.#ids;
    const values = this.#values;
    const used = this.#places;
    let capacity = used;
    if (this.#size * 2 > used) capacity *= 2;
    else while (capacity > CAPACITY_MIN && this.#size * 8 < capacity) capacity /= 2;
    if (capacity !== used) {
      this.#ids = new Float64Array(capacity);
      this.#values = new Array<Value | undefined>(capacity).fill(undefined);
      this.#newest = new Int32Array(capacity);
      this.#older = new Int32Array(capacity);
    }
    this.#newest.fill(-1);
    this.#places = 0;
    for (let place = 0; place < used; place++) {
      const value = values[place];
      if (value !== undefined) this.#append(ids[place] as number, value);
    }
    if (values === this.#values) values.fill(undefined, this.#places, used);
  }
}

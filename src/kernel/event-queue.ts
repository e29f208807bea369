/**
 * The pending-event set: a binary heap with a total order and cancellation; its `at` is the virtual clock.
 *
 * Order is (at, phase, key, seq). `seq` counts pushes, so equal (at, phase, key) come out first in, first out: no order
 * depends on heap shape, object identity or hashing. `key` is the worker index for engine events and 0 else, so that an
 * engine that skips its uneventful iterations meets the same order as one that steps through them.
 *
 * Layout: two parallel typed arrays (time, slot) move in the heap; everything else stays put in slots and is looked up
 * when times are equal. The order word packs phase, key and seq into one double, exact below 2^53, so one comparison
 * settles a tie. The slot array is a permutation: its first `count` entries are in the heap, the others are free, so a
 * free list costs nothing. `pop` leaves the root vacant: events beget events, and the next push then walks down the
 * heap once, not twice. Cancel leaves a tombstone that is dropped when it surfaces; when tombstones outnumber the
 * living, the heap is rebuilt, so memory is bounded by twice the largest number pending. Alternatives measured
 * (test/bench/hold-model.bench.ts): a heap of objects is 2–5 times slower, a 4-ary heap no faster, a calendar queue
 * collapses on ties.
 */
import { assert } from './assert.ts';

/** Rank of an event among those of its instant: faults, then io, then arrivals, then wakes. */
export const PHASE = { fault: 0, io: 1, arrival: 2, wake: 3 } as const;
export type Phase = (typeof PHASE)[keyof typeof PHASE];

/** Names one pushed event until it is popped or cancelled; never reused. */
export type EventHandle = number;
/** No event has this handle. A double as most handles are: V8 would make a field of small integers over. */
export const NO_EVENT: EventHandle = -Infinity;

const SLOT_LIMIT = 2 ** 21;
const SEQ_LIMIT = 2 ** 32;
const KEY_LIMIT = 2 ** 18;
const PHASE_SHIFT = SEQ_LIMIT * KEY_LIMIT;
/** Low bits of seq that stay in the rank of a shuffled event: among so many pushes in a row every rank is unique. */
const SHUFFLE_BITS = 12;
const INITIAL_CAPACITY = 1024;
const REBUILD_MIN = 64;
/** Entries of the heap that are taken to be in the processor's cache: 48 KB. */
const NEAR_ENTRIES = 4096;
/** Kind of a slot in which nothing lives. */
const DEAD = -1;

/** Seeded draw in [0, 2^32) that replaces FIFO among equal (at, phase, key): a test mode, never a default. */
export type TieBreak = () => number;

/**
 * `pop` loads the earliest event into `at`, `kind` and `data`; they hold until the next `pop`. Times are microseconds,
 * finite and never before `at`: time does not run backwards. `kind` is the caller's, whole, from 0 to 2^31 − 1; `key`
 * is whole. Bounds: 2^21 events pending, 2^18 keys, 2^32 pushes in a run.
 */
export class EventQueue<T> {
  /** Of the event popped last. */
  at = 0;
  kind = 0;
  data: T | undefined = undefined;

  /** Entries of the heap: the living, the tombstones and the vacant root. */
  #count = 0;
  #dead = 0;
  #vacant = false;
  #seq = 0;
  /** Infinity beyond `count`, one entry more than there are slots: it stands for a missing child. */
  #times = new Float64Array(INITIAL_CAPACITY + 1).fill(Infinity);
  #slots = Int32Array.from({ length: INITIAL_CAPACITY }, (_, slot) => slot);

  /** By slot: the order word of what lives there. */
  #slotOrder = new Float64Array(INITIAL_CAPACITY);
  /** By slot, side by side for the cache: low word of the seq that lives there, and its kind or DEAD. */
  #slotInfo = new Int32Array(INITIAL_CAPACITY * 2).fill(DEAD);
  readonly #slotData: (T | undefined)[] = new Array<T | undefined>(INITIAL_CAPACITY).fill(undefined);
  readonly #tieBreak: TieBreak | undefined;

  constructor(tieBreak?: TieBreak) {
    this.#tieBreak = tieBreak;
  }

  /** Living events. */
  get size(): number {
    return this.#count - this.#dead - Number(this.#vacant);
  }

  /** Events pushed since the queue was made. */
  get pushed(): number {
    return this.#seq;
  }

  push(at: number, phase: Phase, key: number, kind: number, data: T): EventHandle {
    assert(at >= this.at && at < Infinity, 'event time must be finite and not in the past');
    assert(key >= 0 && key < KEY_LIMIT && kind >= 0, 'event key or kind out of range');
    assert(this.#seq < SEQ_LIMIT, 'more than 2^32 events in one run');
    if (this.#count === this.#slots.length && !this.#vacant) this.#makeRoom();
    const seq = this.#seq++;
    const rank = this.#tieBreak === undefined ? seq : shuffledRank(this.#tieBreak(), seq);
    const slot = this.#slots[this.#vacant ? 0 : this.#count] as number;
    const place = this.#vacant ? this.#sinkHole() : this.#count++;
    this.#vacant = false;
    this.#slotOrder[slot] = phase * PHASE_SHIFT + key * SEQ_LIMIT + rank;
    this.#slotInfo[slot * 2] = seq;
    this.#slotInfo[slot * 2 + 1] = kind;
    this.#slotData[slot] = data;
    this.#times[place] = at;
    this.#slots[place] = slot;
    this.#siftUp(place);
    return seq * SLOT_LIMIT + slot;
  }

  /** Removes a pending event; false when it was popped or cancelled before. */
  cancel(handle: EventHandle): boolean {
    if (handle < 0) return false;
    const seq = Math.floor(handle / SLOT_LIMIT);
    const slot = handle - seq * SLOT_LIMIT;
    if (this.#slotInfo[slot * 2] !== (seq | 0) || this.#slotInfo[slot * 2 + 1] === DEAD) return false;
    this.#slotInfo[slot * 2 + 1] = DEAD;
    this.#slotData[slot] = undefined;
    this.#dead++;
    if (this.#dead > REBUILD_MIN && this.#dead * 2 > this.#count) this.#rebuild();
    return true;
  }

  /** Loads the earliest living event into `at`, `kind`, `data`; false, and nothing loaded, when none is left. */
  pop(): boolean {
    if (this.peekAt() === Infinity) return false;
    const slot = this.#slots[0] as number;
    this.at = this.#times[0] as number;
    this.kind = this.#slotInfo[slot * 2 + 1] as number;
    this.data = this.#slotData[slot];
    this.#slotInfo[slot * 2 + 1] = DEAD;
    this.#slotData[slot] = undefined;
    this.#vacant = true;
    return true;
  }

  /** Time of the earliest living event; Infinity when none is left. */
  peekAt(): number {
    if (this.#vacant) this.#removeRoot();
    while (this.#dead > 0 && this.#slotInfo[(this.#slots[0] as number) * 2 + 1] === DEAD) {
      this.#removeRoot();
      this.#dead--;
    }
    return this.#times[0] as number;
  }

  #makeRoom(): void {
    const capacity = this.#slots.length;
    if (capacity === SLOT_LIMIT) {
      assert(this.#dead > 0, 'more than 2^21 events pending');
      this.#rebuild();
      return;
    }
    this.#times = grown(this.#times, new Float64Array(capacity * 2 + 1).fill(Infinity));
    this.#slots = grown(this.#slots, new Int32Array(capacity * 2));
    this.#slotOrder = grown(this.#slotOrder, new Float64Array(capacity * 2));
    this.#slotInfo = grown(this.#slotInfo, new Int32Array(capacity * 4).fill(DEAD));
    for (let slot = capacity; slot < capacity * 2; slot++) {
      this.#slots[slot] = slot;
      this.#slotData.push(undefined);
    }
  }

  /** Lifts the element at `from` to its place. It takes no time as argument: V8 may allocate a number for it. */
  #siftUp(from: number): void {
    const times = this.#times;
    const orders = this.#slotOrder;
    const slots = this.#slots;
    const at = times[from] as number;
    const slot = slots[from] as number;
    const order = orders[slot] as number;
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentAt = times[parent] as number;
      if (parentAt < at || (parentAt === at && (orders[slots[parent] as number] as number) <= order)) break;
      times[hole] = parentAt;
      slots[hole] = slots[parent] as number;
      hole = parent;
    }
    times[hole] = at;
    slots[hole] = slot;
  }

  /**
   * Walks the hole at the root down along the smaller children; answers the leaf it ends at. Near the root it takes two
   * levels in one stride and chooses by arithmetic: every second branch would be mispredicted, and the comparisons of
   * the four grandchildren need not wait for that of the children. A tie ends these strides. Further down memory is
   * slower than a misprediction, and a predicted branch lets the processor fetch the next level ahead.
   */
  #sinkHole(): number {
    const count = this.#count;
    const near = Math.min(count, NEAR_ENTRIES);
    const times = this.#times;
    const slots = this.#slots;
    let hole = 0;
    let child = 1;
    let grand = 3;
    while (grand + 3 < near) {
      const left = times[child] as number;
      const right = times[child + 1] as number;
      const leftFirst = times[grand] as number;
      const leftSecond = times[grand + 1] as number;
      const rightFirst = times[grand + 2] as number;
      const rightSecond = times[grand + 3] as number;
      if (left === right || leftFirst === leftSecond || rightFirst === rightSecond) break;
      const turn = Number(right < left);
      const underLeft = Number(leftSecond < leftFirst);
      const underRight = Number(rightSecond < rightFirst);
      child += turn;
      grand += turn * 2 + (underLeft ^ ((underLeft ^ underRight) & -turn));
      times[hole] = times[child] as number;
      slots[hole] = slots[child] as number;
      times[child] = times[grand] as number;
      slots[child] = slots[grand] as number;
      hole = grand;
      child = hole * 2 + 1;
      grand = child * 2 + 1;
    }
    while (child < count) {
      const left = times[child] as number;
      const right = times[child + 1] as number;
      if (right < left || (right === left && this.#precedes(child + 1, child))) child++;
      times[hole] = times[child] as number;
      slots[hole] = slots[child] as number;
      hole = child;
      child = hole * 2 + 1;
    }
    return hole;
  }

  /** Whether, of two entries of the same instant, the first comes before the second. */
  #precedes(first: number, second: number): boolean {
    const orders = this.#slotOrder;
    return (orders[this.#slots[first] as number] as number) < (orders[this.#slots[second] as number] as number);
  }

  /** Closes the hole at the root with the last entry; the root's slot becomes free. */
  #removeRoot(): void {
    const freed = this.#slots[0] as number;
    const hole = this.#sinkHole();
    const last = --this.#count;
    this.#vacant = false;
    this.#times[hole] = this.#times[last] as number;
    this.#slots[hole] = this.#slots[last] as number;
    this.#times[last] = Infinity;
    this.#slots[last] = freed;
    if (hole < last) this.#siftUp(hole);
  }

  /** Drops every tombstone and the vacant root and restores the heap; order words are kept, so no tie changes. */
  #rebuild(): void {
    const times = this.#times;
    const slots = this.#slots;
    const total = this.#count;
    let kept = 0;
    for (let i = 0; i < total; i++) {
      const slot = slots[i] as number;
      if (this.#slotInfo[slot * 2 + 1] === DEAD) continue;
      slots[i] = slots[kept] as number;
      slots[kept] = slot;
      times[kept] = times[i] as number;
      this.#siftUp(kept++);
    }
    times.fill(Infinity, kept, total);
    this.#count = kept;
    this.#dead = 0;
    this.#vacant = false;
  }
}

function shuffledRank(draw: number, seq: number): number {
  return (draw >>> SHUFFLE_BITS) * 2 ** SHUFFLE_BITS + (seq % 2 ** SHUFFLE_BITS);
}

function grown<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

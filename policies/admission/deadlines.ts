/**
 * Deadlines of those who wait, earliest first, ties in the order they were set: a binary heap that knows where each id
 * is, so that one who stops waiting is taken out at once and the heap never holds more than there are waiters.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { Micros } from '../types.ts';

interface Deadline {
  readonly id: number;
  readonly at: Micros;
  readonly sequence: number;
  place: number;
}

export class Deadlines {
  readonly #heap: Deadline[] = [];
  readonly #byId = new Map<number, Deadline>();
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Infinity when nobody has one. */
  earliestAt(): Micros {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Takes out the earliest when it is due by `now`, and answers its id. */
  shiftDue(now: Micros): number | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.delete(first.id);
    return first.id;
  }

  set(id: number, at: Micros): void {
    assert(!this.#byId.has(id), 'an id has two deadlines');
    const deadline: Deadline = { id, at, sequence: this.#sequence++, place: this.#heap.length };
    this.#byId.set(id, deadline);
    this.#heap.push(deadline);
    this.#rise(deadline);
  }

  delete(id: number): void {
    const deadline = this.#byId.get(id);
    if (deadline === undefined) return;
    this.#byId.delete(id);
    const last = this.#heap.pop() as Deadline;
    if (last === deadline) return;
    this.#put(last, deadline.place);
    this.#rise(last);
    this.#sink(last);
  }

  /** [id, at] of all, in the order in which they come due: set again in this order they are as they were. */
  values(): readonly (readonly [number, Micros])[] {
    const inOrder = [...this.#heap].sort((a, b) => (before(a, b) ? -1 : 1));
    return inOrder.map(({ id, at }) => [id, at]);
  }

  #rise(deadline: Deadline): void {
    while (deadline.place > 0) {
      const above = this.#heap[(deadline.place - 1) >>> 1] as Deadline;
      if (!before(deadline, above)) return;
      this.#swap(deadline, above);
    }
  }

  #sink(deadline: Deadline): void {
    for (;;) {
      const left = this.#heap[2 * deadline.place + 1];
      const right = this.#heap[2 * deadline.place + 2];
      if (left === undefined) return;
      const least = right !== undefined && before(right, left) ? right : left;
      if (!before(least, deadline)) return;
      this.#swap(deadline, least);
    }
  }

  #swap(a: Deadline, b: Deadline): void {
    const place = a.place;
    this.#put(a, b.place);
    this.#put(b, place);
  }

  #put(deadline: Deadline, place: number): void {
    deadline.place = place;
    this.#heap[place] = deadline;
  }
}

function before(a: Deadline, b: Deadline): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

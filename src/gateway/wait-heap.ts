/**
 * The core's one timer list: an indexed binary heap of requests by the instant of their next wait (retry due, attempt
 * deadline, request deadline). Each request stands in it at most once and knows its place, so that moving or dropping
 * its wait costs O(log n) and nothing outlives its request. Ties go to the lower request id.
 */
import { assert } from '../kernel/assert.ts';

export interface Waiting {
  readonly id: number;
  /** Maintained by the heap. */
  waitAt: number;
  /** Maintained by the heap: position, or -1. */
  waitIndex: number;
}

export class WaitHeap<T extends Waiting> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Instant of the earliest wait; Infinity when there is none. */
  get nextAt(): number {
    return this.#items.length === 0 ? Infinity : (this.#items[0] as T).waitAt;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** Sets, moves or (Infinity) drops the wait of `item`. */
  set(item: T, at: number): void {
    assert(!Number.isNaN(at), 'a wait ends at an instant that is no number');
    if (item.waitIndex < 0) {
      if (at === Infinity) return;
      item.waitAt = at;
      this.#items.push(item);
      this.#up(this.#items.length - 1, item);
    } else if (at === Infinity) {
      this.#remove(item);
    } else if (at !== item.waitAt) {
      item.waitAt = at;
      this.#up(item.waitIndex, item);
      this.#down(item.waitIndex, item);
    }
  }

  /** Asserts heap order and every item's own place. */
  checkInvariants(): void {
    for (let i = 0; i < this.#items.length; i++) {
      const item = this.#items[i] as T;
      assert(item.waitIndex === i, 'a waiting request does not know its place in the wait heap');
      assert(i === 0 || !before(item, this.#items[(i - 1) >> 1] as T), 'the wait heap is out of order');
    }
  }

  #remove(item: T): void {
    const index = item.waitIndex;
    item.waitIndex = -1;
    const last = this.#items.pop() as T;
    if (last === item) return;
    this.#up(index, last);
    this.#down(last.waitIndex, last);
  }

  #up(from: number, item: T): void {
    const items = this.#items;
    let hole = from;
    while (hole > 0) {
      const parent = items[(hole - 1) >> 1] as T;
      if (!before(item, parent)) break;
      items[hole] = parent;
      parent.waitIndex = hole;
      hole = (hole - 1) >> 1;
    }
    items[hole] = item;
    item.waitIndex = hole;
  }

  #down(from: number, item: T): void {
    const items = this.#items;
    let hole = from;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1] as T, items[child] as T)) child++;
      const smaller = items[child] as T;
      if (!before(smaller, item)) break;
      items[hole] = smaller;
      smaller.waitIndex = hole;
      hole = child;
    }
    items[hole] = item;
    item.waitIndex = hole;
  }
}

function before(a: Waiting, b: Waiting): boolean {
  return a.waitAt < b.waitAt || (a.waitAt === b.waitAt && a.id < b.id);
}

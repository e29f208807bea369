/**
 * A waiting line whose members know their neighbours: who stands in the middle leaves in O(1). In an array every
 * settled lease copied all parked requests, and each client that gave up walked half of them.
 */
import { assert } from '../kernel/assert.ts';

export interface InLine<T> {
  /** Maintained by the line. */
  ahead: T | undefined;
  /** Maintained by the line. */
  behind: T | undefined;
}

export class Line<T extends InLine<T>> {
  #head: T | undefined = undefined;
  #tail: T | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get head(): T | undefined {
    return this.#head;
  }

  join(item: T): void {
    assert(item.ahead === undefined && item !== this.#head, 'a request stands in line twice');
    item.ahead = this.#tail;
    if (this.#tail === undefined) this.#head = item;
    else this.#tail.behind = item;
    this.#tail = item;
    this.#size++;
  }

  leave(item: T): void {
    assert(item.ahead !== undefined || item === this.#head, 'a request leaves a line it does not stand in');
    if (item.ahead === undefined) this.#head = item.behind;
    else item.ahead.behind = item.behind;
    if (item.behind === undefined) this.#tail = item.ahead;
    else item.behind.ahead = item.ahead;
    item.ahead = item.behind = undefined;
    this.#size--;
  }

  /** From the head on. */
  *values(): Iterable<T> {
    for (let item = this.#head; item !== undefined; item = item.behind) yield item;
  }
}

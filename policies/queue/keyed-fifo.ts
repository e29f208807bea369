/**
 * A first-in first-out list whose entries can be taken out by id in O(1): what queues keep their waiters and
 * their effects in. A doubly linked list plus an index; an array with holes would make a queue of timed-out
 * or abandoned requests linear.
 */
import { assert } from '../../src/kernel/assert.ts';

interface Link<Value> {
  readonly id: number;
  readonly value: Value;
  previous: Link<Value> | undefined;
  next: Link<Value> | undefined;
}

export class KeyedFifo<Value> {
  readonly #links = new Map<number, Link<Value>>();
  #head: Link<Value> | undefined;
  #tail: Link<Value> | undefined;

  get size(): number {
    return this.#links.size;
  }

  has(id: number): boolean {
    return this.#links.has(id);
  }

  get(id: number): Value | undefined {
    return this.#links.get(id)?.value;
  }

  /** The oldest value, left in place. */
  peek(): Value | undefined {
    return this.#head?.value;
  }

  push(id: number, value: Value): void {
    assert(!this.#links.has(id), 'an id is in the list twice');
    const link: Link<Value> = { id, value, previous: this.#tail, next: undefined };
    if (this.#tail === undefined) this.#head = link;
    else this.#tail.next = link;
    this.#tail = link;
    this.#links.set(id, link);
  }

  /** Takes out the oldest value. */
  shift(): Value | undefined {
    const link = this.#head;
    if (link !== undefined) this.delete(link.id);
    return link?.value;
  }

  /** Takes out the newest value. */
  pop(): Value | undefined {
    const link = this.#tail;
    if (link !== undefined) this.delete(link.id);
    return link?.value;
  }

  /** True when the id was in the list. */
  delete(id: number): boolean {
    const link = this.#links.get(id);
    if (link === undefined) return false;
    if (link.previous === undefined) this.#head = link.next;
    else link.previous.next = link.next;
    if (link.next === undefined) this.#tail = link.previous;
    else link.next.previous = link.previous;
    this.#links.delete(id);
    return true;
  }

  /** Oldest first. */
  *values(): Iterable<Value> {
    for (let link = this.#head; link !== undefined; link = link.next) yield link.value;
  }
}

/** What waits for an instant, earliest first, ties in the order they were added. */
import type { Micros } from '../../policies/types.ts';

interface Timer<Item> {
  readonly at: Micros;
  readonly item: Item;
}

export class Timers<Item> {
  readonly #list: Timer<Item>[] = [];

  get size(): number {
    return this.#list.length;
  }

  /** Infinity when there is none. */
  earliestAt(): Micros {
    return this.#list[0]?.at ?? Infinity;
  }

  add(at: Micros, item: Item): void {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#list[middle] as Timer<Item>).at <= at) low = middle + 1;
      else high = middle;
    }
    this.#list.splice(low, 0, { at, item });
  }

  shift(): Item | undefined {
    return this.#list.shift()?.item;
  }

  delete(item: Item): void {
    const place = this.#list.findIndex((each) => each.item === item);
    if (place >= 0) this.#list.splice(place, 1);
  }
}

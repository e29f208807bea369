/** Tasks that wait for an instant, earliest first, ties in the order they were added; each holds a task lease. */
import type { Micros } from '../../policies/types.ts';
import type { TaskCell } from './task-cell.ts';

interface Sleeper {
  readonly at: Micros;
  readonly task: TaskCell;
}

export class Sleepers {
  readonly #list: Sleeper[] = [];

  get size(): number {
    return this.#list.length;
  }

  /** Infinity when nobody sleeps. */
  earliestAt(): Micros {
    return this.#list[0]?.at ?? Infinity;
  }

  add(at: Micros, task: TaskCell): void {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#list[middle] as Sleeper).at <= at) low = middle + 1;
      else high = middle;
    }
    this.#list.splice(low, 0, { at, task });
  }

  shift(): TaskCell | undefined {
    return this.#list.shift()?.task;
  }

  delete(task: TaskCell): void {
    const place = this.#list.findIndex((each) => each.task === task);
    if (place >= 0) this.#list.splice(place, 1);
  }
}

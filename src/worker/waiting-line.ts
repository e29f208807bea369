/**
 * The engine's queue. First come, first served; or by priority, as vLLM's `--scheduling-policy priority`: the more
 * urgent first, and those of one priority in order of arrival. Whoever stands in the middle leaves in O(1).
 */
import { assert } from '../kernel/assert.ts';
import type { Sequence } from './sequence.ts';

/** Those of one priority. */
class Level<Owner> {
  readonly priority: number;
  head: Sequence<Owner> | undefined = undefined;
  tail: Sequence<Owner> | undefined = undefined;

  constructor(priority: number) {
    this.priority = priority;
  }
}

export class WaitingLine<Owner> {
  readonly #byPriority: boolean;
  /** The most urgent first; one level when priorities do not count. */
  readonly #levels: Level<Owner>[] = [];
  #size = 0;

  constructor(byPriority: boolean) {
    this.#byPriority = byPriority;
    if (!byPriority) this.#levels.push(new Level(0));
  }

  get size(): number {
    return this.#size;
  }

  get head(): Sequence<Owner> | undefined {
    if (!this.#byPriority) return (this.#levels[0] as Level<Owner>).head;
    return this.#levels.find(({ head }) => head !== undefined)?.head;
  }

  /** A newcomer. */
  join(sequence: Sequence<Owner>): void {
    const level = this.#levelOf(sequence);
    this.#insert(level, level.tail, sequence);
  }

  /** One that ran and was preempted: ahead of all others, or of all others of its priority that arrived later. */
  putBack(sequence: Sequence<Owner>): void {
    const level = this.#levelOf(sequence);
    let ahead: Sequence<Owner> | undefined = undefined;
    if (this.#byPriority) {
      while (sequence.order > ((ahead === undefined ? level.head : ahead.behind)?.order ?? Infinity)) {
        ahead = ahead === undefined ? level.head : ahead.behind;
      }
    }
    this.#insert(level, ahead, sequence);
  }

  leave(sequence: Sequence<Owner>): void {
    assert(sequence.waiting, 'a sequence leaves the queue that does not wait');
    const level = this.#levelOf(sequence);
    if (sequence.ahead === undefined) level.head = sequence.behind;
    else sequence.ahead.behind = sequence.behind;
    if (sequence.behind === undefined) level.tail = sequence.ahead;
    else sequence.behind.ahead = sequence.ahead;
    sequence.ahead = sequence.behind = undefined;
    sequence.waiting = false;
    this.#size--;
  }

  /** In order. */
  *[Symbol.iterator](): Generator<Sequence<Owner>> {
    for (const { head } of this.#levels) {
      for (let sequence = head; sequence !== undefined; sequence = sequence.behind) yield sequence;
    }
  }

  /** Behind `ahead`, or first of all. */
  #insert(level: Level<Owner>, ahead: Sequence<Owner> | undefined, sequence: Sequence<Owner>): void {
    assert(!sequence.waiting, 'a sequence waits twice');
    const behind = ahead === undefined ? level.head : ahead.behind;
    sequence.ahead = ahead;
    sequence.behind = behind;
    if (ahead === undefined) level.head = sequence;
    else ahead.behind = sequence;
    if (behind === undefined) level.tail = sequence;
    else behind.ahead = sequence;
    sequence.waiting = true;
    this.#size++;
  }

  #levelOf({ init }: Sequence<Owner>): Level<Owner> {
    const priority = this.#byPriority ? (init.priority ?? 0) : 0;
    let at = 0;
    while (at < this.#levels.length && (this.#levels[at] as Level<Owner>).priority > priority) at++;
    const found = this.#levels[at];
    if (found !== undefined && found.priority === priority) return found;
    const level = new Level<Owner>(priority);
    this.#levels.splice(at, 0, level);
    return level;
  }
}

/** The obvious pending-event set, as a reference: a binary heap of objects with a comparison function. */

export interface HeapEvent {
  at: number;
  readonly order: number;
  readonly data: unknown;
}

export class ObjectHeap {
  readonly #events: HeapEvent[] = [];
  #order = 0;

  push(at: number, data: unknown): void {
    const events = this.#events;
    const event = { at, order: this.#order++, data };
    let hole = events.length;
    events.push(event);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!before(event, events[parent] as HeapEvent)) break;
      events[hole] = events[parent] as HeapEvent;
      hole = parent;
    }
    events[hole] = event;
  }

  pop(): HeapEvent {
    const events = this.#events;
    const earliest = events[0] as HeapEvent;
    const last = events.pop() as HeapEvent;
    const count = events.length;
    if (count === 0) return earliest;
    let hole = 0;
    let child = 1;
    while (child < count) {
      if (child + 1 < count && before(events[child + 1] as HeapEvent, events[child] as HeapEvent)) child++;
      if (!before(events[child] as HeapEvent, last)) break;
      events[hole] = events[child] as HeapEvent;
      hole = child;
      child = hole * 2 + 1;
    }
    events[hole] = last;
    return earliest;
  }
}

function before(a: HeapEvent, b: HeapEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

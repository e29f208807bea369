/**
 * Decides who of several groups goes next when only some may: weighted fair queueing by virtual time. Each group is a
 * FIFO with a tag; the lowest tag goes first, ties in order of activation. Serving a group moves its tag 1/weight past
 * the virtual time, which is the highest tag served so far, so over a busy spell groups are served in proportion to
 * their weights: of two that always wait and always may go, neither gets ahead by more than about one turn of each.
 *
 * Regimes: one group is plain FIFO. A head that may not go hides the rest of its own group and no other. A group that
 * was idle or blocked keeps the tag of its last turn, so it may return at the front, but only for one turn: the next
 * tag is counted from the virtual time. One that never had a turn enters at the virtual time. Limits: every item costs
 * 1, weights below 1 count as 1, and the walk over groups is linear; there are as many groups as resources, tens at
 * most.
 *
 * It knows nothing of what it orders: any keeper of fair waiters can use it. A task queue pushes (group, weight, task
 * id, task), calls `select` with its own test, leases, and then `commit`s; discarding is `remove`; to refuse a commit
 * after any change since the selection it counts its own pushes, removals and commits. The two kinds of `emptied` are
 * upstream's two behaviours there as well ('leaves' since DataDesigner #810, 'stays' before).
 *
 * Source: DataDesigner models/request_admission/queue.py and dataset_builders/scheduling/queue.py 99517abc; start-time
 * fair queueing (Goyal, Vin, Cheng 1996). We differ: the order holds each group once, upstream's heap is never trimmed;
 * and with 'leaves' a group that loses its last item otherwise than by service loses its place among equal tags too.
 */
import { assert } from '../../src/kernel/assert.ts';
import { KeyedFifo } from '../queue/keyed-fifo.ts';

/**
 * What becomes of the place of a group whose last item was removed unserved: it `leaves` the order, or `stays` for the
 * next item.
 */
export type EmptiedGroup = 'leaves' | 'stays';

interface Entry<Item> {
  readonly id: number;
  readonly item: Item;
}

interface Group<Item> {
  readonly items: KeyedFifo<Entry<Item>>;
  weight: number;
  /** Virtual time of its next turn; the lowest goes first. */
  tag: number;
  /** Order of activation, which breaks ties. */
  sequence: number;
  active: boolean;
  /** It had a turn: from then on it has a tag that it keeps. */
  served: boolean;
}

export class FairQueue<Item> {
  readonly #emptied: EmptiedGroup;
  readonly #groups = new Map<string, Group<Item>>();
  readonly #groupOf = new Map<number, Group<Item>>();
  /** Active groups by tag, then sequence. */
  readonly #order: Group<Item>[] = [];
  #virtualTime = 0;
  #sequence = 0;

  constructor(emptied: EmptiedGroup) {
    this.#emptied = emptied;
  }

  get size(): number {
    return this.#groupOf.size;
  }

  has(id: number): boolean {
    return this.#groupOf.has(id);
  }

  /** Appends to the group's FIFO; `weight` is the group's from now on. Ids are unique among what is queued. */
  push(group: string, weight: number, id: number, item: Item): void {
    assert(!this.#groupOf.has(id), 'an id is in the fair queue twice');
    let target = this.#groups.get(group);
    if (target === undefined) {
      target = { items: new KeyedFifo(), weight, tag: 0, sequence: 0, active: false, served: false };
      this.#groups.set(group, target);
    }
    target.weight = weight;
    target.items.push(id, { id, item });
    this.#groupOf.set(id, target);
    if (!target.active) this.#activate(target);
  }

  /** The first head, in fair order, that may go; left in place. `eligible` must not touch the queue. */
  select(eligible: (item: Item) => boolean): Item | undefined {
    for (const group of this.#order) {
      const head = group.items.peek();
      if (head !== undefined && eligible(head.item)) return head.item;
    }
    return undefined;
  }

  /** Serves a head: takes it out and moves its group's tag on. */
  commit(id: number): void {
    const group = this.#groupOf.get(id);
    assert(group !== undefined && group.items.peek()?.id === id, 'only the head of a group can be served');
    group.items.shift();
    this.#groupOf.delete(id);
    this.#deactivate(group);
    this.#virtualTime = Math.max(this.#virtualTime, group.tag);
    group.tag = this.#virtualTime + 1 / Math.max(group.weight, 1);
    group.served = true;
    if (group.items.size > 0) this.#activate(group);
  }

  /** Takes an item out unserved. True when it was queued. */
  remove(id: number): boolean {
    const group = this.#groupOf.get(id);
    if (group === undefined) return false;
    group.items.delete(id);
    this.#groupOf.delete(id);
    if (group.items.size === 0 && this.#emptied === 'leaves') this.#deactivate(group);
    return true;
  }

  /** Heads in fair order, those that may not go included. */
  *heads(): Generator<Item> {
    for (const group of this.#order) {
      const head = group.items.peek();
      if (head !== undefined) yield head.item;
    }
  }

  checkInvariants(): void {
    let queued = 0;
    for (const group of this.#groups.values()) {
      queued += group.items.size;
      assert(group.active === this.#order.includes(group), 'a group is in the order iff it is active');
      assert(group.active || group.items.size === 0, 'a group with items is active');
      assert(this.#emptied === 'stays' || !group.active || group.items.size > 0, 'an empty group left the order');
    }
    assert(queued === this.#groupOf.size, 'every queued item has its group');
    for (let i = 1; i < this.#order.length; i++) {
      assert(before(this.#order[i - 1] as Group<Item>, this.#order[i] as Group<Item>), 'groups are in fair order');
    }
  }

  #activate(group: Group<Item>): void {
    if (!group.served) group.tag = this.#virtualTime;
    group.active = true;
    group.sequence = this.#sequence++;
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(this.#order[middle] as Group<Item>, group)) low = middle + 1;
      else high = middle;
    }
    this.#order.splice(low, 0, group);
  }

  #deactivate(group: Group<Item>): void {
    group.active = false;
    this.#order.splice(this.#order.indexOf(group), 1);
  }
}

function before(a: Group<unknown>, b: Group<unknown>): boolean {
  return a.tag < b.tag || (a.tag === b.tag && a.sequence < b.sequence);
}

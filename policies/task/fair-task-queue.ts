/**
 * Decides which task goes next when several groups wait: weighted fair queueing over the groups
 * (admission/fair-queue.ts has the rule), first in first out within each. Enqueueing is idempotent by task id, so a
 * row may announce its cells more than once; discarding takes a task out at once, wherever it stands.
 *
 * Selecting never changes anything; a commit is refused if the queue changed since, so a pass that selects, leases
 * and then commits can never serve another task than the one it leased. Regimes: one group is a plain FIFO; a group
 * that lacks a resource keeps its place and its turn. Limits: only heads are looked at, so a task behind its group's
 * head waits for it even if it alone could go; a group that idled returns with the tag it had, which may put it at
 * the front for one turn.
 *
 * Source: DataDesigner scheduling/queue.py 99517abc, replayed by test/conformance. We differ: upstream leaves a
 * discarded entry in its FIFO until it reaches the head, and enqueueing the same id meanwhile revives the old place;
 * here the task starts at the back. `emptied` is what becomes of the place of a group that discards emptied
 * (upstream until #810: 'stays').
 */
import { assert } from '../../src/kernel/assert.ts';
import { type EmptiedGroup, FairQueue } from '../admission/fair-queue.ts';
import type { Needs, SchedulableTask, Selection, TaskQueue } from './types.ts';

interface Entry<Task> {
  /** The fair queue's name for the task. */
  readonly place: number;
  readonly task: Task;
}

export class FairTaskQueue<Task extends SchedulableTask> implements TaskQueue<Task> {
  readonly #order: FairQueue<Task>;
  readonly #entries = new Map<string, Entry<Task>>();
  /** Ids of what is queued, oldest first, by group key. */
  readonly #groups = new Map<string, Set<string>>();
  readonly #demand = new Map<string, number>();
  #heads: readonly Task[] | undefined;
  #places = 0;
  /** Counts changes: a selection is of one revision. */
  #revision = 0;

  constructor(emptied: EmptiedGroup) {
    this.#order = new FairQueue(emptied);
  }

  get size(): number {
    return this.#entries.size;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  enqueue(tasks: Iterable<Task>): readonly Task[] {
    const accepted: Task[] = [];
    for (const task of tasks) {
      const { id, plan } = task;
      if (this.#entries.has(id)) continue;
      const place = this.#places++;
      const { key, weight } = plan.group;
      this.#order.push(key, weight, place, task);
      this.#entries.set(id, { place, task });
      this.#group(key).add(id);
      this.#demandMore(plan.needs, 1);
      this.#changed();
      accepted.push(task);
    }
    return accepted;
  }

  discard(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#order.remove(entry.place);
    this.#forget(entry.task);
    return true;
  }

  discardGroup(key: string): number {
    const ids = [...(this.#groups.get(key) ?? [])];
    for (const id of ids) this.discard(id);
    return ids.length;
  }

  select(eligible: (task: Task) => boolean): Selection<Task> | undefined {
    const task = this.#order.select(eligible);
    return task === undefined ? undefined : { task, revision: this.#revision };
  }

  commit({ task, revision }: Selection<Task>): boolean {
    if (revision !== this.#revision) return false;
    const entry = this.#entries.get(task.id);
    assert(entry?.task === task, 'a selection is of the queue it is committed to');
    this.#order.commit(entry.place);
    this.#forget(task);
    return true;
  }

  heads(): readonly Task[] {
    this.#heads ??= [...this.#order.heads()];
    return this.#heads;
  }

  queuedByGroup(): ReadonlyMap<string, number> {
    const queued = new Map<string, number>();
    for (const [key, ids] of this.#groups) if (ids.size > 0) queued.set(key, ids.size);
    return queued;
  }

  demand(): Needs {
    return new Map(this.#demand);
  }

  held(): { readonly waiting: number } {
    return { waiting: this.#entries.size };
  }

  checkInvariants(): void {
    this.#order.checkInvariants();
    assert(this.#order.size === this.#entries.size, 'every queued task has its place');
    const demand = new Map<string, number>();
    for (const [id, { task }] of this.#entries) {
      assert(this.#groups.get(task.plan.group.key)?.has(id) === true, 'every queued task is in its group');
      for (const [resource, amount] of task.plan.needs) demand.set(resource, (demand.get(resource) ?? 0) + amount);
    }
    assert(demand.size === this.#demand.size, 'demand is of queued tasks only');
    for (const [resource, amount] of demand) {
      assert(this.#demand.get(resource) === amount, 'demand is what the queued tasks need');
    }
    assert(this.heads().length === this.queuedByGroup().size, 'every group with tasks has one head');
  }

  #group(key: string): Set<string> {
    let ids = this.#groups.get(key);
    if (ids === undefined) this.#groups.set(key, (ids = new Set()));
    return ids;
  }

  #forget({ id, plan }: Task): void {
    this.#group(plan.group.key).delete(id);
    this.#entries.delete(id);
    this.#demandMore(plan.needs, -1);
    this.#changed();
  }

  #demandMore(needs: Needs, sign: 1 | -1): void {
    for (const [resource, amount] of needs) {
      const total = (this.#demand.get(resource) ?? 0) + sign * amount;
      if (total > 0) this.#demand.set(resource, total);
      else this.#demand.delete(resource);
    }
  }

  #changed(): void {
    this.#revision++;
    this.#heads = undefined;
  }
}

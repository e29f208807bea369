/**
 * The dispatch pass: which ready tasks start now. Tasks wait in the fair task queue; a pass leases and spawns the first
 * eligible one in fair order until none is. Nothing else happens during a pass, and there is no bound on its length:
 * the tasks it leased start when it ends, in dispatch order, so a long pass on a busy host makes its first tasks wait
 * for its last. A task whose endpoint looks pressed lets others go first when the advisory says so.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (_dispatch_queued_tasks, _is_dispatch_eligible).
 */
import { assert } from '../kernel/assert.ts';
import type { TaskScheduler } from '../../policies/task/types.ts';
import type { Micros } from '../../policies/types.ts';
import type { DatasetEvents } from './events.ts';
import type { Observed } from './observed.ts';
import type { DatasetSettings } from './settings.ts';
import type { TaskCell } from './task-cell.ts';

export interface PassOutcome {
  readonly dispatched: boolean;
  /** It ended with tasks queued. */
  readonly blocked: boolean;
}

export interface BacklogParts {
  readonly scheduler: TaskScheduler<TaskCell>;
  readonly settings: DatasetSettings;
  readonly events: DatasetEvents;
  readonly observed: Observed;
  /** Row groups open now. */
  readonly rowGroups: () => number;
  /** The task holds its lease and starts when the pass is over. */
  readonly spawn: (task: TaskCell) => void;
}

export class Backlog {
  readonly #parts: BacklogParts;
  readonly #scheduler: TaskScheduler<TaskCell>;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
    this.#scheduler = parts.scheduler;
  }

  get queued(): number {
    return this.#scheduler.queue.size;
  }

  get yields(): boolean {
    return this.#scheduler.yieldAfterDispatch;
  }

  /** One batch. True when it queued anything. */
  enqueue(now: Micros, tasks: readonly TaskCell[]): boolean {
    if (tasks.length === 0) return false;
    const { events, observed, rowGroups } = this.#parts;
    for (const task of tasks) {
      task.state = 'queued';
      events.emit('dependency-ready', now, task);
    }
    const accepted = this.#scheduler.queue.enqueue(tasks);
    for (const task of accepted) events.emit('ready-enqueued', now, task);
    if (accepted.length > 0) observed.bookkeeping(now, rowGroups());
    return accepted.length > 0;
  }

  /** The task will not be made: its row group is closed. */
  discard(task: TaskCell): void {
    this.#scheduler.queue.discard(task.id);
    task.state = 'dropped';
  }

  pass(now: Micros): PassOutcome {
    const { events, observed, rowGroups, spawn } = this.#parts;
    const { queue, admission } = this.#scheduler;
    let dispatched = false;
    while (queue.size > 0) {
      const heads = queue.heads();
      observed.work.selections++;
      const selection = queue.select((task) => this.#eligible(now, task, heads));
      if (selection === undefined) {
        this.#label(now);
        return { dispatched, blocked: true };
      }
      const { task } = selection;
      events.emit('selected', now, task);
      const lease = admission.tryAcquire(task, heads);
      assert('id' in lease, 'an eligible task is leased');
      events.emit('task-lease-acquired', now, task);
      const committed = queue.commit(selection);
      assert(committed, 'the queue stays as it is while a task is leased');
      task.lease = lease;
      task.state = 'leased';
      spawn(task);
      events.emit('worker-spawned', now, task);
      dispatched = true;
      observed.bookkeeping(now, rowGroups());
    }
    if (dispatched) {
      events.emit('queue-drained', now);
      events.emit('scheduler-health-snapshot', now);
    }
    return { dispatched, blocked: false };
  }

  release(now: Micros, task: TaskCell): void {
    const { lease } = task;
    assert(lease !== undefined, 'a task that ends holds its task lease');
    task.lease = undefined;
    const answer = this.#scheduler.admission.release(lease);
    assert(answer === 'released', 'the lease of a task is out until the task ends');
    this.#parts.events.emit('task-lease-released', now, task);
  }

  held(): { readonly queued: number; readonly leased: number } {
    return { queued: this.queued, leased: this.#scheduler.admission.held().leased };
  }

  checkInvariants(): void {
    this.#scheduler.queue.checkInvariants();
    this.#scheduler.admission.checkInvariants();
  }

  #eligible(now: Micros, task: TaskCell, heads: readonly TaskCell[]): boolean {
    const { admission, advisory } = this.#scheduler;
    if (!admission.eligible(task, heads)) return false;
    if (advisory === undefined || advisory.passes(now, task, heads, (head) => admission.eligible(head, heads))) {
      return true;
    }
    this.#parts.events.emit('request-pressure-advisory-skipped', now, task);
    return false;
  }

  /** Says why the pass could start nothing more. */
  #label(now: Micros): void {
    const { events, settings } = this.#parts;
    const reasons = this.#scheduler.admission.explainBlocked(this.#scheduler.queue.heads());
    const other = reasons.size > 0 || settings.blockLabel === 'queue-empty-first' ? 'admission-blocked' : 'queue-empty';
    events.emit(reasons.has('group-cap') ? 'group-capped' : other, now);
    events.emit('scheduler-health-snapshot', now);
  }
}

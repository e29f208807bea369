/**
 * What becomes of a dispatched task: it starts when the pass is over, makes its calls, and ends in one of three ways. A
 * success makes its cells and queues what waited for them; a failure that may heal is deferred; any other drops its
 * row. The task lease is released last, after the request lease and after what the task made ready is queued, so a
 * freed place of the scheduler is refilled after a freed request slot has gone to a waiter. A task of a dropped row
 * starts and succeeds at once without a call; one of a closed row group only ends.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (_execute_task_inner_impl).
 */
import { assert } from '../kernel/assert.ts';
import type { Micros, Salvage, TaskFailure } from '../../policies/types.ts';
import type { Backlog } from './backlog.ts';
import type { Calls } from './calls.ts';
import type { Deferrals } from './deferrals.ts';
import type { ErrorWindow } from './error-window.ts';
import type { DatasetEvents } from './events.ts';
import type { Observed } from './observed.ts';
import type { RowGroups } from './row-groups.ts';
import type { TaskCell } from './task-cell.ts';
import type { DatasetEffect, DatasetPlan } from './types.ts';

/** Ends of tasks that call a model, as upstream counts them. */
export type TaskOutcome =
  | 'success'
  | 'non-retryable-failure'
  | 'rate-limit'
  | 'request-admission-timeout'
  | 'timeout'
  | 'internal-server'
  | 'connection';

export interface WorkerParts {
  readonly plan: DatasetPlan;
  readonly salvage: Salvage;
  readonly backlog: Backlog;
  readonly groups: RowGroups;
  readonly calls: Calls;
  readonly deferrals: Deferrals;
  readonly window: ErrorWindow;
  readonly events: DatasetEvents;
  readonly observed: Observed;
  readonly emit: (effect: DatasetEffect) => void;
  /** The main loop has something to look at. */
  readonly wakeLoop: () => void;
}

export class Workers {
  readonly #parts: WorkerParts;
  /** Tasks that hold a task lease, oldest first. */
  readonly #running = new Set<TaskCell>();
  readonly #outcomes = new Map<TaskOutcome, number>();
  #deferrals = 0;
  #inFlightMax = 0;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  get counts(): { readonly deferrals: number; readonly inFlightMax: number } {
    return { deferrals: this.#deferrals, inFlightMax: this.#inFlightMax };
  }

  outcomes(): ReadonlyMap<TaskOutcome, number> {
    return this.#outcomes;
  }

  spawned(task: TaskCell): void {
    const group = this.#parts.groups.find(task.group);
    if (group !== undefined) group.inFlight++;
    this.#running.add(task);
    this.#inFlightMax = Math.max(this.#inFlightMax, this.#running.size);
  }

  /** True when the task asks for admission next. */
  start(now: Micros, task: TaskCell): boolean {
    const { groups, plan, events, observed, emit } = this.#parts;
    const group = groups.find(task.group);
    if (group === undefined) {
      task.state = 'dropped';
      this.#finish(now, task);
      return false;
    }
    if (group.isDropped(task.row)) {
      task.state = 'dropped';
      this.#parts.window.note(true);
      this.#finish(now, task);
      return false;
    }
    task.starts++;
    task.attempts = 0;
    task.state = 'preparing';
    observed.work.starts++;
    events.emit('task-started', now, task);
    if (plan.columns[task.column]?.prepares !== true) return true;
    emit({ kind: 'startTask', task });
    return false;
  }

  succeed(now: Micros, task: TaskCell): void {
    const { groups, window, wakeLoop } = this.#parts;
    task.state = 'done';
    if (groups.made(now, task)) wakeLoop();
    window.note(true);
    this.#count(task, 'success');
    this.#finish(now, task);
  }

  fail(now: Micros, task: TaskCell, failure: TaskFailure): void {
    const { salvage, groups, deferrals, window, events } = this.#parts;
    task.failed(now, failure);
    if (salvage.classify(failure) === 'retry') {
      this.#count(task, outcomeOf(failure));
      task.deferrals++;
      this.#deferrals++;
      // Of a closed row group there is nothing left to salvage.
      if (groups.find(task.group) === undefined) task.state = 'dropped';
      else deferrals.add(task);
      events.emit('retry-deferred', now, task);
    } else {
      window.note(false);
      this.#count(task, 'non-retryable-failure');
      task.state = 'dropped';
      groups.drop(now, task, 'unhealable');
      events.emit('non-retryable-dropped', now, task);
    }
    this.#finish(now, task);
  }

  /** Ends every task that runs; their calls are cancelled and nothing is held for them. */
  cancelAll(now: Micros): void {
    const { calls, events, emit } = this.#parts;
    for (const task of [...this.#running]) {
      const { call, state } = task;
      calls.cancel(now, task);
      if (state !== 'leased') {
        emit({ kind: 'cancel', task, call });
        events.emit('cancelled', now, task);
      }
      task.state = 'cancelled';
      this.#release(now, task);
    }
  }

  checkInvariants(): void {
    const inGroups = new Map<number, number>();
    for (const { group } of this.#running) inGroups.set(group, (inGroups.get(group) ?? 0) + 1);
    for (const [id, count] of inGroups) {
      const group = this.#parts.groups.find(id);
      assert(group === undefined || group.inFlight === count, 'a row group counts its tasks that run');
    }
    assert(this.#parts.backlog.held().leased === this.#running.size, 'each task lease belongs to a task that runs');
    const { waiting, calling, backingOff, leased } = this.#parts.calls.held();
    assert(waiting + calling + backingOff <= this.#running.size, 'a task does one thing at a time');
    assert(leased <= calling, 'each request lease belongs to a call that runs');
  }

  #finish(now: Micros, task: TaskCell): void {
    this.#parts.events.emit('task-completed', now, task);
    this.#release(now, task);
  }

  #release(now: Micros, task: TaskCell): void {
    const { groups, backlog, observed, wakeLoop } = this.#parts;
    assert(this.#running.delete(task), 'a task ends once');
    const group = groups.find(task.group);
    if (group !== undefined) group.inFlight--;
    backlog.release(now, task);
    observed.bookkeeping(now, groups.openCount);
    wakeLoop();
  }

  #count({ plan }: TaskCell, outcome: TaskOutcome): void {
    if (plan.calls === undefined) return;
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }
}

/** Of a failure that may heal. */
function outcomeOf({ reason, cause, status }: TaskFailure): TaskOutcome {
  if (status === 429 || cause === 'rate-limited') return 'rate-limit';
  if (cause === 'queue-timeout') return 'request-admission-timeout';
  if (reason === 'timeout' || status === 408) return 'timeout';
  return status === 0 ? 'connection' : 'internal-server';
}

/**
 * The row groups of a run: admitted in order while fewer than `rowGroupsMax` are open, closed as soon as all their
 * rows are complete or dropped. Closing one takes its leftovers (tasks of dropped rows) out of the task queue and of
 * salvage, and makes room for the next. Every row of the plan is reported once, completed or dropped, those of groups
 * that were never opened too.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (_admit_row_groups, _checkpoint_completed_row_groups).
 */
import { assert } from '../kernel/assert.ts';
import type { TaskPlan } from '../../policies/task/types.ts';
import type { Micros } from '../../policies/types.ts';
import type { Backlog } from './backlog.ts';
import { ColumnGraph } from './column-graph.ts';
import type { Deferrals } from './deferrals.ts';
import type { DatasetEvents } from './events.ts';
import { RowGroup } from './row-group.ts';
import { TaskCell } from './task-cell.ts';
import type { DatasetEffect, DatasetPlan, DropRule, FailureLink, RowGroupPlan } from './types.ts';

export interface RowGroupParts {
  readonly plan: DatasetPlan;
  /** Of each column. */
  readonly taskPlans: readonly TaskPlan[];
  readonly rowGroupsMax: number;
  readonly backlog: Backlog;
  readonly deferrals: Deferrals;
  readonly events: DatasetEvents;
  readonly emit: (effect: DatasetEffect) => void;
}

export class RowGroups {
  readonly #parts: RowGroupParts;
  readonly #graph: ColumnGraph;
  /** By id, oldest first. */
  readonly #open = new Map<number, RowGroup>();
  #nextGroup = 0;
  #tasks = 0;
  #completed = 0;
  #dropped = 0;

  constructor(parts: RowGroupParts) {
    this.#parts = parts;
    this.#graph = new ColumnGraph(parts.plan.columns);
    const ids = new Set(parts.plan.rowGroups.map(({ id }) => id));
    assert(ids.size === parts.plan.rowGroups.length, 'row groups have ids of their own');
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** All of the plan have been opened. */
  get allOpened(): boolean {
    return this.#nextGroup === this.#parts.plan.rowGroups.length;
  }

  get counts(): { readonly completed: number; readonly dropped: number; readonly tasks: number } {
    return { completed: this.#completed, dropped: this.#dropped, tasks: this.#tasks };
  }

  /** Undefined once it is closed. */
  find(id: number): RowGroup | undefined {
    return this.#open.get(id);
  }

  /** Opens the next ones while there is room. True when it opened any. */
  openNext(now: Micros): boolean {
    const { rowGroupsMax, backlog, events, taskPlans } = this.#parts;
    let opened = false;
    while (!this.allOpened && this.#open.size < rowGroupsMax) {
      const { id, rows } = this.#shiftPlan();
      const make = (column: number, row: number) => {
        const taskPlan = taskPlans[column];
        assert(taskPlan !== undefined, 'every column has a plan');
        return new TaskCell(taskPlan, this.#tasks++, column, id, row);
      };
      const group = new RowGroup(id, rows, this.#graph, make);
      this.#open.set(id, group);
      backlog.enqueue(now, group.roots());
      events.emit('row-group-admitted', now);
      events.emit('scheduler-health-snapshot', now);
      opened = true;
    }
    return opened;
  }

  /** The task succeeded: its cells are made and what waited for them is queued. True when that queued anything. */
  made(now: Micros, task: TaskCell): boolean {
    const group = this.#open.get(task.group);
    if (group === undefined) return false;
    const { rows, ready } = group.made(task);
    for (const row of rows) this.#complete(group, row, task.failures);
    return this.#parts.backlog.enqueue(now, ready);
  }

  /** The task failed for good: its row is lost, or the open rows of its group. */
  drop(now: Micros, task: TaskCell, rule: DropRule): void {
    const group = this.#open.get(task.group);
    if (group === undefined) return;
    const rows = task.row < 0 ? [...group.openRows()] : [task.row];
    for (const row of rows) this.#drop(now, group, row, rule, task.failures);
  }

  /** Closes the groups that are complete, oldest first; answers how many. */
  checkpoint(now: Micros): number {
    const complete = [...this.#open.values()].filter((group) => group.complete);
    const { events, emit } = this.#parts;
    for (const group of complete) {
      this.#open.delete(group.id);
      emit({ kind: 'checkpoint', group: group.id, kept: group.rows - group.droppedCount, dropped: group.droppedCount });
      events.emit('row-group-checkpointed', now);
      events.emit('scheduler-health-snapshot', now);
    }
    for (const group of complete) {
      this.#parts.deferrals.forget(group.id);
      for (const task of group.queued()) this.#parts.backlog.discard(task);
    }
    return complete.length;
  }

  /** The run is over: what is open is dropped, what survives is checkpointed, what was never opened is lost. */
  abandon(now: Micros, rule: DropRule): void {
    const chains = new Map<string, readonly FailureLink[]>();
    for (const task of this.#parts.deferrals.tasks()) chains.set(`${task.group}/${task.row}`, task.failures);
    for (const group of this.#open.values()) {
      const ofGroup = chains.get(`${group.id}/-1`) ?? [];
      for (const row of [...group.openRows()]) {
        this.#drop(now, group, row, rule, chains.get(`${group.id}/${row}`) ?? ofGroup, false);
      }
    }
    this.checkpoint(now);
    while (!this.allOpened) {
      const { id, rows } = this.#shiftPlan();
      for (let row = 0; row < rows; row++) this.#report(id, row, rule, []);
    }
  }

  checkInvariants(): void {
    for (const group of this.#open.values()) group.checkInvariants();
    assert(this.#open.size <= this.#parts.rowGroupsMax, 'no more row groups are open than allowed');
  }

  #shiftPlan(): RowGroupPlan {
    const plan = this.#parts.plan.rowGroups[this.#nextGroup++];
    assert(plan !== undefined, 'a row group to open is in the plan');
    return plan;
  }

  #complete(group: RowGroup, row: number, reasons: readonly FailureLink[]): void {
    this.#completed++;
    this.#parts.emit({ kind: 'row', group: group.id, row, result: 'completed', rule: undefined, reasons });
  }

  #drop(
    now: Micros,
    group: RowGroup,
    row: number,
    rule: DropRule,
    reasons: readonly FailureLink[],
    goesOn = true,
  ): void {
    const ready = group.drop(row);
    if (ready === undefined) return;
    this.#report(group.id, row, rule, reasons);
    if (goesOn) this.#parts.backlog.enqueue(now, ready);
  }

  #report(group: number, row: number, rule: DropRule, reasons: readonly FailureLink[]): void {
    this.#dropped++;
    this.#parts.emit({ kind: 'row', group, row, result: 'dropped', rule, reasons });
  }
}

/**
 * The tasks that failed in a way that may heal, until salvage has tried them again. A cycle takes out the tasks of
 * stalled row groups and tries them in rounds; what fails meanwhile, of any group, joins the next round. Those of the
 * other groups are set aside for the length of the cycle. Order is order of failure throughout.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (_salvage_stalled_row_groups, _salvage_rounds).
 */
import type { TaskCell } from './task-cell.ts';

export class Deferrals {
  #current: TaskCell[] = [];
  #aside: TaskCell[] = [];
  /** Groups of the cycle, while there is one. */
  #cycle: ReadonlySet<number> | undefined;

  get size(): number {
    return this.#current.length + this.#aside.length;
  }

  /** What the next round would try. */
  get pending(): number {
    return this.#current.length;
  }

  *tasks(): Generator<TaskCell> {
    yield* this.#current;
    yield* this.#aside;
  }

  add(task: TaskCell): void {
    task.state = 'deferred';
    this.#current.push(task);
  }

  /** False, and no change, when no group of a deferred task is stalled. */
  beginCycle(stalled: (group: number) => boolean): boolean {
    const groups = new Set(this.#current.map(({ group }) => group).filter(stalled));
    if (groups.size === 0) return false;
    this.#aside = this.#current.filter(({ group }) => !groups.has(group));
    this.#current = this.#current.filter(({ group }) => groups.has(group));
    this.#cycle = groups;
    return true;
  }

  /** Takes out what a round tries. */
  takeRound(): readonly TaskCell[] {
    const tasks = this.#current;
    this.#current = [];
    return tasks;
  }

  /** The rounds are over. `keep` judges each task of the cycle's groups that still fails. */
  endCycle(keep: (task: TaskCell) => boolean): void {
    const groups = this.#cycle ?? new Set<number>();
    const exhausted = this.#current.filter(({ group }) => groups.has(group));
    const others = this.#current.filter(({ group }) => !groups.has(group));
    const kept = exhausted.filter(keep);
    this.#current = [...this.#aside, ...others, ...kept];
    this.#aside = [];
    this.#cycle = undefined;
  }

  /** The group is closed: its tasks have nothing left to decide. */
  forget(closed: number): void {
    this.#current = this.#current.filter(({ group }) => group !== closed);
    this.#aside = this.#aside.filter(({ group }) => group !== closed);
  }
}

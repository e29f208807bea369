/**
 * One open row group: which cells are made, which rows are lost, and which tasks that makes ready. A cell is ready when
 * the cells it depends on in its row are made; a task of the whole group when every open row has what it depends on. A
 * dropped row makes nothing ready; dropping it may make a whole-group task ready that waited for it. The group is
 * complete when no row is open, whatever still runs for dropped rows.
 *
 * Source: DataDesigner scheduling/completion.py 99517abc (readiness, order of tasks).
 */
import { assert } from '../kernel/assert.ts';
import type { ColumnGraph } from './column-graph.ts';
import type { TaskCell } from './task-cell.ts';

type MakeTask = (column: number, row: number) => TaskCell;

export class RowGroup {
  readonly id: number;
  readonly rows: number;
  readonly #graph: ColumnGraph;
  readonly #make: MakeTask;
  /** By `#at`; those made so far. Those of dropped rows may still be queued. */
  readonly #tasks = new Map<number, TaskCell>();
  /** 1 for a cell that is made, by `#at`. */
  readonly #made: Uint8Array;
  readonly #dropped: Uint8Array;
  /** Cells to make, by row. */
  readonly #rowLeft: Int32Array;
  /** Cells of open rows to make, by column. */
  readonly #columnLeft: Int32Array;
  #open: number;
  #droppedCount = 0;
  /** Tasks that hold a task lease. */
  inFlight = 0;

  constructor(id: number, rows: number, graph: ColumnGraph, make: MakeTask) {
    this.id = id;
    this.rows = rows;
    this.#graph = graph;
    this.#make = make;
    this.#made = new Uint8Array(rows * graph.size);
    this.#dropped = new Uint8Array(rows);
    this.#rowLeft = new Int32Array(rows).fill(graph.size);
    this.#columnLeft = new Int32Array(graph.size).fill(rows);
    this.#open = graph.size === 0 ? 0 : rows;
  }

  get complete(): boolean {
    return this.#open === 0;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Is the row, or for a task of the whole group every row, lost? */
  isDropped(row: number): boolean {
    return row < 0 ? this.#droppedCount === this.rows : this.#dropped[row] === 1;
  }

  /** Rows neither complete nor dropped. */
  *openRows(): Generator<number> {
    for (let row = 0; row < this.rows; row++) if (this.#dropped[row] === 0 && this.#rowLeft[row] !== 0) yield row;
  }

  /** Tasks of the columns that depend on nothing, column by column. */
  roots(): TaskCell[] {
    const ready: TaskCell[] = [];
    for (const column of this.#graph.roots) this.#allOf(column, ready);
    return ready;
  }

  /** The task succeeded: rows it completed, and tasks it made ready. */
  made({ column, row }: TaskCell): { readonly rows: readonly number[]; readonly ready: readonly TaskCell[] } {
    const rows: number[] = [];
    const ready: TaskCell[] = [];
    const [from, to] = row < 0 ? [0, this.rows] : [row, row + 1];
    for (let each = from; each < to; each++) if (this.#fill(column, each)) rows.push(each);
    for (const next of this.#graph.downstream(column)) {
      if (this.#graph.wholeGroup(next) || row < 0) this.#allOf(next, ready);
      else if (this.#dropped[row] === 0) this.#cellOf(next, row, ready);
    }
    return { rows, ready };
  }

  /** Undefined: it was dropped or complete already. Else the tasks that no longer wait for the row. */
  drop(row: number): readonly TaskCell[] | undefined {
    if (this.#dropped[row] === 1 || this.#rowLeft[row] === 0) return undefined;
    this.#dropped[row] = 1;
    this.#droppedCount++;
    this.#open--;
    const ready: TaskCell[] = [];
    for (let column = 0; column < this.#graph.size; column++) {
      if (this.#made[this.#at(column, row)] === 0) countOff(this.#columnLeft, column);
    }
    if (this.#open > 0) {
      for (const column of this.#graph.wholeGroups) {
        if (!this.#graph.roots.includes(column)) this.#allOf(column, ready);
      }
    }
    return ready;
  }

  /** Its tasks that wait in the task queue, to be taken out when the group is closed. */
  *queued(): Generator<TaskCell> {
    for (const task of this.#tasks.values()) if (task.state === 'queued') yield task;
  }

  checkInvariants(): void {
    let open = 0;
    let dropped = 0;
    for (let row = 0; row < this.rows; row++) {
      let left = 0;
      for (let column = 0; column < this.#graph.size; column++) {
        if (this.#made[this.#at(column, row)] === 0) left++;
      }
      assert(left === this.#rowLeft[row], 'a row counts the cells it still lacks');
      if (this.#dropped[row] === 1) dropped++;
      else if (left > 0) open++;
    }
    assert(open === this.#open && dropped === this.#droppedCount, 'a row is complete, dropped or open');
    assert(this.inFlight >= 0, 'no more tasks end than started');
  }

  /** True when that completed an open row. */
  #fill(column: number, row: number): boolean {
    const at = this.#at(column, row);
    if (this.#made[at] === 1) return false;
    this.#made[at] = 1;
    countOff(this.#rowLeft, row);
    if (this.#dropped[row] === 1) return false;
    countOff(this.#columnLeft, column);
    if (this.#rowLeft[row] !== 0) return false;
    this.#open--;
    return true;
  }

  /** The column's tasks that are ready now and were not before: one a row, or one for the group. */
  #allOf(column: number, ready: TaskCell[]): void {
    if (!this.#graph.wholeGroup(column)) {
      for (let row = 0; row < this.rows; row++) if (this.#dropped[row] === 0) this.#cellOf(column, row, ready);
    } else if (this.#graph.upstream(column).every((each) => this.#columnLeft[each] === 0)) {
      this.#newTask(column, -1, ready);
    }
  }

  #cellOf(column: number, row: number, ready: TaskCell[]): void {
    const made = (each: number) => this.#made[this.#at(each, row)] === 1;
    if (this.#graph.upstream(column).every(made)) this.#newTask(column, row, ready);
  }

  #newTask(column: number, row: number, ready: TaskCell[]): void {
    const key = column * (this.rows + 1) + row + 1;
    if (this.#tasks.has(key)) return;
    const task = this.#make(column, row);
    this.#tasks.set(key, task);
    ready.push(task);
  }

  #at(column: number, row: number): number {
    return column * this.rows + row;
  }
}

function countOff(counts: Int32Array, at: number): void {
  counts[at] = (counts[at] as number) - 1;
}

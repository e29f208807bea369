/**
 * The batch core in its first form: rows × independent columns → tasks → calls. A dispatch pass starts queued tasks
 * while task leases last. A task whose call fails retryably is deferred; once nothing is queued and nothing in flight,
 * the deferred tasks are salvaged in rounds, and after the last round the salvage policy keeps each for another cycle
 * (after a pause) or drops its row. A dropped row's queued tasks are skipped and its running calls run on, their
 * results ignored.
 *
 * Methods in, records out, as for the gateway core. The dispatch pass is a continuation of the same instant
 * (`nextWakeAt() = now`), so that a host whose CPU is busy runs it late. Semantics follow NVIDIA-NeMo/DataDesigner's
 * scheduler (issue 725, pull request 730); dependencies between columns, row groups, fair task queues and early
 * shutdown are not here yet.
 */
import { assert } from '../kernel/assert.ts';
import type { Micros, Salvage, TaskFailure } from '../../policies/types.ts';
import type { DatasetConfig } from './config.ts';

export type TaskState = 'queued' | 'in-flight' | 'deferred' | 'done' | 'dropped';

/** One cell to generate. */
export interface Task {
  readonly row: number;
  readonly column: number;
  readonly state: TaskState;
  /** Times it was deferred so far; above zero, a success counts as salvaged. */
  readonly deferrals: number;
  /** Every failure so far, oldest first: `reason/cause/status`. */
  readonly failures: readonly string[];
}

export type DatasetEffect =
  | { readonly kind: 'call'; readonly task: Task }
  | {
      readonly kind: 'row';
      readonly row: number;
      readonly result: 'completed' | 'dropped';
      /** Failures of the cell that decided it. */
      readonly reasons: readonly string[];
    }
  | { readonly kind: 'done' };

export interface DatasetCounts {
  rowsCompleted: number;
  rowsDropped: number;
  calls: number;
  deferrals: number;
  preservations: number;
  salvageRounds: number;
  /** Most tasks in flight at once. */
  inFlightMax: number;
}

interface Cell extends Task {
  state: TaskState;
  deferrals: number;
  failures: string[];
  last: TaskFailure | undefined;
}

export class Dataset {
  readonly counts: DatasetCounts = {
    rowsCompleted: 0,
    rowsDropped: 0,
    calls: 0,
    deferrals: 0,
    preservations: 0,
    salvageRounds: 0,
    inFlightMax: 0,
  };
  readonly #config: DatasetConfig;
  readonly #salvage: Salvage;
  readonly #cellsLeft: Int32Array;
  readonly #dropped: Uint8Array;
  #queue: Cell[] = [];
  #queueHead = 0;
  #deferred: Cell[] = [];
  #inFlight = 0;
  #round = 0;
  #wakeAt: Micros = Infinity;
  #now: Micros = 0;
  #state: 'new' | 'running' | 'done' = 'new';
  readonly #outbox: DatasetEffect[] = [];
  #taken = 0;
  #selections = 0;
  #bookkeeping = 0;
  #queuedWalked = 0;

  constructor(config: DatasetConfig, salvage: Salvage) {
    this.#config = config;
    this.#salvage = salvage;
    this.#cellsLeft = new Int32Array(config.rows).fill(config.columns.length);
    this.#dropped = new Uint8Array(config.rows);
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Queues every cell, column by column, rows ascending. */
  begin(now: Micros): void {
    this.#enter(now);
    assert(this.#state === 'new', 'a dataset began twice');
    this.#state = 'running';
    for (let column = 0; column < this.#config.columns.length; column++) {
      for (let row = 0; row < this.#config.rows; row++) {
        this.#queue.push({ row, column, state: 'queued', deferrals: 0, failures: [], last: undefined });
      }
    }
    this.#bookkept();
    this.#wakeAt = now;
  }

  /** The call of a task ended; `failure` undefined when it succeeded. */
  end(now: Micros, task: Task, failure: TaskFailure | undefined): void {
    this.#enter(now);
    const cell = task as Cell;
    assert(cell.state === 'in-flight', 'a task ended that was not in flight');
    this.#inFlight--;
    this.#bookkept();
    if (failure === undefined) this.#complete(cell);
    else this.#fail(cell, failure);
    this.#wakeAt = now;
  }

  /** The dispatch pass, and salvage once nothing else is left. Spurious calls do nothing. */
  wake(now: Micros): void {
    this.#enter(now);
    if (this.#state !== 'running' || now < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    this.#dispatch();
    if (this.#inFlight > 0 || this.#queueHead < this.#queue.length) return;
    if (this.#deferred.length > 0) this.#salvageDeferred(now);
    if (this.#deferred.length === 0 && this.#inFlight === 0) {
      this.#state = 'done';
      this.#outbox.push({ kind: 'done' });
    }
  }

  take(): DatasetEffect | undefined {
    if (this.#taken < this.#outbox.length) return this.#outbox[this.#taken++];
    this.#outbox.length = 0;
    this.#taken = 0;
    return undefined;
  }

  /** What the last input did, for the host CPU model; shape as in the gateway. */
  work() {
    return {
      inputs: 1,
      selections: this.#selections,
      bookkeeping: this.#bookkeeping,
      queuedWalked: this.#queuedWalked,
      starts: 0,
    };
  }

  nextWakeAt(): Micros {
    return this.#state === 'running' ? this.#wakeAt : Infinity;
  }

  held(): { readonly queued: number; readonly inFlight: number; readonly deferred: number } {
    return { queued: this.#queue.length - this.#queueHead, inFlight: this.#inFlight, deferred: this.#deferred.length };
  }

  /** Asserts that rows are completed, dropped or open, and that an open row has cells left. */
  checkInvariants(): void {
    let completed = 0;
    let dropped = 0;
    for (let row = 0; row < this.#config.rows; row++) {
      const left = this.#cellsLeft[row] as number;
      assert(left >= 0, 'a row has completed more cells than it has');
      if (this.#dropped[row] === 1) dropped++;
      else if (left === 0) completed++;
    }
    assert(dropped === this.counts.rowsDropped, 'dropped rows disagree with their count');
    assert(completed === this.counts.rowsCompleted, 'completed rows disagree with their count');
    assert(this.#inFlight <= this.#config.maxInFlight, 'more tasks in flight than task leases');
    assert(this.#state !== 'done' || completed + dropped === this.#config.rows, 'a dataset is done with rows open');
  }

  #enter(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at the dataset');
    assert(this.#outbox.length === 0, 'the dataset was entered before its effects were taken');
    this.#now = now;
    this.#selections = this.#bookkeeping = this.#queuedWalked = 0;
  }

  #dispatch(): void {
    const queue = this.#queue;
    while (this.#queueHead < queue.length) {
      this.#selections++;
      if (this.#inFlight >= this.#config.maxInFlight) break;
      const cell = queue[this.#queueHead++] as Cell;
      if (this.#dropped[cell.row] === 1) {
        cell.state = 'dropped';
        continue;
      }
      cell.state = 'in-flight';
      this.#inFlight++;
      this.counts.calls++;
      this.#bookkept();
      this.#outbox.push({ kind: 'call', task: cell });
    }
    this.counts.inFlightMax = Math.max(this.counts.inFlightMax, this.#inFlight);
    if (this.#queueHead === queue.length) {
      this.#queue = [];
      this.#queueHead = 0;
    }
  }

  #complete(cell: Cell): void {
    cell.state = 'done';
    if (this.#dropped[cell.row] === 1) return;
    const left = (this.#cellsLeft[cell.row] as number) - 1;
    this.#cellsLeft[cell.row] = left;
    if (left > 0) return;
    this.counts.rowsCompleted++;
    this.#outbox.push({ kind: 'row', row: cell.row, result: 'completed', reasons: cell.failures });
  }

  #fail(cell: Cell, failure: TaskFailure): void {
    cell.failures.push(`${failure.reason}/${failure.cause}/${failure.status}`);
    cell.last = failure;
    if (this.#dropped[cell.row] === 1 || this.#salvage.classify(failure) === 'drop') {
      this.#drop(cell);
      return;
    }
    cell.state = 'deferred';
    cell.deferrals++;
    this.counts.deferrals++;
    this.#deferred.push(cell);
  }

  #drop(cell: Cell): void {
    cell.state = 'dropped';
    if (this.#dropped[cell.row] === 1) return;
    this.#dropped[cell.row] = 1;
    this.counts.rowsDropped++;
    this.#outbox.push({ kind: 'row', row: cell.row, result: 'dropped', reasons: cell.failures });
  }

  /** Another round of the present cycle, or the verdict at its end. */
  #salvageDeferred(now: Micros): void {
    if (this.#round < this.#salvage.roundsMax) {
      this.#round++;
      this.counts.salvageRounds++;
      for (const cell of this.#deferred) cell.state = 'queued';
      this.#queue = this.#deferred;
      this.#queueHead = 0;
      this.#deferred = [];
      this.#dispatch();
      // All of it may have belonged to dropped rows.
      if (this.#inFlight === 0) this.#round = 0;
      return;
    }
    this.#round = 0;
    const kept: Cell[] = [];
    for (const cell of this.#deferred) {
      if (this.#dropped[cell.row] === 1) cell.state = 'dropped';
      else if (this.#salvage.afterRounds(cell.last as TaskFailure) === 'preserve') kept.push(cell);
      else this.#drop(cell);
    }
    this.counts.preservations += kept.length;
    this.#deferred = kept;
    if (kept.length > 0) this.#wakeAt = now + this.#salvage.pacingUs;
  }

  #bookkept(): void {
    this.#bookkeeping++;
    this.#queuedWalked += this.#queue.length - this.#queueHead;
  }
}

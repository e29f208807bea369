/** A task as the core itself changes it; hosts and policies see the read-only `Task`. */
import type { TaskLease, TaskPlan } from '../../policies/task/types.ts';
import type { Micros, TaskFailure } from '../../policies/types.ts';
import type { Call, FailureLink, Task, TaskState } from './types.ts';

export class TaskCell implements Task {
  readonly id: string;
  readonly plan: TaskPlan;
  readonly number: number;
  readonly column: number;
  readonly group: number;
  readonly row: number;
  state: TaskState = 'queued';
  starts = 0;
  attempts = 0;
  deferrals = 0;
  preservations = 0;
  readonly failures: FailureLink[] = [];
  lease: TaskLease | undefined;
  call: Call | undefined;

  constructor(plan: TaskPlan, number: number, column: number, group: number, row: number) {
    this.id = `${column}/${group}/${row}`;
    this.plan = plan;
    this.number = number;
    this.column = column;
    this.group = group;
    this.row = row;
  }

  /** Of its last start. */
  get lastFailure(): TaskFailure | undefined {
    return this.failures.at(-1)?.failure;
  }

  failed(now: Micros, failure: TaskFailure): void {
    const last = this.failures.at(-1);
    if (last !== undefined && sameFailure(last.failure, failure)) {
      this.failures[this.failures.length - 1] = { ...last, times: last.times + 1, lastAt: now };
    } else {
      this.failures.push({ failure, times: 1, firstAt: now, lastAt: now });
    }
  }
}

function sameFailure(a: TaskFailure, b: TaskFailure): boolean {
  return a.reason === b.reason && a.cause === b.cause && a.status === b.status;
}

/**
 * What the core still has to do, in the order of upstream's event loop, one thing per `wake`. Continuations run first
 * in first out, in batches: those that were there when the first of the batch ran. What an input or a timer leads to
 * goes behind them, and timers and inputs that came due while a batch ran are heard only when it is over. So on a
 * busy host a reply that came during a long dispatch pass is heard after the tasks which that pass started have asked
 * for their places, and a timed-out wait is noticed late; this order, not the delay alone, makes DataDesigner issue
 * 725.
 *
 * Limits: the host must offer overdue inputs before a wake-up that was due later (`nextAt` says when this one was).
 */
import { assert } from '../kernel/assert.ts';
import type { Micros, TaskFailure } from '../../policies/types.ts';
import type { Calls } from './calls.ts';
import type { TaskCell } from './task-cell.ts';
import type { Call, CallResult } from './types.ts';

export type Continuation =
  | { readonly kind: 'loop' }
  | { readonly kind: 'open-row-groups' }
  /** Its generator starts, asks for admission, or begins its call. */
  | { readonly kind: 'start' | 'ask' | 'call'; readonly task: TaskCell }
  /** It learns that it was not admitted. */
  | { readonly kind: 'not-admitted'; readonly task: TaskCell; readonly failure: TaskFailure }
  | { readonly kind: 'ended'; readonly call: Call; readonly result: CallResult };

export interface AgendaParts {
  readonly calls: Calls;
  /** When the main loop's pause is over; Infinity when it does not pause. */
  readonly pausedUntil: () => Micros;
  readonly endPause: (now: Micros) => void;
  readonly perform: (now: Micros, continuation: Continuation) => void;
}

export class Agenda {
  readonly #parts: AgendaParts;
  #list: Continuation[] = [];
  #first = 0;
  #batchLeft = 0;
  #batchAt: Micros = Infinity;
  /** What came due until then goes before the next batch. */
  #heardUntil: Micros = -Infinity;
  /** A task that has just started asks for admission before anything else happens. */
  #asks: TaskCell | undefined;

  constructor(parts: AgendaParts) {
    this.#parts = parts;
  }

  /** From within a continuation. */
  push(continuation: Continuation): void {
    this.#list.push(continuation);
  }

  /** From an input or a timer. */
  hear(now: Micros, continuation: Continuation): void {
    if (this.#waiting === 0 && this.#batchLeft === 0) this.#heardUntil = now;
    this.#list.push(continuation);
  }

  askNext(task: TaskCell): void {
    assert(this.#asks === undefined, 'one task starts at a time');
    this.#asks = task;
  }

  clear(): void {
    this.#list = [];
    this.#first = this.#batchLeft = 0;
    this.#asks = undefined;
  }

  /** When what comes next was due; Infinity when nothing will be. */
  nextAt(): Micros {
    if (this.#asks !== undefined || this.#batchLeft > 0) return this.#batchAt;
    return Math.min(this.#timerAt(), this.#nextBatchAt());
  }

  /** The one thing that comes next, if it is due. */
  wake(now: Micros): void {
    const dueAt = this.nextAt();
    if (dueAt > now) return;
    if (this.#asks !== undefined) {
      const task = this.#asks;
      this.#asks = undefined;
      this.#parts.perform(now, { kind: 'ask', task });
    } else if (this.#batchLeft === 0 && this.#timerAt() <= this.#nextBatchAt()) this.#timer(now, dueAt);
    else this.#next(now, dueAt);
  }

  get #waiting(): number {
    return this.#list.length - this.#first;
  }

  #nextBatchAt(): Micros {
    return this.#waiting > 0 ? this.#heardUntil : Infinity;
  }

  #timerAt(): Micros {
    const { calls, pausedUntil } = this.#parts;
    return Math.min(calls.unadmittedAt(), calls.admissionAt(), calls.sleeperAt(), pausedUntil());
  }

  #next(now: Micros, dueAt: Micros): void {
    if (this.#batchLeft === 0) {
      this.#batchLeft = this.#waiting;
      this.#batchAt = dueAt;
      this.#heardUntil = now;
    }
    this.#batchLeft--;
    const next = this.#list[this.#first++];
    if (this.#first === this.#list.length) {
      this.#list = [];
      this.#first = 0;
    }
    if (next !== undefined) this.#parts.perform(now, next);
  }

  #timer(now: Micros, dueAt: Micros): void {
    const { calls, endPause } = this.#parts;
    if (calls.admissionAt() === dueAt) calls.wakeAdmission(now, dueAt);
    else if (calls.unadmittedAt() === dueAt) {
      const unadmitted = calls.shiftUnadmitted();
      if (unadmitted === undefined) return;
      this.hear(now, { kind: 'not-admitted', task: unadmitted.task, failure: unadmitted.failure });
    } else if (calls.sleeperAt() === dueAt) {
      const task = calls.shiftSleeper();
      if (task !== undefined) this.hear(now, { kind: 'ask', task });
    } else endPause(now);
  }
}

/**
 * What the core still has to do, in the order in which upstream's event loop does it, one thing per `wake`.
 *
 * Continuations run first in first out, in *turns*: a turn runs those that were there when it began; what they lead to
 * goes to the back and runs in a later turn. Inputs and timers are heard between turns: at the end of a turn, those
 * that were due when it began, in the order in which they were due; what they lead to goes to the back too. A turn that
 * leads to nothing ends with a `wake` of its own, so that what became due during it is heard no earlier than after any
 * other. So on a busy host a reply that came during a long dispatch pass is heard after the tasks which that pass
 * started have asked for their places, and a timed-out wait is noticed late; this order, not the delay alone, makes
 * DataDesigner issue 725.
 *
 * What a host must do for that: enter what is due in the order in which it was due, the core's own `nextWakeAt` among
 * it, an input before a `wake` of the same instant; with its clock as `now`, however late; and after each input let
 * what that cost (`work`) pass before anything else, its effects included. Within a turn `nextWakeAt` stays where the
 * turn was due, which may be far in the past, so what became due since comes after the turn. A host without costs
 * needs no more than to wake whenever `nextWakeAt` has come.
 *
 * Limits: timers of one instant fire in the order they were set. Python's heap leaves them in another, neither first
 * in first out nor the reverse; it shows where many tasks start at one instant and nothing costs time.
 */
import { assert } from '../kernel/assert.ts';
import type { Micros } from '../../policies/types.ts';
import type { Calls } from './calls.ts';
import type { TaskCell } from './task-cell.ts';
import type { TimedWait, WaitStep } from './timed-wait.ts';
import type { Call, CallResult } from './types.ts';

export type Continuation =
  | { readonly kind: 'loop' }
  | { readonly kind: 'open-row-groups' }
  /** Its generator starts, or asks for admission. */
  | { readonly kind: 'start' | 'ask'; readonly task: TaskCell }
  | { readonly kind: 'wait'; readonly wait: TimedWait; readonly step: WaitStep }
  | { readonly kind: 'ended'; readonly call: Call; readonly result: CallResult };

export interface AgendaParts {
  readonly calls: Pick<Calls, 'deadlineAt' | 'expire' | 'admissionAt' | 'wakeAdmission' | 'sleeperAt' | 'shiftSleeper'>;
  /** When the main loop's pause is over; Infinity when it does not pause. */
  readonly pausedUntil: () => Micros;
  readonly endPause: () => void;
  readonly perform: (now: Micros, continuation: Continuation) => void;
}

export class Agenda {
  readonly #parts: AgendaParts;
  #list: Continuation[] = [];
  #first = 0;
  /** Continuations of this turn that are still to run. */
  #turnLeft = 0;
  /** When the turn that runs was due. */
  #turnAt: Micros = Infinity;
  /** Something was heard or ran since the agenda was last idle. */
  #roused = false;
  /** When the last turn began, or the agenda was roused; what was due by then is heard before the next turn. */
  #heardUntil: Micros = -Infinity;
  /** A task that has just started asks for admission before anything else happens. */
  #asks: TaskCell | undefined;

  constructor(parts: AgendaParts) {
    this.#parts = parts;
  }

  /** From within a continuation or a timer. */
  push(continuation: Continuation): void {
    this.#list.push(continuation);
  }

  /** From an input. */
  hear(now: Micros, continuation: Continuation): void {
    this.#rouse(now);
    this.#list.push(continuation);
  }

  askNext(task: TaskCell): void {
    assert(this.#asks === undefined, 'one task starts at a time');
    this.#asks = task;
  }

  clear(): void {
    this.#list = [];
    this.#first = this.#turnLeft = 0;
    this.#roused = false;
    this.#asks = undefined;
  }

  /** When what comes next was due; Infinity when nothing will be. */
  nextAt(): Micros {
    if (this.#asks !== undefined || this.#turnLeft > 0) return this.#turnAt;
    return Math.min(this.#timerAt(), this.#nextTurnAt());
  }

  /** The one thing that comes next, if it is due. */
  wake(now: Micros): void {
    const dueAt = this.nextAt();
    if (dueAt > now) return;
    if (this.#asks !== undefined) {
      const task = this.#asks;
      this.#asks = undefined;
      this.#parts.perform(now, { kind: 'ask', task });
    } else if (this.#turnLeft === 0 && this.#timerAt() <= this.#nextTurnAt()) this.#timer(now, dueAt);
    else this.#next(now, dueAt);
  }

  #nextTurnAt(): Micros {
    return this.#roused ? this.#heardUntil : Infinity;
  }

  #timerAt(): Micros {
    const { calls, pausedUntil } = this.#parts;
    return Math.min(calls.deadlineAt(), calls.admissionAt(), calls.sleeperAt(), pausedUntil());
  }

  #rouse(now: Micros): void {
    if (this.#roused) return;
    this.#roused = true;
    this.#heardUntil = now;
  }

  #next(now: Micros, dueAt: Micros): void {
    if (this.#turnLeft === 0) {
      this.#turnLeft = this.#list.length - this.#first;
      this.#turnAt = dueAt;
      this.#heardUntil = now;
    }
    const next = this.#list[this.#first++];
    if (this.#first >= this.#list.length) {
      this.#list = [];
      this.#first = 0;
    }
    if (next === undefined) {
      // The last turn led to nothing, and all that was due when it began is heard.
      this.#roused = false;
      return;
    }
    this.#turnLeft--;
    this.#parts.perform(now, next);
  }

  #timer(now: Micros, dueAt: Micros): void {
    const { calls, endPause } = this.#parts;
    this.#rouse(now);
    if (calls.deadlineAt() === dueAt) calls.expire();
    else if (calls.admissionAt() === dueAt) calls.wakeAdmission(now);
    else if (calls.sleeperAt() === dueAt) {
      const task = calls.shiftSleeper();
      if (task !== undefined) this.#list.push({ kind: 'ask', task });
    } else endPause();
  }
}

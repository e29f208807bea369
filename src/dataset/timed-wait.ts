/**
 * One task's wait for its answer from request admission, limited by a deadline, as a chain of continuations. An event
 * loop does not resume who waits at once: the answer *signals* the wait; a helper that sleeps until then *wakes*; it
 * *reports* to the waiting task; the task *resumes*. Each of these goes to the back of the agenda, so whatever else is
 * ready runs in between, and on a busy host the clock goes on.
 *
 * The deadline has a timer of its own, which resumes the task directly. It finds the helper done, and goes on with the
 * answer there is; or it calls the helper off and waits for it to wake, report and resume the task once more. So who
 * is granted a place just before the deadline may go on earlier than others, and who is denied at it goes on later.
 *
 * Why so exact: on a busy host those who time out go on among new starts and ended calls, and who comes first decides
 * who has the next place. With one step for four, issue 725 on stall set Q keeps 68 rows instead of 47, and on set P
 * has 2,528 timeouts instead of 2,132.
 *
 * Source: asyncio of Python 3.11, where `wait_for` runs what it waits for as a task of its own; since 3.12 it does not
 * and there is no helper. Limits: upstream's waiters also look up every 50 ms; ours wait for their answer or deadline.
 */
import type { RequestLease } from '../../policies/admission/types.ts';
import type { Micros, TaskFailure } from '../../policies/types.ts';
import type { TaskCell } from './task-cell.ts';

export type WaitStep = 'signal' | 'wake' | 'report' | 'resume';

export class TimedWait {
  readonly task: TaskCell;
  /** Infinity when it may last for ever. */
  readonly deadlineAt: Micros;
  /** Known before the task resumes. */
  answer: RequestLease | TaskFailure | undefined;
  readonly #push: (wait: TimedWait, step: WaitStep) => void;
  #helper: 'asleep' | 'waking' | 'done' = 'asleep';
  #resuming = false;

  /** `push` puts a step at the back of the agenda. */
  constructor(task: TaskCell, deadlineAt: Micros, push: (wait: TimedWait, step: WaitStep) => void) {
    this.task = task;
    this.deadlineAt = deadlineAt;
    this.#push = push;
  }

  /** There is an answer that the wait does not know of yet. */
  signal(): void {
    this.#push(this, 'signal');
  }

  /** Its deadline has come. */
  expire(): void {
    this.#resume();
  }

  /** One continuation of the chain. True when the wait is over with it: the task goes on. */
  step(step: WaitStep): boolean {
    switch (step) {
      case 'signal':
        this.#wake();
        return false;
      case 'wake':
        this.#helper = 'done';
        this.#push(this, 'report');
        return false;
      case 'report':
        this.#resume();
        return false;
      case 'resume':
        if (this.#helper === 'done') return true;
        this.#resuming = false;
        this.#wake();
        return false;
      default:
        return step satisfies never;
    }
  }

  #wake(): void {
    if (this.#helper !== 'asleep') return;
    this.#helper = 'waking';
    this.#push(this, 'wake');
  }

  #resume(): void {
    if (this.#resuming) return;
    this.#resuming = true;
    this.#push(this, 'resume');
  }
}

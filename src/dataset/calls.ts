/**
 * The executor: turns a started task into calls, one request lease per attempt. A task asks request admission and waits
 * there; granted, its call goes to the host; ended, the lease is released before anything else, so that the next waiter
 * has it in the same step. A failure that the retry policy would repeat sleeps, without a request lease but with its
 * task lease, and asks again at the back of the queue. A request that was not admitted is never repeated here. Whoever
 * had to wait for the answer resumes some continuations after it (timed-wait.ts).
 *
 * Limits: three retries of every call can fill the scheduler with sleepers; and a task that waits for admission keeps
 * its task lease, which is why tasks are bounded by the places of their endpoint (policies/task/resolver.ts).
 *
 * Source: DataDesigner clients/model_request_executor.py 99517abc. `queueTimeout: provider-timeout` is upstream before
 * pull 730: a wait too long looked like a slow provider.
 */
import { assert } from '../kernel/assert.ts';
import type { AdmissionDenied, RequestAdmission, RequestLease } from '../../policies/admission/types.ts';
import type { AttemptResult, Micros, RequestView, Retry, Salvage, TaskFailure } from '../../policies/types.ts';
import type { TaskCell } from './task-cell.ts';
import { TimedWait, type WaitStep } from './timed-wait.ts';
import { Timers } from './timers.ts';
import type { Call, CallResult, DatasetEffect } from './types.ts';

const NOT_ADMITTED: TaskFailure = { reason: 'timeout', cause: 'upstream', status: 0 };
const WAITED_TOO_LONG: TaskFailure = { reason: 'timeout', cause: 'queue-timeout', status: 0 };

export class Calls {
  readonly #admission: RequestAdmission;
  readonly #retry: Retry;
  readonly #salvage: Salvage;
  readonly #emit: (effect: DatasetEffect) => void;
  /** Puts a step of a wait at the back of the agenda. */
  readonly #push: (wait: TimedWait, step: WaitStep) => void;
  /** By number of task: no answer yet, or not resumed since. */
  readonly #waits = new Map<number, TimedWait>();
  readonly #deadlines = new Timers<TimedWait>();
  readonly #sleepers = new Timers<TaskCell>();
  #ids = 0;
  #running = 0;

  constructor(
    admission: RequestAdmission,
    retry: Retry,
    salvage: Salvage,
    emit: (effect: DatasetEffect) => void,
    push: (wait: TimedWait, step: WaitStep) => void,
  ) {
    this.#admission = admission;
    this.#retry = retry;
    this.#salvage = salvage;
    this.#emit = emit;
    this.#push = push;
  }

  /** Calls made so far. */
  get count(): number {
    return this.#ids;
  }

  held(): { readonly waiting: number; readonly calling: number; readonly backingOff: number; readonly leased: number } {
    const { leased } = this.#admission.held();
    let [waiting, calling] = [0, this.#running];
    for (const { answer } of this.#waits.values()) {
      if (answer === undefined) waiting++;
      else if (isLease(answer)) calling++;
    }
    return { waiting, calling, backingOff: this.#sleepers.size, leased };
  }

  /** The task asks for its next attempt. Answers the failure of one that is refused at once. */
  ask(now: Micros, task: TaskCell): TaskFailure | undefined {
    const { calls } = task.plan;
    if (calls === undefined) {
      this.#begin(task, undefined);
      return undefined;
    }
    task.state = 'waiting';
    const deadlineAt = this.#admission.acquire(now, task.number, calls);
    const wait = new TimedWait(task, deadlineAt, this.#push);
    this.#waits.set(task.number, wait);
    this.#collect((each) => each === wait);
    // Whoever is answered at once goes on at once.
    if (wait.answer !== undefined) return this.#conclude(wait);
    assert(deadlineAt >= now, 'a wait has a deadline that is not over');
    if (deadlineAt < Infinity) this.#deadlines.add(deadlineAt, wait);
    return undefined;
  }

  /** A continuation of a wait. Answers the failure of a task that learns with it that it is not admitted. */
  step(wait: TimedWait, step: WaitStep): TaskFailure | undefined {
    const current = this.#waits.get(wait.task.number) === wait;
    return current && wait.step(step) ? this.#conclude(wait) : undefined;
  }

  /** True: another attempt follows. */
  end(now: Micros, call: Call, task: TaskCell, result: CallResult): boolean {
    assert(task.call === call, 'a call ends once');
    task.call = undefined;
    this.#running--;
    if (call.lease === undefined) return false;
    const answer = this.#admission.release(now, call.lease, result.outcome, Math.max(0, result.retryAfterUs));
    assert(answer === 'released', 'the lease of a call is out until the call ends');
    this.#collect();
    const { failure } = result;
    if (failure === undefined) return false;
    const delayUs = this.#retry.delayUs(now, requestOf(task), attemptResultOf(failure, result.retryAfterUs));
    if (delayUs < 0) return false;
    task.state = 'backing-off';
    this.#sleepers.add(now + delayUs, task);
    return true;
  }

  /** The task is over whatever it was doing; nothing of it is held after this. */
  cancel(now: Micros, task: TaskCell): void {
    this.#sleepers.delete(task);
    const wait = this.#waits.get(task.number);
    if (wait !== undefined) {
      if (wait.answer === undefined) this.#admission.cancel(now, task.number);
      else if (isLease(wait.answer)) this.#admission.release(now, wait.answer, 'local-cancelled');
      this.#collect();
      this.#forget(wait);
    }
    const { call } = task;
    if (call !== undefined) {
      task.call = undefined;
      this.#running--;
      if (call.lease !== undefined) this.#admission.release(now, call.lease, 'local-cancelled');
    }
    this.#collect();
  }

  /** Of each kind of timer, when the first is due; Infinity when idle. */
  deadlineAt(): Micros {
    return this.#deadlines.earliestAt();
  }
  admissionAt(): Micros {
    return this.#admission.nextWakeAt();
  }
  sleeperAt(): Micros {
    return this.#sleepers.earliestAt();
  }

  /** The first deadline has come. Request admission hears of it as of then, and denies nobody whose own is later. */
  expire(): void {
    const wait = this.#deadlines.shift();
    if (wait === undefined) return;
    const { deadlineAt } = wait;
    if (wait.answer === undefined) {
      this.#admission.wake(deadlineAt);
      this.#collect((each) => each.deadlineAt === deadlineAt);
      assert(wait.answer !== undefined, 'request admission denies who still waits at the deadline');
    }
    wait.expire();
  }

  /** Time alone has made somebody admissible. */
  wakeAdmission(now: Micros): void {
    this.#admission.wake(now);
    this.#collect();
  }

  /** The task whose sleep is over longest. */
  shiftSleeper(): TaskCell | undefined {
    return this.#sleepers.shift();
  }

  checkInvariants(): void {
    this.#admission.checkInvariants();
    const unanswered = [...this.#waits.values()].filter(({ answer }) => answer === undefined);
    assert(this.#admission.held().waiting === unanswered.length, 'who waits at request admission is a task of ours');
    for (const { deadlineAt } of unanswered) assert(deadlineAt >= this.deadlineAt(), 'a wait has its timer');
  }

  /** Answers of request admission. Each signals its wait, unless that is told otherwise. */
  #collect(told: (wait: TimedWait) => boolean = () => false): void {
    for (let effect = this.#admission.take(); effect !== undefined; effect = this.#admission.take()) {
      if (effect.kind === 'cancelled') continue;
      const wait = this.#waits.get(effect.item);
      assert(wait !== undefined, 'request admission answers those who asked');
      wait.answer = effect.kind === 'granted' ? effect.lease : this.#failureOf(effect);
      if (!told(wait)) wait.signal();
    }
  }

  #forget(wait: TimedWait): void {
    this.#waits.delete(wait.task.number);
    this.#deadlines.delete(wait);
  }

  #conclude(wait: TimedWait): TaskFailure | undefined {
    const { task, answer } = wait;
    assert(answer !== undefined, 'a task resumes with an answer');
    this.#forget(wait);
    if (!isLease(answer)) return answer;
    this.#begin(task, answer);
    return undefined;
  }

  #begin(task: TaskCell, lease: RequestLease | undefined): void {
    task.state = 'calling';
    task.attempts++;
    this.#running++;
    const call: Call = { id: this.#ids++, task, lease, resource: task.plan.calls, attempt: task.attempts };
    task.call = call;
    this.#emit({ kind: 'call', call });
  }

  #failureOf({ reason }: AdmissionDenied): TaskFailure {
    return reason === 'queue-timeout' && this.#salvage.queueTimeout === 'own-cause' ? WAITED_TOO_LONG : NOT_ADMITTED;
  }
}

function isLease(answer: RequestLease | TaskFailure): answer is RequestLease {
  return 'generation' in answer;
}

/** What a retry policy may ask of a call: little, since it is no request of a gateway. */
function requestOf(task: TaskCell): RequestView {
  return {
    id: task.number,
    tenant: 'dataset',
    arrivedAt: 0,
    deadlineAt: Infinity,
    promptTokens: 0,
    maxOutputTokens: 0,
    prefixKey: 0,
    blockHashes: [],
    blockTokens: 0,
    priority: 0,
    routingKey: '',
    targetWorker: '',
    attemptCount: task.attempts,
    triedWorkers: [],
  };
}

function attemptResultOf({ reason, status }: TaskFailure, retryAfterUs: Micros): AttemptResult {
  const outcome = reason === 'timeout' ? 'timeout' : reason === 'cancelled' ? 'cancelled' : 'failed';
  return { outcome, status, retryAfterUs, bytesSent: false };
}

/**
 * The executor: turns a started task into calls, one request lease per attempt. A task asks request admission and waits
 * there; granted, its call goes to the host; ended, the lease is released before anything else, so that the next waiter
 * has it in the same step. A failure that the retry policy would repeat sleeps, without a request lease but with its
 * task lease, and asks again at the back of the queue. A request that was not admitted is never repeated here.
 *
 * Limits: three retries of every call can fill the scheduler with sleepers; and a task that waits for admission keeps
 * its task lease, which is why tasks are bounded by the places of their endpoint (policies/task/resolver.ts).
 *
 * Source: DataDesigner clients/model_request_executor.py 99517abc. `queueTimeout: provider-timeout` is upstream before
 * pull 730: a wait too long looked like a slow provider.
 */
import { assert } from '../kernel/assert.ts';
import type { AdmissionDenied, RequestAdmission, RequestLease } from '../../policies/admission/types.ts';
import type { AttemptResult, Micros, RequestView, Retry, TaskFailure } from '../../policies/types.ts';
import type { DatasetSettings } from './settings.ts';
import { Sleepers } from './sleepers.ts';
import type { TaskCell } from './task-cell.ts';
import type { Call, CallResult, DatasetEffect } from './types.ts';

/** A task whose request was not admitted; `at` is when that was known. */
export interface Unadmitted {
  readonly at: Micros;
  readonly task: TaskCell;
  readonly failure: TaskFailure;
}

const NOT_ADMITTED: TaskFailure = { reason: 'timeout', cause: 'upstream', status: 0 };
const WAITED_TOO_LONG: TaskFailure = { reason: 'timeout', cause: 'queue-timeout', status: 0 };

export class Calls {
  readonly #admission: RequestAdmission;
  readonly #retry: Retry;
  readonly #settings: DatasetSettings;
  readonly #emit: (effect: DatasetEffect) => void;
  /** A task that waited has its lease: `begin` is due at this instant, after what is due before it. */
  readonly #resumeSoon: (task: TaskCell) => void;
  /** At request admission, by number. */
  readonly #waiting = new Map<number, TaskCell>();
  /** Granted a lease while they waited; their calls begin when their turn comes. */
  readonly #admitted = new Map<TaskCell, RequestLease>();
  readonly #sleepers = new Sleepers();
  readonly #unadmitted: Unadmitted[] = [];
  /** The task that is asking just now. */
  #asking: TaskCell | undefined;
  #ids = 0;
  #running = 0;

  constructor(
    admission: RequestAdmission,
    retry: Retry,
    settings: DatasetSettings,
    emit: (effect: DatasetEffect) => void,
    resumeSoon: (task: TaskCell) => void,
  ) {
    this.#admission = admission;
    this.#retry = retry;
    this.#settings = settings;
    this.#emit = emit;
    this.#resumeSoon = resumeSoon;
  }

  /** Calls made so far. */
  get count(): number {
    return this.#ids;
  }

  held(): { readonly waiting: number; readonly calling: number; readonly backingOff: number; readonly leased: number } {
    const { leased } = this.#admission.held();
    const calling = this.#running + this.#admitted.size;
    return { waiting: this.#waiting.size, calling, backingOff: this.#sleepers.size, leased };
  }

  /** The task asks for its next attempt. */
  ask(now: Micros, task: TaskCell): void {
    const { calls } = task.plan;
    if (calls === undefined) {
      this.#begin(task, undefined);
      return;
    }
    task.state = 'waiting';
    this.#waiting.set(task.number, task);
    this.#asking = task;
    this.#admission.acquire(now, task.number, calls);
    this.#collect(now);
    this.#asking = undefined;
    // Whoever is admitted at once goes on at once.
    if (this.#admitted.has(task)) this.begin(task);
  }

  /** The call of a task that was admitted begins. */
  begin(task: TaskCell): void {
    const lease = this.#admitted.get(task);
    assert(lease !== undefined, 'only an admitted task begins its call');
    this.#admitted.delete(task);
    this.#begin(task, lease);
  }

  /** True: another attempt follows. */
  end(now: Micros, call: Call, task: TaskCell, result: CallResult): boolean {
    assert(task.call === call, 'a call ends once');
    task.call = undefined;
    this.#running--;
    if (call.lease === undefined) return false;
    const answer = this.#admission.release(now, call.lease, result.outcome, Math.max(0, result.retryAfterUs));
    assert(answer === 'released', 'the lease of a call is out until the call ends');
    this.#collect(now);
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
    const place = this.#unadmitted.findIndex((each) => each.task === task);
    if (place >= 0) this.#unadmitted.splice(place, 1);
    if (this.#waiting.has(task.number)) this.#admission.cancel(now, task.number);
    const lease = this.#admitted.get(task);
    this.#admitted.delete(task);
    if (lease !== undefined) this.#admission.release(now, lease, 'local-cancelled');
    const { call } = task;
    if (call !== undefined) {
      task.call = undefined;
      this.#running--;
      if (call.lease !== undefined) this.#admission.release(now, call.lease, 'local-cancelled');
    }
    this.#collect(now);
  }

  /** Of each kind of wake-up, when it is due; Infinity when idle. */
  unadmittedAt(): Micros {
    return this.#unadmitted[0]?.at ?? Infinity;
  }
  admissionAt(): Micros {
    return this.#admission.nextWakeAt();
  }
  sleeperAt(): Micros {
    return this.#sleepers.earliestAt();
  }

  shiftUnadmitted(): Unadmitted | undefined {
    return this.#unadmitted.shift();
  }

  wakeAdmission(now: Micros, dueAt: Micros): void {
    this.#admission.wake(now);
    this.#collect(dueAt);
  }

  /** The task whose sleep is over longest. */
  shiftSleeper(): TaskCell | undefined {
    return this.#sleepers.shift();
  }

  checkInvariants(): void {
    this.#admission.checkInvariants();
    const { waiting } = this.#admission.held();
    assert(waiting === this.#waiting.size, 'who waits at request admission is a task of ours');
  }

  /** Answers of request admission. Whoever had to wait learns of it in its turn. */
  #collect(at: Micros): void {
    for (let effect = this.#admission.take(); effect !== undefined; effect = this.#admission.take()) {
      const task = this.#waiting.get(effect.item);
      assert(task !== undefined, 'request admission answers those who asked');
      this.#waiting.delete(effect.item);
      if (effect.kind === 'granted') {
        this.#admitted.set(task, effect.lease);
        if (task !== this.#asking) this.#resumeSoon(task);
      } else if (effect.kind === 'denied') this.#unadmitted.push({ at, task, failure: this.#failureOf(effect) });
    }
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
    return reason === 'queue-timeout' && this.#settings.queueTimeout === 'own-cause' ? WAITED_TOO_LONG : NOT_ADMITTED;
  }
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
    priority: 0,
    routingKey: '',
    attemptCount: task.attempts,
    triedWorkers: [],
  };
}

function attemptResultOf({ reason, status }: TaskFailure, retryAfterUs: Micros): AttemptResult {
  const outcome = reason === 'timeout' ? 'timeout' : reason === 'cancelled' ? 'cancelled' : 'failed';
  return { outcome, status, retryAfterUs, bytesSent: false };
}

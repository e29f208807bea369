/**
 * The maxima that the core observes, and the work it did since its last input. Both are counted at the same places:
 * after each batch of tasks is enqueued, after each dispatch and at the end of each task (a bookkeeping call). At the
 * end of a task its request lease has gone to the next waiter already, so the most who waited at once is missed by
 * one: upstream's scheduler saw 95 of 96. A bookkeeping call is charged for the tasks queued at that moment, which is
 * what made it slow before DataDesigner #728.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (capacity plan, observed maxima).
 */
import type { RequestAdmission, Resource } from '../../policies/admission/types.ts';
import type { TaskScheduler } from '../../policies/task/types.ts';
import type { Micros } from '../../policies/types.ts';
import type { TaskCell } from './task-cell.ts';

export interface ObservedMaxima {
  readonly rowGroups: number;
  readonly queued: number;
  /** Task leases by resource; only those that were taken. */
  readonly taskLeases: ReadonlyMap<string, number>;
  /** Who waited at request admission, most at one resource. */
  readonly requestWaiters: number;
}

/** What the core did since the last input, in the shape hosts charge for. */
export interface DatasetWork {
  inputs: number;
  /** Selections from the task queue, the one that found nothing included. */
  selections: number;
  bookkeeping: number;
  /** Σ over bookkeeping calls of the tasks queued at that moment. */
  queuedWalked: number;
  /** The summands, for a host that rounds the cost of each call. */
  readonly walks: number[];
  /** Tasks whose generator started. */
  starts: number;
}

export class Observed {
  readonly work: DatasetWork = { inputs: 0, selections: 0, bookkeeping: 0, queuedWalked: 0, walks: [], starts: 0 };
  readonly #scheduler: TaskScheduler<TaskCell>;
  readonly #admission: RequestAdmission;
  readonly #resources: readonly Resource[];
  readonly #taskLeases = new Map<string, number>();
  #rowGroups = 0;
  #queued = 0;
  #requestWaiters = 0;

  constructor(scheduler: TaskScheduler<TaskCell>, admission: RequestAdmission) {
    this.#scheduler = scheduler;
    this.#admission = admission;
    const calls = scheduler.plans.flatMap((plan) => plan.calls ?? []);
    this.#resources = [...new Map(calls.map((each) => [JSON.stringify(each), each])).values()];
  }

  /** One input, nothing else yet. */
  restart(): void {
    this.work.inputs = 1;
    this.work.selections = this.work.bookkeeping = this.work.queuedWalked = this.work.starts = 0;
    this.work.walks.length = 0;
  }

  bookkeeping(now: Micros, rowGroups: number): void {
    const { queue, admission } = this.#scheduler;
    this.work.bookkeeping++;
    this.work.queuedWalked += queue.size;
    this.work.walks.push(queue.size);
    this.#rowGroups = Math.max(this.#rowGroups, rowGroups);
    this.#queued = Math.max(this.#queued, queue.size);
    for (const resource of admission.resources()) {
      const leased = admission.limit(resource) - admission.available(resource);
      if (leased > (this.#taskLeases.get(resource) ?? 0)) this.#taskLeases.set(resource, leased);
    }
    if (this.#admission.held().waiting <= this.#requestWaiters) return;
    for (const resource of this.#resources) {
      const waiting = this.#admission.snapshot(now, resource)?.waiting ?? 0;
      this.#requestWaiters = Math.max(this.#requestWaiters, waiting);
    }
  }

  maxima(): ObservedMaxima {
    return {
      rowGroups: this.#rowGroups,
      queued: this.#queued,
      taskLeases: new Map(this.#taskLeases),
      requestWaiters: this.#requestWaiters,
    };
  }
}

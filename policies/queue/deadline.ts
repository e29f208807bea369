/**
 * Decides who may enter when the gateway is full: the earliest deadline first, and nobody who cannot make it. A
 * request is shed, with the cause `deadline`, when it is offered or when its turn comes and the service predicted for
 * it would end after its deadline. Intuition: an answer after the deadline is work for nobody, and the slot it would
 * take makes others late too.
 *
 * Regimes: with equal deadlines from arrival it is FIFO plus shedding; with mixed ones the urgent pass the patient;
 * under overload earliest first alone serves everyone just too late (the domino effect), which the shedding at
 * selection stops. Requests without a deadline come last, first come, first served. Limits: at the offer only the
 * service is predicted, not the wait; a doomed waiter keeps its place until its turn, its `timeout` or its deadline;
 * an urgent class can starve the others up to `timeout`.
 *
 * Size, timeout, permits and expiry are those of `fifo`. Source: C. Liu and J. Layland, "Scheduling Algorithms for
 * Multiprogramming" (1973), for one preemptive processor; BLIS flow control (slo-deadline). The prediction is ours
 * (service-time.ts).
 */
import { Deadlines } from '../admission/deadlines.ts';
import type { PolicyEntry } from '../entry.ts';
import type { AttemptResult, AttemptView, FinishCause, Micros, RequestView } from '../types.ts';
import { type DeadlineConfig, deadlineConfig } from './config.ts';
import { type Discipline, DisciplinedQueue, refillWaiters, waiterStates } from './disciplined-queue.ts';
import type { Selection, Waiter, WaiterState } from './disciplined-queue.ts';
import { KeyedFifo } from './keyed-fifo.ts';
import { ServiceTime } from './service-time.ts';

class EarliestDeadline implements Discipline {
  readonly #timeoutUs: Micros;
  readonly #service: ServiceTime;
  /** Oldest first, which is the order of expiry. */
  readonly #waiting = new KeyedFifo<Waiter>();
  /** The same waiters by deadline, ties by age. */
  readonly #byDeadline = new Deadlines();

  constructor(config: DeadlineConfig) {
    this.#timeoutUs = config.timeout;
    this.#service = new ServiceTime(config);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  refuses(now: Micros, request: RequestView): FinishCause | undefined {
    return this.#isDoomed(now, request) ? 'deadline' : undefined;
  }

  join(now: Micros, request: RequestView): void {
    this.#waiting.push(request.id, { request, since: now, expiresAt: now + this.#timeoutUs });
    this.#byDeadline.set(request.id, request.deadlineAt);
  }

  withdraw(id: number): void {
    this.#waiting.delete(id);
    this.#byDeadline.delete(id);
  }

  takeExpired(now: Micros): Selection | undefined {
    if (this.nextWakeAt() > now) return undefined;
    const { request } = this.#waiting.peek() as Waiter;
    this.withdraw(request.id);
    return { kind: 'shed', request, cause: 'queue-timeout' };
  }

  takeNext(now: Micros): Selection | undefined {
    const id = this.#byDeadline.shiftDue(Infinity);
    if (id === undefined) return undefined;
    const { request } = this.#waiting.get(id) as Waiter;
    this.#waiting.delete(id);
    return this.#isDoomed(now, request) ? { kind: 'shed', request, cause: 'deadline' } : { kind: 'admit', request };
  }

  nextWakeAt(): Micros {
    return this.#waiting.peek()?.expiresAt ?? Infinity;
  }

  granted(): void {
    this.#service.granted();
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#service.settled(now, attempt, result);
  }

  #isDoomed(now: Micros, request: RequestView): boolean {
    return now + this.#service.predictUs(request) > request.deadlineAt;
  }

  snapshot(): unknown {
    return [waiterStates(this.#waiting), this.#service.snapshot()];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    const [waiting, service] = state as [WaiterState[], unknown];
    refillWaiters(this.#waiting, waiting, requestOf);
    // By age, so that ties stay in their order.
    for (const [id] of waiting) this.#byDeadline.set(id, requestOf(id).deadlineAt);
    this.#service.restore(service);
  }
}

export const deadline: PolicyEntry<'queue', DeadlineConfig> = {
  role: 'queue',
  name: 'deadline',
  decides: 'Who may enter when the gateway is full: the earliest deadline first, and nobody who cannot make it.',
  source: 'Liu and Layland (1973), earliest deadline first; BLIS flow control (slo-deadline)',
  config: deadlineConfig,
  variants: {},
  make: (config) => new DisciplinedQueue(config.size, new EarliestDeadline(config)),
};

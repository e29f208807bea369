/**
 * An admission queue that can be replaced while requests wait in it. They move to the newcomer in the order in which
 * they came, and wait there by its rules from then on; what does not fit is shed. Permits that the old queue gave stay
 * its own until they come back, and the newcomer has so much less to give: both together never exceed the capacity.
 */
import { IdMap } from '../../gateway/id-map.ts';
import { assert } from '../../kernel/assert.ts';
import type {
  AttemptResult,
  AttemptView,
  FinishCause,
  LoadReport,
  Micros,
  Queue,
  QueueEffect,
  RequestView,
  WorkerStatus,
} from '../../../policies/types.ts';
import { observing, Succession } from './succession.ts';

export class QueueSuccession implements Queue {
  readonly #role: Succession<Queue>;
  readonly #observing: ReturnType<typeof observing>;
  /** Queues of the past that still have permits out. */
  #past: Queue[] = [];
  /** By request: the queue that holds its place or gave its permit. */
  readonly #owners = new IdMap<Queue>();
  /** Waiting in the current queue, oldest first. */
  readonly #waiting = new IdMap<RequestView>();
  /** What became of those that moved. */
  #moved: QueueEffect[] = [];
  #capacity = Infinity;

  constructor(queue: Queue) {
    this.#role = new Succession(queue);
    this.#observing = observing(this.#role);
  }

  /** `brief` tells the newcomer of the fleet before anything is offered to it; `capacity` is the one of this moment. */
  replace(now: Micros, queue: Queue, capacity: number, brief: (queue: Queue) => void): void {
    const old = this.#role.current;
    const moving = [...this.#waiting.values()];
    this.#waiting.clear();
    old.capacityChanged(now, 0);
    for (const request of moving) old.leave(now, request);
    assert(old.take() === undefined, 'a queue that is replaced admits somebody');
    if (old.held().admitted > 0) this.#past.push(old);
    this.#role.current = queue;
    this.#capacity = capacity;
    brief(queue);
    this.#share(now);
    for (const request of moving) {
      const answer = this.#offer(now, request);
      if (answer === 'admitted') this.#moved.push({ kind: 'admit', request });
      else if (answer !== 'queued') this.#moved.push({ kind: 'shed', request, cause: answer });
    }
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    return this.#offer(now, request);
  }

  leave(now: Micros, request: RequestView): void {
    const owner = this.#owners.get(request.id);
    this.#owners.delete(request.id);
    this.#waiting.delete(request.id);
    owner?.leave(now, request);
    if (owner === undefined || owner === this.#role.current) return;
    if (owner.held().admitted === 0) this.#past = this.#past.filter((queue) => queue !== owner);
    this.#share(now);
  }

  capacityChanged(now: Micros, capacity: number): void {
    this.#capacity = capacity;
    this.#share(now);
  }

  wake(now: Micros): void {
    this.#role.current.wake(now);
  }

  take(): QueueEffect | undefined {
    const effect = this.#moved.shift() ?? this.#role.current.take();
    if (effect !== undefined && effect.kind !== 'preempt') this.#waiting.delete(effect.request.id);
    return effect;
  }

  nextWakeAt(): Micros {
    return this.#role.current.nextWakeAt();
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    const { waiting, admitted } = this.#role.current.held();
    return { waiting, admitted: admitted + this.#pastPermits() };
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.#observing.granted(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    this.#observing.firstToken(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#observing.settled(now, attempt, result);
  }

  discovered(now: Micros, workers: readonly number[]): void {
    this.#observing.discovered(now, workers);
  }

  configured(now: Micros, worker: number, ranks: number): void {
    this.#observing.configured(now, worker, ranks);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    this.#observing.reported(now, worker, rank, report);
  }

  statusChanged(now: Micros, worker: number, status: WorkerStatus): void {
    this.#observing.statusChanged(now, worker, status);
  }

  reportsEnded(now: Micros): void {
    this.#observing.reportsEnded(now);
  }

  #offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    const queue = this.#role.current;
    const answer = queue.offer(now, request);
    if (answer === 'admitted' || answer === 'queued') this.#owners.set(request.id, queue);
    if (answer === 'queued') this.#waiting.set(request.id, request);
    return answer;
  }

  #share(now: Micros): void {
    this.#role.current.capacityChanged(now, Math.max(0, this.#capacity - this.#pastPermits()));
  }

  #pastPermits(): number {
    let permits = 0;
    for (const queue of this.#past) permits += queue.held().admitted;
    return permits;
  }

  get isSettled(): boolean {
    return this.#past.length === 0 && this.#moved.length === 0 && this.#role.isSettled;
  }

  snapshot(): unknown {
    const state = this.#role.current.snapshot?.();
    if (state === undefined) return undefined;
    return [[...this.#owners.keys()], [...this.#waiting.keys()], this.#capacity, state];
  }

  restore(
    state: unknown,
    requestOf: (id: number) => RequestView,
    attemptOf: (id: number) => AttemptView,
    attempts: readonly number[] = [],
  ): void {
    const [owned, waiting, capacity, inner] = state as [number[], number[], number, unknown];
    const queue = this.#role.current;
    queue.restore?.(inner, requestOf, attemptOf);
    for (const id of owned) this.#owners.set(id, queue);
    for (const id of waiting) this.#waiting.set(id, requestOf(id));
    this.#capacity = capacity;
    this.#role.restore(attempts);
  }
}

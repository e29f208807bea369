/**
 * The keeper behind the policy `priority` (priority.ts says what it decides and why): four lanes, one pool of
 * slots, the dispatcher between them, and who may be pushed out. Every input first sheds the waiters whose time
 * is up. Repaired, it then lets in whoever fits, so that between two inputs nobody waits who could be in; a
 * victim's slot is promised to the preemptor's class or above and handed over when the victim leaves.
 * Preemption is tried only where the one slot it frees is enough for the class to get in.
 *
 * With `dispatch: kicked` waiters are served by a `wake` of the same instant, or at ticks of the smallest
 * starvation threshold, counted from 0. That is upstream's separate dispatcher task made deterministic: the
 * arrivals of the instant come first and take what is free. A waiter whose client left is not admitted there
 * either, since a finished request may not be; upstream serves it.
 */
import { assert } from '../../src/kernel/assert.ts';
import { KeyedFifo } from '../queue/keyed-fifo.ts';
import { type BucketState, refitted, restoredBucket, type TokenBucket } from '../rate/token-bucket.ts';
import { refill } from '../refill.ts';
import type { AttemptView, FinishCause, Micros, Queue, QueueEffect, RequestView } from '../types.ts';
import { CLASSES, classOf, laneOf } from './classes.ts';
import type { ClassConfig, PriorityConfig } from './config.ts';
import { type Admission, Dispatcher } from './dispatcher.ts';
import { DispatcherTask, type TaskState } from './dispatcher-task.ts';
import { Lane, type LaneState } from './lane.ts';
import { Preemptors, type PreemptorsState } from './preemptors.ts';
import { reservationsOf } from './reservations.ts';
import { type PoolState, SlotPool } from './slot-pool.ts';
import { Victims, type VictimsState } from './victims.ts';

interface Admitted {
  readonly lane: number;
  /** Number of the admission, by which the newest is known. */
  readonly admission: number;
  readonly isSafe: boolean;
}

export class Scheduler implements Queue {
  readonly #config: PriorityConfig;
  /** These two by lane. */
  readonly #classes: readonly ClassConfig[];
  readonly #lanes: readonly Lane[];
  readonly #pool: SlotPool;
  readonly #dispatcher: Dispatcher;
  readonly #victims = new Victims(CLASSES.length);
  readonly #preemptors = new Preemptors();
  readonly #admitted = new Map<number, Admitted>();
  /** Victim → the lane it makes room for. */
  readonly #promises = new Map<number, number>();
  readonly #outbox = new KeyedFifo<QueueEffect>();
  readonly #earmarks: boolean;
  readonly #task: DispatcherTask;
  #rate: TokenBucket | undefined;
  #admissions = 0;
  #now: Micros = -Infinity;

  constructor(config: PriorityConfig) {
    const classes = CLASSES.map((name) => config.classes[name]);
    const starvationUs = classes.map(({ starvation }) => starvation);
    this.#config = config;
    this.#classes = classes;
    this.#earmarks = config.preemptedSlot === 'earmarked';
    this.#lanes = classes.map(({ queueSize: size, queueTimeout: timeoutUs }, lane) => {
      return new Lane({ lane, size, timeoutUs, keepPlaces: config.deadWaiters === 'keep-place' });
    });
    this.#pool = new SlotPool(Infinity, reservationsOf(config, Infinity));
    this.#dispatcher = new Dispatcher(this.#pool, this.#lanes, { starvationUs, strict: config.dispatch === 'kicked' });
    this.#task = new DispatcherTask(Math.min(...starvationUs));
  }

  /** Slots and who is in them, for gauges and checks. */
  get pool(): Pick<SlotPool, 'capacity' | 'reserved' | 'inFlight' | 'free'> {
    return this.#pool;
  }

  /** Per lane: who waits, and the places that are taken. */
  get depths(): readonly { readonly waiting: number; readonly places: number }[] {
    return this.#lanes.map(({ waiting, places }) => ({ waiting, places }));
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    this.#enter(now);
    const { id } = request;
    const lane = this.#laneOf(request);
    const queue = this.#lanes[lane] as Lane;
    assert(!this.#admitted.has(id) && !queue.has(id), 'a request was offered twice');
    if (this.#rate !== undefined && !this.#rate.take(now, 1)) return 'rate-limited';
    if (this.#pool.acquire(lane)) {
      this.#enroll(id, lane, false);
      return 'admitted';
    }
    const freesSlot = this.#preempt(lane);
    if (freesSlot && !this.#earmarks) {
      this.#preemptors.join(now, request, lane);
      return 'queued';
    }
    // One who brings a slot along needs no place: the head of its class leaves one.
    if (!freesSlot && queue.isFull) return 'queue-full';
    this.#join(now, request, queue);
    return 'queued';
  }

  leave(now: Micros, request: RequestView): void {
    const { id } = request;
    // Before expiry: a request that is over is not also shed, and an answer not yet taken is withdrawn.
    this.#outbox.delete(id);
    this.#preemptors.giveUp(id);
    const gaveUp = this.#lanes[this.#laneOf(request)]?.giveUp(id) === true;
    const admitted = this.#admitted.get(id);
    const promisedTo = this.#promises.get(id);
    if (admitted !== undefined) {
      this.#admitted.delete(id);
      this.#promises.delete(id);
      this.#victims.drop(id, admitted.lane);
      this.#pool.release(admitted.lane);
    }
    this.#expire(now);
    if (promisedTo !== undefined && this.#earmarks) this.#admit(this.#dispatcher.nextFrom(now, promisedTo));
    if (gaveUp || admitted !== undefined || this.#config.dispatch === 'at-once') this.#dispatchOrKick(now);
  }

  capacityChanged(now: Micros, capacity: number): void {
    assert(capacity >= 0, 'a capacity is at least 0');
    this.#expire(now);
    const grew = this.#pool.resize(capacity, reservationsOf(this.#config, capacity));
    this.#rate = refitted(this.#rate, now, capacity, this.#config.ratePerSec);
    if (grew || this.#config.dispatch === 'at-once') this.#dispatchOrKick(now);
  }

  granted(_now: Micros, attempt: AttemptView): void {
    const admitted = this.#admitted.get(attempt.request.id);
    if (admitted !== undefined && !admitted.isSafe) this.#victims.add(attempt, admitted.lane, admitted.admission);
  }

  firstToken(_now: Micros, attempt: AttemptView): void {
    const admitted = this.#admitted.get(attempt.request.id);
    if (admitted !== undefined) this.#victims.firstByte(attempt, admitted.lane);
  }

  settled(_now: Micros, attempt: AttemptView): void {
    const { id } = attempt.request;
    const admitted = this.#admitted.get(id);
    if (admitted !== undefined) this.#victims.drop(id, admitted.lane);
    // It ended by itself before the host took the preemption.
    if (this.#promises.has(id) && this.#outbox.delete(id)) this.#promises.delete(id);
  }

  wake(now: Micros): void {
    this.#enter(now);
    this.#lookForSlots(now);
    if (this.#config.dispatch === 'at-once' || !this.#task.isDue(now)) return;
    this.#dispatch(now);
    this.#task.ran(now, this.#hasPlaces());
  }

  take(): QueueEffect | undefined {
    return this.#outbox.shift();
  }

  nextWakeAt(): Micros {
    let at = this.#preemptors.nextAt();
    for (const lane of this.#lanes) at = Math.min(at, lane.expiresAt);
    if (this.#config.dispatch === 'at-once') return Math.min(at, this.#dispatcher.starvationAt());
    return this.#hasPlaces() ? Math.min(at, this.#task.nextAt(this.#now)) : at;
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    let waiting = this.#preemptors.size;
    for (const lane of this.#lanes) waiting += lane.waiting;
    return { waiting, admitted: this.#admitted.size };
  }

  #laneOf(request: RequestView): number {
    return laneOf(classOf(request, this.#config));
  }

  #enter(now: Micros): void {
    this.#expire(now);
    if (this.#config.dispatch === 'at-once') this.#dispatch(now);
  }

  #expire(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at the queue');
    this.#now = now;
    for (const lane of this.#lanes) {
      for (let expired = lane.shiftExpired(now); expired !== undefined; expired = lane.shiftExpired(now)) {
        this.#outbox.push(expired.id, { kind: 'shed', request: expired, cause: 'queue-timeout' });
        this.#task.kick(now);
      }
    }
  }

  /** smg's preemptors whose look is due; one whose time is over joins the queue. */
  #lookForSlots(now: Micros): void {
    for (let one = this.#preemptors.shiftDue(now); one !== undefined; one = this.#preemptors.shiftDue(now)) {
      const { request, lane } = one;
      const queue = this.#lanes[lane] as Lane;
      if (this.#pool.acquire(lane)) this.#admitWaiter(request, lane, false);
      else if (this.#preemptors.stay(now, one)) continue;
      else if (!queue.isFull) this.#join(now, request, queue);
      else this.#outbox.push(request.id, { kind: 'shed', request, cause: 'queue-full' });
    }
  }

  #dispatchOrKick(now: Micros): void {
    if (this.#config.dispatch === 'at-once') this.#dispatch(now);
    else this.#task.kick(now);
  }

  #dispatch(now: Micros): void {
    for (let next = this.#dispatcher.next(now); next !== undefined; next = this.#dispatcher.next(now)) {
      this.#admit(next);
    }
  }

  #admit(admission: Admission | undefined): void {
    if (admission !== undefined) this.#admitWaiter(admission.waiter.request, admission.waiter.lane, admission.starved);
  }
  #admitWaiter(request: RequestView, lane: number, starved: boolean): void {
    this.#enroll(request.id, lane, starved && this.#config.starved === 'safe');
    this.#outbox.push(request.id, { kind: 'admit', request });
  }

  #enroll(id: number, lane: number, isSafe: boolean): void {
    this.#admitted.set(id, { lane, admission: this.#admissions++, isSafe });
  }

  /** Pushes one out for the class; false when that would not help it or nobody is to be had. */
  #preempt(lane: number): boolean {
    if (this.#classes[lane]?.canPreempt !== true || (this.#earmarks && !this.#helps(lane))) return false;
    const attempt = this.#victims.preemptFor(lane);
    if (attempt === undefined) return false;
    this.#promises.set(attempt.request.id, lane);
    this.#outbox.push(attempt.request.id, { kind: 'preempt', attempt });
    return true;
  }

  /** One slot more lets the class in, and a newcomer that has no place gets that of its own class's head. */
  #helps(lane: number): boolean {
    const goesAbove = this.#lanes.some(({ waiting }, above) => above > lane && waiting > 0);
    return this.#pool.margin(lane) >= 0 && !(goesAbove && this.#lanes[lane]?.isFull === true);
  }

  #hasPlaces(): boolean {
    return this.#lanes.some(({ places }) => places > 0);
  }

  #join(now: Micros, request: RequestView, queue: Lane): void {
    queue.join(now, request);
    this.#task.kick(now);
  }

  snapshot(): unknown {
    return {
      lanes: this.#lanes.map((lane) => lane.snapshot()),
      pool: this.#pool.snapshot(),
      victims: this.#victims.snapshot(),
      preemptors: this.#preemptors.snapshot(),
      admitted: this.#admitted,
      promises: this.#promises,
      task: this.#task.snapshot(),
      rate: this.#rate?.snapshot() ?? null,
      admissions: this.#admissions,
      now: this.#now,
    } satisfies SchedulerState;
  }

  restore(
    state: unknown,
    requestOf: (id: number) => RequestView,
    attemptOf: (id: number) => AttemptView,
  ): void {
    const told = state as SchedulerState;
    for (const [i, lane] of told.lanes.entries()) this.#lanes[i]?.restore(lane, requestOf);
    this.#pool.restore(told.pool);
    this.#victims.restore(told.victims, attemptOf);
    this.#preemptors.restore(told.preemptors, requestOf);
    refill(this.#admitted, told.admitted);
    refill(this.#promises, told.promises);
    this.#task.restore(told.task);
    this.#rate = restoredBucket(told.rate);
    this.#admissions = told.admissions;
    this.#now = told.now;
  }
}

interface SchedulerState {
  readonly lanes: readonly LaneState[];
  readonly pool: PoolState;
  readonly victims: VictimsState;
  readonly preemptors: PreemptorsState;
  readonly admitted: ReadonlyMap<number, Admitted>;
  readonly promises: ReadonlyMap<number, number>;
  readonly task: TaskState;
  readonly rate: BucketState | null;
  readonly admissions: number;
  readonly now: Micros;
}

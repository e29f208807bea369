/**
 * Drives a priority scheduler as the gateway core does, keeps its own books, and compares after every command. What it
 * claims is written from the specification, not from the scheduler's own arithmetic.
 */
import { CLASSES, laneOf, type PriorityClass } from '../../../policies/priority/classes.ts';
import type { PriorityConfig } from '../../../policies/priority/config.ts';
import type { Scheduler } from '../../../policies/priority/scheduler.ts';
import type { AttemptView, QueueEffect } from '../../../policies/types.ts';
import { claim, claimEqual, claimRefused } from '../../harness/claim.ts';
import { requestView } from '../views.ts';
import { attemptView } from './attempts.ts';

export type Command =
  | { kind: 'advance'; us: number; late: boolean }
  | { kind: 'offer'; lane: number }
  | { kind: 'grant' | 'first-token' | 'settle' | 'leave'; nth: number }
  | { kind: 'capacity'; capacity: number }
  | { kind: 'past' };

const TOP = laneOf('system');

interface Booked {
  readonly id: number;
  readonly lane: number;
  readonly offeredAt: number;
  state: 'waiting' | 'admitted' | 'over';
  /** Order of admission; -1 before. */
  admission: number;
  /** Admitted after a wait beyond its threshold. */
  starved: boolean;
  attempt: AttemptView | undefined;
  firstToken: boolean;
}

export class Harness {
  readonly #queue: Scheduler;
  readonly #config: PriorityConfig;
  readonly #repaired: boolean;
  readonly #books: Booked[] = [];
  readonly #inFlight = [0, 0, 0, 0];
  #capacity = Infinity;
  #reserved = [0, 0, 0, 0];
  #now = 0;
  /** When the queue last heard the time. */
  #heardAt = 0;
  #admissions = 0;
  #attempts = 0;
  readonly marks = { starved: 0, preempted: 0, shed: 0 };

  constructor(config: PriorityConfig, make: (config: PriorityConfig) => Scheduler) {
    this.#config = config;
    this.#repaired = config.dispatch === 'at-once' && config.preemptedSlot === 'earmarked';
    this.#queue = make(config);
  }

  run(step: Command): void {
    switch (step.kind) {
      case 'advance':
        this.#advance(step.us, step.late);
        return;
      case 'past': {
        const before = this.#snapshot();
        claimRefused(() => this.#queue.wake(this.#heardAt - 0.25), 'now went backwards');
        claimEqual(this.#snapshot(), before, 'after an input from the past');
        return;
      }
      case 'offer':
        this.#offer(step.lane);
        break;
      case 'grant':
        this.#grant(this.#nth(step.nth));
        break;
      case 'first-token':
        this.#firstToken(this.#nth(step.nth));
        break;
      case 'settle':
        this.#settle(this.#nth(step.nth));
        break;
      case 'leave':
        this.#leave(this.#nth(step.nth));
        break;
      case 'capacity':
        this.#capacity = step.capacity;
        this.#reserved = reservationsOf(this.#config, step.capacity);
        this.#queue.capacityChanged(this.#hear(), step.capacity);
        break;
      default:
        step satisfies never;
    }
    this.#takeAll();
    this.#check();
  }

  /** Everyone leaves; afterwards nothing may be held. */
  drain(): void {
    for (const booked of this.#books) this.#leave(booked);
    this.#takeAll();
    for (let i = 0; i < 100 && this.#queue.nextWakeAt() < Infinity; i++) this.#wake(this.#queue.nextWakeAt());
    const { pool, depths } = this.#queue;
    claimEqual(this.#queue.held(), { waiting: 0, admitted: 0 }, 'held at the end');
    claimEqual(pool.inFlight, [0, 0, 0, 0], 'slots in use at the end');
    claim(
      depths.every(({ places }) => places === 0),
      'places are taken at the end',
      depths,
    );
    claim(this.#queue.nextWakeAt() === Infinity, 'an empty queue wants to be woken');
  }

  #hear(): number {
    this.#heardAt = this.#now;
    return this.#now;
  }

  #advance(us: number, late: boolean): void {
    const until = this.#now + us;
    for (let wakes = 0; !late && this.#queue.nextWakeAt() <= until; wakes++) {
      claim(wakes < 50_000, 'woken without end');
      this.#wake(this.#queue.nextWakeAt());
    }
    this.#now = until;
  }

  #wake(at: number): void {
    this.#now = Math.max(this.#now, at);
    this.#queue.wake(this.#hear());
    this.#takeAll();
    claim(this.#queue.nextWakeAt() > this.#now, 'a wake leaves something due');
    this.#check();
  }

  #offer(lane: number): void {
    const waited = this.#books.filter((each) => each.state === 'waiting' && each.lane >= lane);
    const booked: Booked = {
      ...{ id: this.#books.length, lane, offeredAt: this.#now, state: 'waiting' as const, admission: -1 },
      ...{ starved: false, attempt: undefined, firstToken: false },
    };
    this.#books.push(booked);
    const answer = this.#queue.offer(this.#hear(), this.#view(booked));
    if (answer === 'admitted') {
      // What was decided before the newcomer.
      this.#takeAll();
      const passed = waited.filter(({ state }) => state === 'waiting');
      claim(!this.#repaired || passed.length === 0, 'a newcomer passed waiters of its class or above', passed);
      this.#admitted(booked);
    } else if (answer !== 'queued') {
      booked.state = 'over';
      const places = this.#queue.depths[lane]?.places ?? 0;
      claim(answer === 'queue-full' && places >= this.#classOf(lane).queueSize, 'turned away', answer, places);
    }
  }

  #grant(booked: Booked | undefined): void {
    if (booked?.state !== 'admitted' || booked.attempt !== undefined) return;
    booked.attempt = attemptView({ id: this.#attempts++, request: this.#view(booked) });
    booked.firstToken = false;
    this.#queue.granted(this.#now, booked.attempt);
  }

  #firstToken(booked: Booked | undefined): void {
    if (booked?.attempt === undefined || booked.firstToken) return;
    booked.firstToken = true;
    this.#queue.firstToken(this.#now, booked.attempt);
  }

  #settle(booked: Booked | undefined): void {
    if (booked?.attempt === undefined) return;
    this.#queue.settled(this.#now, booked.attempt);
    booked.attempt = undefined;
  }

  #leave(booked: Booked | undefined): void {
    if (booked === undefined) return;
    this.#settle(booked);
    if (booked.state === 'admitted') this.#count(booked.lane, -1);
    booked.state = 'over';
    this.#queue.leave(this.#hear(), this.#view(booked));
  }

  #takeAll(): void {
    for (let effect = this.#queue.take(); effect !== undefined; effect = this.#queue.take()) this.#effect(effect);
  }

  #effect(effect: QueueEffect): void {
    if (effect.kind === 'preempt') {
      this.#preempted(effect.attempt);
      return;
    }
    const booked = this.#books[effect.request.id] as Booked;
    claim(booked.state === 'waiting', 'an answer for one who does not wait', booked);
    if (effect.kind === 'shed') {
      booked.state = 'over';
      this.marks.shed++;
      const cause = this.#isExpired(booked) ? 'queue-timeout' : 'queue-full';
      // Only smg's preemptors wait before they have a place.
      claim(!this.#repaired || (effect.cause === cause && cause === 'queue-timeout'), 'shed', effect.cause, booked);
      return;
    }
    const ahead = this.#books.filter(({ lane, id }) => lane === booked.lane && id < booked.id);
    const passed = ahead.some(({ state }) => state === 'waiting');
    claim(!this.#repaired || !passed, 'admitted out of turn', booked);
    claim(!this.#repaired || !this.#isExpired(booked), 'admitted when its time was up', booked);
    this.#admitted(booked);
  }

  #admitted(booked: Booked): void {
    const { lane } = booked;
    const age = this.#now - booked.offeredAt;
    booked.starved = booked.state === 'waiting' && lane < TOP && age > 0 && age >= this.#classOf(lane).starvation;
    const margin = this.#margin(lane);
    booked.state = 'admitted';
    booked.admission = this.#admissions++;
    this.#count(lane, 1);
    claim(this.#total() <= this.#capacity, 'more permits than capacity');
    claim(margin >= 1 || booked.starved, 'a slot was taken that is reserved for a class above', booked, margin);
    if (margin < 1) this.marks.starved++;
  }

  #preempted(attempt: AttemptView): void {
    const victim = this.#books[attempt.request.id] as Booked;
    const preemptor = this.#books.at(-1) as Booked;
    // Who found a slot as smg's preemptor has not waited in a queue, so it is not known here whether it is safe.
    const isKnown = this.#config.preemptedSlot === 'earmarked' || this.#config.starved === 'preemptible';
    if (isKnown) claimEqual([victim.lane, victim.admission], this.#bestVictim(), 'the victim');
    claim(victim.attempt?.id === attempt.id && victim.lane < preemptor.lane, 'preempted', victim, preemptor);
    claim(this.#classOf(preemptor.lane).canPreempt, 'the class may not preempt', preemptor);
    this.marks.preempted++;
    const isAbove = (each: Booked) => each.state === 'admitted' && each.lane >= preemptor.lane;
    const before = this.#books.filter(isAbove).length;
    this.#leave(victim);
    if (!this.#repaired) return;
    this.#takeAll();
    claim(this.#books.filter(isAbove).length > before, 'the freed slot went below the preemptor', preemptor);
  }

  /** Lane and admission of the newest in the lowest class that may be pushed out. */
  #bestVictim(): readonly number[] {
    let best: readonly number[] = [Infinity, -1];
    for (const { lane, admission, attempt, firstToken, starved } of this.#books) {
      if (attempt === undefined || firstToken || (starved && this.#config.starved === 'safe')) continue;
      if (lane < (best[0] as number) || (lane === best[0] && admission > (best[1] as number))) best = [lane, admission];
    }
    return best;
  }

  #check(): void {
    const waiters = this.#books.filter(({ state }) => state === 'waiting');
    const before = this.#snapshot();
    claimEqual(before.held, { waiting: waiters.length, admitted: this.#total() }, 'held');
    claimEqual(this.#queue.pool.inFlight, this.#inFlight, 'slots in use');
    for (const [lane, { places }] of before.depths.entries()) {
      claim(places <= this.#classOf(lane).queueSize, 'a queue is longer than its size', lane, places);
    }
    if (this.#repaired) this.#checkServed(waiters);
    claim(waiters.length === 0 || before.wakeAt < Infinity, 'someone waits without end');
    if (before.wakeAt <= this.#now) return;
    // With nothing due a wake is spurious and changes nothing.
    this.#queue.wake(this.#hear());
    claim(this.#queue.take() === undefined, 'a spurious wake has an effect');
    claimEqual(this.#snapshot(), before, 'after a spurious wake');
  }

  /** Nobody waits who could be in: there is no slot for its class and, if it starves, none at all. */
  #checkServed(waiters: readonly Booked[]): void {
    for (const booked of waiters) {
      const { lane, offeredAt } = booked;
      const { starvation, queueTimeout } = this.#classOf(lane);
      claim(this.#margin(lane) < 1, 'someone waits beside a free slot', booked);
      claim(offeredAt + queueTimeout > this.#heardAt, 'someone waits beyond the timeout', booked);
      const isStarved = lane < TOP && offeredAt + starvation <= this.#heardAt;
      claim(!isStarved || this.#total() >= this.#capacity, 'someone starves beside a free slot', booked);
    }
  }

  #snapshot() {
    return { held: this.#queue.held(), wakeAt: this.#queue.nextWakeAt(), depths: this.#queue.depths };
  }

  #nth(nth: number): Booked | undefined {
    return this.#books[nth % Math.max(1, this.#books.length)];
  }

  #view({ id, lane, offeredAt }: Booked) {
    return requestView({ id, priority: lane, arrivedAt: offeredAt });
  }

  #classOf(lane: number) {
    return this.#config.classes[CLASSES[lane] as PriorityClass];
  }

  #isExpired({ lane, offeredAt }: Booked): boolean {
    return offeredAt + this.#classOf(lane).queueTimeout <= this.#now;
  }

  #count(lane: number, slots: 1 | -1): void {
    this.#inFlight[lane] = (this.#inFlight[lane] as number) + slots;
  }

  #total(): number {
    return this.#inFlight.reduce((sum, slots) => sum + slots, 0);
  }

  /** Slots left for a class when every class above may still fill its reservation. */
  #margin(lane: number): number {
    let left = this.#capacity;
    for (const [each, slots] of this.#inFlight.entries()) {
      left -= each > lane ? Math.max(slots, this.#reserved[each] as number) : slots;
    }
    return left;
  }
}

/** From the top down, each class what it wants of what is left beside the slots for everybody. */
function reservationsOf(config: PriorityConfig, capacity: number): number[] {
  const reserved = [0, 0, 0, 0];
  let left = Math.max(0, capacity - config.unreserved);
  for (const name of capacity === Infinity ? [] : [...CLASSES].reverse()) {
    const { reservedFloor, reservedPerSlot } = config.classes[name];
    const wanted = Math.max(reservedFloor, Math.ceil(reservedPerSlot * capacity));
    reserved[laneOf(name)] = Math.min(wanted, left);
    left -= reserved[laneOf(name)] as number;
  }
  return reserved;
}

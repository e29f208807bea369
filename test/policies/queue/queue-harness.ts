/** Drives a queue under random commands, keeps its own books, and compares after every command. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { FinishCause, Queue } from '../../../policies/types.ts';
import { requestView } from '../views.ts';

export type QueueCommand =
  | { kind: 'advance'; us: number }
  | { kind: 'offer'; deadlineUs: number }
  | { kind: 'leave'; nth: number }
  | { kind: 'capacity'; capacity: number }
  | { kind: 'wake' };

const queueCommand: fc.Arbitrary<QueueCommand> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(1, 3, 7, 10, 0.5) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('offer' as const), deadlineUs: fc.constantFrom(2, 5, 9, 30, Infinity) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), nth: fc.nat({ max: 30 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('capacity' as const), capacity: fc.constantFrom(0, 1, 2, 5, Infinity) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'wake' as const }) },
);

export const queueCommands = fc.array(queueCommand, { maxLength: 60, size: 'max' });

/** A waiter, as the books have it. */
export interface Waiting {
  readonly id: number;
  readonly since: number;
  readonly deadlineAt: number;
}

/** What is particular to a discipline; every other claim is common. */
export interface QueueClaims {
  readonly make: (size: number) => Queue;
  readonly timeoutUs: number;
  /** Which of the waiters (oldest first) has its turn. */
  readonly next: (now: number, waiting: readonly Waiting[]) => number;
  /** May this waiter be shed now for that cause, before its timeout? */
  readonly mayShed?: (now: number, waiter: Waiting, cause: FinishCause) => boolean;
  /** Why a newcomer is turned away whatever the room. */
  readonly refuses?: (now: number, deadlineAt: number) => FinishCause | undefined;
}

export class QueueHarness {
  readonly #claims: QueueClaims;
  readonly #size: number;
  readonly #queue: Queue;
  /** Oldest first. */
  #waiting: Waiting[] = [];
  readonly #admitted = new Set<number>();
  #offered = 0;
  #capacity = Infinity;
  #now = 0;

  constructor(size: number, claims: QueueClaims) {
    this.#claims = claims;
    this.#size = size;
    this.#queue = claims.make(size);
  }

  run(step: QueueCommand): void {
    const admittedBefore = this.#admitted.size;
    switch (step.kind) {
      case 'advance':
        // Time alone changes nothing: timers may come late.
        this.#now += step.us;
        return;
      case 'offer':
        this.#offer(this.#now + step.deadlineUs);
        break;
      case 'leave':
        this.#admitted.delete(step.nth);
        this.#waiting = this.#waiting.filter(({ id }) => id !== step.nth);
        this.#queue.leave(this.#now, requestView({ id: step.nth }));
        break;
      case 'capacity':
        this.#capacity = step.capacity;
        this.#queue.capacityChanged(this.#now, step.capacity);
        break;
      case 'wake':
        this.#queue.wake(this.#now);
        break;
      default:
        step satisfies never;
    }
    this.#takeAll();
    expect(this.#admitted.size).toBeLessThanOrEqual(Math.max(this.#capacity, admittedBefore));
    this.#check();
  }

  /** Everyone leaves; afterwards nothing may be held. */
  drain(): void {
    for (let id = 0; id < this.#offered; id++) this.run({ kind: 'leave', nth: id });
    expect(this.#queue.held()).toEqual({ waiting: 0, admitted: 0 });
    expect(this.#queue.nextWakeAt()).toBe(Infinity);
  }

  #offer(deadlineAt: number): void {
    const id = this.#offered++;
    const answer = this.#queue.offer(this.#now, requestView({ id, arrivedAt: this.#now, deadlineAt }));
    // What was due by now went first, so it is off the books before the answer is judged.
    this.#takeAll();
    const refused = this.#claims.refuses?.(this.#now, deadlineAt);
    if (refused !== undefined) expect(answer).toBe(refused);
    else if (this.#waiting.length === 0 && this.#admitted.size < this.#capacity) expect(answer).toBe('admitted');
    else expect(answer).toBe(this.#waiting.length < this.#size ? 'queued' : 'queue-full');
    if (answer === 'admitted') this.#admitted.add(id);
    if (answer === 'queued') this.#waiting.push({ id, since: this.#now, deadlineAt });
  }

  #takeAll(): void {
    let selecting = false;
    for (let effect = this.#queue.take(); effect !== undefined; effect = this.#queue.take()) {
      if (effect.kind === 'preempt') throw new Error('no queue here preempts');
      const { id } = effect.request;
      const waiter = this.#waiting.find((other) => other.id === id);
      if (waiter === undefined) throw new Error(`an answer for ${id}, who does not wait`);
      if (effect.kind === 'shed' && effect.cause === 'queue-timeout') {
        expect(selecting).toBe(false);
        expect(this.#isOver(waiter) || this.#mayShed(waiter, effect.cause)).toBe(true);
      } else {
        // Whoever is selected was next, and nobody is selected while one is left who has waited too long.
        selecting = true;
        expect(this.#waiting.filter((other) => this.#isOver(other))).toEqual([]);
        expect(id).toBe(this.#claims.next(this.#now, this.#waiting));
        expect(effect.kind === 'shed').toBe(this.#mayShed(waiter, effect.kind === 'shed' ? effect.cause : 'deadline'));
      }
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      if (effect.kind === 'admit') this.#admitted.add(id);
    }
  }

  #check(): void {
    const before = { held: this.#queue.held(), wakeAt: this.#queue.nextWakeAt() };
    expect(before.held).toEqual({ waiting: this.#waiting.length, admitted: this.#admitted.size });
    expect(this.#waiting.length).toBeLessThanOrEqual(this.#size);
    expect(this.#waiting.filter((waiter) => this.#isOver(waiter))).toEqual([]);
    if (this.#waiting.length === 0) expect(before.wakeAt).toBe(Infinity);
    else expect(before.wakeAt).toBeLessThanOrEqual((this.#waiting[0] as Waiting).since + this.#claims.timeoutUs);
    // Every input does all that is due, so that a wake now is spurious and changes nothing.
    expect(before.wakeAt).toBeGreaterThan(this.#now);
    this.#queue.wake(this.#now);
    expect(this.#queue.take()).toBeUndefined();
    expect({ held: this.#queue.held(), wakeAt: this.#queue.nextWakeAt() }).toEqual(before);
    if (this.#waiting.length > 0) expect(this.#admitted.size).toBeGreaterThanOrEqual(this.#capacity);
  }

  #isOver(waiter: Waiting): boolean {
    return waiter.since + this.#claims.timeoutUs <= this.#now;
  }

  #mayShed(waiter: Waiting, cause: FinishCause): boolean {
    return this.#claims.mayShed?.(this.#now, waiter, cause) ?? false;
  }
}

/** Effects as `admit 1`, `queue-timeout 2`. */
export function takeAll(queue: Queue): string[] {
  const effects: string[] = [];
  for (let effect = queue.take(); effect !== undefined; effect = queue.take()) {
    if (effect.kind === 'preempt') throw new Error('no queue here preempts');
    effects.push(`${effect.kind === 'shed' ? effect.cause : 'admit'} ${effect.request.id}`);
  }
  return effects;
}

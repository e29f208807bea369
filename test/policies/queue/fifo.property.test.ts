import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../../policies/queue/fifo.ts';
import { requestView } from '../views.ts';

const SEED = 7251730;
const TIMEOUT_US = 10;

type Command =
  | { kind: 'advance'; us: number }
  | { kind: 'offer' }
  | { kind: 'leave'; nth: number }
  | { kind: 'capacity'; capacity: number }
  | { kind: 'wake' }
  | { kind: 'take' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(1, 3, 7, 10, 0.5) }),
  },
  { weight: 6, arbitrary: fc.constant({ kind: 'offer' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), nth: fc.nat({ max: 30 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('capacity' as const), capacity: fc.constantFrom(0, 1, 2, 5, Infinity) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'wake' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'take' as const }) },
);

type State = 'waiting' | 'admitted' | 'over';

/** Drives a queue, keeps its own books, and compares after every command. */
class Harness {
  readonly #queue: Fifo;
  readonly #size: number;
  readonly #states: State[] = [];
  readonly #offeredAt: number[] = [];
  #capacity = Infinity;
  #now = 0;
  #lastAdmitted = -1;

  constructor(size: number) {
    this.#size = size;
    this.#queue = new Fifo({ name: 'fifo', size, timeout: TIMEOUT_US });
  }

  run(step: Command): void {
    const admittedBefore = this.#count('admitted');
    switch (step.kind) {
      case 'advance':
        this.#now += step.us;
        break;
      case 'offer':
        this.#offer();
        break;
      case 'leave':
        if (step.nth < this.#states.length) this.#states[step.nth] = 'over';
        this.#queue.leave(this.#now, requestView({ id: step.nth }));
        break;
      case 'capacity':
        this.#capacity = step.capacity;
        this.#queue.capacityChanged(this.#now, step.capacity);
        break;
      case 'wake':
        this.#queue.wake(this.#now);
        break;
      case 'take':
        break;
      default:
        step satisfies never;
    }
    this.#takeAll();
    expect(this.#count('admitted')).toBeLessThanOrEqual(Math.max(this.#capacity, admittedBefore));
    this.#check();
  }

  /** Everyone leaves; afterwards nothing may be held. */
  drain(): void {
    for (const id of this.#states.keys()) this.run({ kind: 'leave', nth: id });
    expect(this.#queue.held()).toEqual({ waiting: 0, admitted: 0 });
    expect(this.#queue.nextWakeAt()).toBe(Infinity);
  }

  #offer(): void {
    const id = this.#states.length;
    const waiters = this.#waiters().filter((other) => !this.#expired(other));
    const answer = this.#queue.offer(this.#now, requestView({ id, arrivedAt: this.#now }));
    this.#offeredAt.push(this.#now);
    if (waiters.length === 0 && this.#count('admitted') < this.#capacity) expect(answer).toBe('admitted');
    else expect(answer).toBe(waiters.length < this.#size ? 'queued' : 'queue-full');
    this.#states.push(answer === 'admitted' ? 'admitted' : answer === 'queued' ? 'waiting' : 'over');
    if (answer === 'admitted') this.#admitted(id);
  }

  #takeAll(): void {
    let admitting = false;
    for (let effect = this.#queue.take(); effect !== undefined; effect = this.#queue.take()) {
      if (effect.kind === 'preempt') throw new Error('fifo never preempts');
      const { id } = effect.request;
      expect(this.#states[id]).toBe('waiting');
      expect(this.#expired(id)).toBe(effect.kind === 'shed');
      if (effect.kind === 'admit') {
        this.#states[id] = 'admitted';
        this.#admitted(id);
        admitting = true;
      } else {
        expect([admitting, effect.cause]).toEqual([false, 'queue-timeout']);
        this.#states[id] = 'over';
      }
    }
  }

  /** Ids grow with the offers, so first come first served means that admitted ids grow. */
  #admitted(id: number): void {
    expect(id).toBeGreaterThan(this.#lastAdmitted);
    this.#lastAdmitted = id;
  }

  #check(): void {
    const waiters = this.#waiters();
    const before = { held: this.#queue.held(), wakeAt: this.#queue.nextWakeAt() };
    expect(before.held).toEqual({ waiting: waiters.length, admitted: this.#count('admitted') });
    expect(waiters.length).toBeLessThanOrEqual(this.#size);
    expect(before.wakeAt).toBe(waiters.length === 0 ? Infinity : this.#deadline(waiters[0] as number));
    if (before.wakeAt <= this.#now) return;
    // With nothing due a wake is spurious and changes nothing.
    this.#queue.wake(this.#now);
    expect(this.#queue.take()).toBeUndefined();
    expect({ held: this.#queue.held(), wakeAt: this.#queue.nextWakeAt() }).toEqual(before);
    if (waiters.length > 0) expect(this.#count('admitted')).toBeGreaterThanOrEqual(this.#capacity);
  }

  #waiters(): number[] {
    return [...this.#states.keys()].filter((id) => this.#states[id] === 'waiting');
  }

  #count(state: State): number {
    return this.#states.filter((other) => other === state).length;
  }

  #deadline(id: number): number {
    return (this.#offeredAt[id] as number) + TIMEOUT_US;
  }

  #expired(id: number): boolean {
    return this.#deadline(id) <= this.#now;
  }
}

describe('Fifo', () => {
  it('keeps order, permits and bounded waits under any commands, and holds nothing at the end', () => {
    const property = fc.property(
      fc.constantFrom(0, 1, 3, 8),
      fc.array(command, { maxLength: 80, size: 'max' }),
      (size, steps) => {
        const harness = new Harness(size);
        for (const step of steps) harness.run(step);
        harness.drain();
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 500 });
  });
});

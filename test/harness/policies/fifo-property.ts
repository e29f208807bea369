/** What a first-come queue keeps under any commands: it is driven, its books are kept beside it, and compared. */
import fc from 'fast-check';
import type { FifoConfig } from '../../../policies/queue/config.ts';
import type { Queue } from '../../../policies/types.ts';
import { requestView } from '../../policies/views.ts';
import { claim, claimEqual, claimRefused } from '../claim.ts';

const TIMEOUT_US = 10;

type Command =
  | { kind: 'advance'; us: number }
  | { kind: 'offer' }
  | { kind: 'leave'; nth: number }
  | { kind: 'capacity'; capacity: number }
  | { kind: 'wake' }
  | { kind: 'past' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(1, 3, 7, 10, 0.5) }),
  },
  { weight: 7, arbitrary: fc.constant({ kind: 'offer' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), nth: fc.nat({ max: 30 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('capacity' as const), capacity: fc.constantFrom(0, 1, 2, 5, Infinity) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'wake' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'past' as const }) },
);

type State = 'waiting' | 'admitted' | 'over';

/** Drives a queue, keeps its own books, and compares after every command. */
class Harness {
  readonly #queue: Queue;
  readonly #size: number;
  readonly #states: State[] = [];
  readonly #offeredAt: number[] = [];
  #capacity = Infinity;
  #now = 0;
  /** When the queue last heard the time. */
  #heardAt = 0;
  #lastAdmitted = -1;

  constructor(size: number, make: (config: FifoConfig) => Queue) {
    this.#size = size;
    this.#queue = make({ name: 'fifo', size, timeout: TIMEOUT_US });
    this.#queue.wake(0);
  }

  run(step: Command): void {
    const admittedBefore = this.#count('admitted');
    switch (step.kind) {
      case 'advance':
        // Time alone changes nothing: timers may come late.
        this.#now += step.us;
        return;
      case 'past': {
        const before = this.#snapshot();
        claimRefused(() => this.#queue.wake(this.#heardAt - 0.25), 'now went backwards');
        claimEqual(this.#snapshot(), before, 'after an input from the past');
        return;
      }
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
      default:
        step satisfies never;
    }
    this.#heardAt = this.#now;
    this.#takeAll();
    claim(this.#count('admitted') <= Math.max(this.#capacity, admittedBefore), 'more permits than capacity');
    this.#check();
  }

  /** Everyone leaves; afterwards nothing may be held. */
  drain(): void {
    for (const id of this.#states.keys()) this.run({ kind: 'leave', nth: id });
    claimEqual(this.#snapshot(), { waiting: 0, admitted: 0, wakeAt: Infinity }, 'held at the end');
  }

  #offer(): void {
    const id = this.#states.length;
    const waiters = this.#waiters().filter((other) => !this.#isExpired(other));
    const answer = this.#queue.offer(this.#now, requestView({ id, arrivedAt: this.#now }));
    this.#offeredAt.push(this.#now);
    const hasRoom = waiters.length === 0 && this.#count('admitted') < this.#capacity;
    claimEqual(answer, hasRoom ? 'admitted' : waiters.length < this.#size ? 'queued' : 'queue-full', 'the answer');
    this.#states.push(answer === 'admitted' ? 'admitted' : answer === 'queued' ? 'waiting' : 'over');
    if (answer === 'admitted') this.#admitted(id);
  }

  #takeAll(): void {
    let admitting = false;
    for (let effect = this.#queue.take(); effect !== undefined; effect = this.#queue.take()) {
      if (effect.kind === 'preempt') throw new Error('fifo never preempts');
      const { id } = effect.request;
      claimEqual(this.#states[id], 'waiting', 'one who is answered');
      claim(this.#isExpired(id) === (effect.kind === 'shed'), 'shed before its time, or admitted after it', id);
      if (effect.kind === 'admit') {
        this.#states[id] = 'admitted';
        this.#admitted(id);
        admitting = true;
      } else {
        claim(!admitting && effect.cause === 'queue-timeout', 'shed late or for another cause', effect.cause);
        this.#states[id] = 'over';
      }
    }
  }

  /** Ids grow with the offers, so first come first served means that admitted ids grow. */
  #admitted(id: number): void {
    claim(id > this.#lastAdmitted, 'admitted out of turn', id);
    this.#lastAdmitted = id;
  }

  #check(): void {
    const waiters = this.#waiters();
    const before = this.#snapshot();
    const wakeAt = waiters.length === 0 ? Infinity : this.#deadline(waiters[0] as number);
    claimEqual(before, { waiting: waiters.length, admitted: this.#count('admitted'), wakeAt }, 'held');
    claim(waiters.length <= this.#size, 'more wait than may');
    claim(wakeAt > this.#now, 'someone waits beyond the timeout');
    claim(waiters.length === 0 || this.#count('admitted') >= this.#capacity, 'someone waits beside a free permit');
    // Every input does all that is due, so that a wake now is spurious and changes nothing.
    this.#queue.wake(this.#now);
    claim(this.#queue.take() === undefined, 'a spurious wake has an effect');
    claimEqual(this.#snapshot(), before, 'after a spurious wake');
  }

  #snapshot() {
    const { waiting, admitted } = this.#queue.held();
    return { waiting, admitted, wakeAt: this.#queue.nextWakeAt() };
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

  #isExpired(id: number): boolean {
    return this.#deadline(id) <= this.#now;
  }
}

export function fifoProperty(make: (config: FifoConfig) => Queue) {
  const commands = fc.array(command, { maxLength: 80, size: 'max' });
  return fc.property(fc.constantFrom(0, 1, 3, 8), commands, (size, steps) => {
    const harness = new Harness(size, make);
    for (const step of steps) harness.run(step);
    harness.drain();
  });
}

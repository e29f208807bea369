/** What every queue discipline keeps under any commands, and what is particular to each that there is. */
import fc from 'fast-check';
import type { adaptiveLifo } from '../../../policies/queue/adaptive-lifo.ts';
import type { codel } from '../../../policies/queue/codel.ts';
import type { deadline } from '../../../policies/queue/deadline.ts';
import type { fifo } from '../../../policies/queue/fifo.ts';
import type { FinishCause, Queue } from '../../../policies/types.ts';
import { requestView } from '../../policies/views.ts';
import { claim, claimEqual, claimRefused } from '../claim.ts';

type Command =
  | { kind: 'advance'; us: number }
  | { kind: 'offer'; deadlineUs: number }
  | { kind: 'leave'; nth: number }
  | { kind: 'capacity'; capacity: number }
  | { kind: 'wake' }
  | { kind: 'past' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
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
  { weight: 1, arbitrary: fc.constant({ kind: 'past' as const }) },
);

/** A waiter, as the books have it. */
interface Waiting {
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

class Harness {
  readonly #claims: QueueClaims;
  readonly #size: number;
  readonly #queue: Queue;
  /** Oldest first. */
  #waiting: Waiting[] = [];
  readonly #admitted = new Set<number>();
  #offered = 0;
  #capacity = Infinity;
  #now = 0;
  /** When the queue last heard the time. */
  #heardAt = 0;

  constructor(size: number, claims: QueueClaims) {
    this.#claims = claims;
    this.#size = size;
    this.#queue = claims.make(size);
    this.#queue.wake(0);
  }

  run(step: Command): void {
    const admittedBefore = this.#admitted.size;
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
    this.#heardAt = this.#now;
    this.#takeAll();
    claim(this.#admitted.size <= Math.max(this.#capacity, admittedBefore), 'more permits than capacity');
    this.#check();
  }

  /** Everyone leaves; afterwards nothing may be held. */
  drain(): void {
    for (let id = 0; id < this.#offered; id++) this.run({ kind: 'leave', nth: id });
    claimEqual(this.#snapshot(), { waiting: 0, admitted: 0, wakeAt: Infinity }, 'held at the end');
  }

  #offer(deadlineAt: number): void {
    const id = this.#offered++;
    const answer = this.#queue.offer(this.#now, requestView({ id, arrivedAt: this.#now, deadlineAt }));
    // What was due by now went first, so it is off the books before the answer is judged.
    this.#takeAll();
    claimEqual(answer, this.#expected(deadlineAt), 'the answer');
    if (answer === 'admitted') this.#admitted.add(id);
    if (answer === 'queued') this.#waiting.push({ id, since: this.#now, deadlineAt });
  }

  #expected(deadlineAt: number): 'admitted' | 'queued' | FinishCause {
    const refused = this.#claims.refuses?.(this.#now, deadlineAt);
    if (refused !== undefined) return refused;
    if (this.#waiting.length === 0 && this.#admitted.size < this.#capacity) return 'admitted';
    return this.#waiting.length < this.#size ? 'queued' : 'queue-full';
  }

  #takeAll(): void {
    let selecting = false;
    for (let effect = this.#queue.take(); effect !== undefined; effect = this.#queue.take()) {
      if (effect.kind === 'preempt') throw new Error('no queue here preempts');
      const { id } = effect.request;
      const waiter = this.#waiting.find((other) => other.id === id);
      if (waiter === undefined) throw new Error(`an answer for ${id}, who does not wait`);
      if (effect.kind === 'shed' && effect.cause === 'queue-timeout') {
        claim(!selecting, 'who waited too long is shed after another was selected', id);
        claim(this.#isOver(waiter) || this.#mayShed(waiter, effect.cause), 'shed early', waiter);
      } else {
        // Whoever is selected was next, and nobody is selected while one is left who has waited too long.
        selecting = true;
        claim(!this.#waiting.some((other) => this.#isOver(other)), 'selected while someone waits too long', id);
        claimEqual(id, this.#claims.next(this.#now, this.#waiting), 'whose turn it is');
        const mayShed = this.#mayShed(waiter, effect.kind === 'shed' ? effect.cause : 'deadline');
        claim((effect.kind === 'shed') === mayShed, 'shed or admitted against the rule', waiter);
      }
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      if (effect.kind === 'admit') this.#admitted.add(id);
    }
  }

  #check(): void {
    const before = this.#snapshot();
    const { waiting, admitted, wakeAt } = before;
    claimEqual([waiting, admitted], [this.#waiting.length, this.#admitted.size], 'held');
    claim(waiting <= this.#size, 'more wait than may');
    claim(!this.#waiting.some((waiter) => this.#isOver(waiter)), 'someone waits beyond the timeout');
    const latest = this.#waiting[0] === undefined ? Infinity : this.#waiting[0].since + this.#claims.timeoutUs;
    claim(waiting === 0 ? wakeAt === Infinity : wakeAt <= latest, 'is woken late, or for nobody', wakeAt);
    claim(waiting === 0 || admitted >= this.#capacity, 'someone waits beside a free permit');
    // Every input does all that is due, so that a wake now is spurious and changes nothing.
    claim(wakeAt > this.#now, 'an input left something due', wakeAt);
    this.#queue.wake(this.#now);
    claim(this.#queue.take() === undefined, 'a spurious wake has an effect');
    claimEqual(this.#snapshot(), before, 'after a spurious wake');
  }

  #snapshot() {
    const { waiting, admitted } = this.#queue.held();
    return { waiting, admitted, wakeAt: this.#queue.nextWakeAt() };
  }

  #isOver(waiter: Waiting): boolean {
    return waiter.since + this.#claims.timeoutUs <= this.#now;
  }

  #mayShed(waiter: Waiting, cause: FinishCause): boolean {
    return this.#claims.mayShed?.(this.#now, waiter, cause) ?? false;
  }
}

const TIMEOUT_US = 20;
const THRESHOLD_US = 6;
const TARGET_US = 3;
const SERVICE_US = 4;
const context = { rng: () => 0.5 };
const oldest = (_now: number, waiting: readonly Waiting[]) => (waiting[0] as Waiting).id;

/** The claims of each queue, as made by an entry. */
export const claimsOf = {
  fifo: (entry: typeof fifo): QueueClaims => ({
    make: (size) => entry.make({ name: 'fifo', size, timeout: TIMEOUT_US }, context),
    timeoutUs: TIMEOUT_US,
    next: oldest,
  }),
  codel: (entry: typeof codel): QueueClaims => ({
    make: (size) =>
      entry.make({ name: 'codel', size, timeout: TIMEOUT_US, interval: 10, target: TARGET_US }, context),
    timeoutUs: TIMEOUT_US,
    next: oldest,
    mayShed: (now, { since }, cause) => cause === 'queue-timeout' && now - since >= 2 * TARGET_US,
  }),
  adaptiveLifo: (entry: typeof adaptiveLifo): QueueClaims => ({
    make: (size) =>
      entry.make({ name: 'adaptive-lifo', size, timeout: TIMEOUT_US, threshold: THRESHOLD_US }, context),
    timeoutUs: TIMEOUT_US,
    next: (now, waiting) => {
      const first = waiting[0] as Waiting;
      return now - first.since >= THRESHOLD_US ? (waiting.at(-1) as Waiting).id : first.id;
    },
  }),
  deadline: (entry: typeof deadline): QueueClaims => ({
    make: (size) =>
      entry.make(
        {
          ...{ name: 'deadline', size, timeout: TIMEOUT_US, prediction: 'tokens', weight: 0.1 },
          // A request view has 100 output tokens.
          ...{ perPromptToken: 0, perOutputToken: SERVICE_US / 100 },
        },
        context,
      ),
    timeoutUs: TIMEOUT_US,
    next: (_now, waiting) => waiting.reduce((a, b) => (b.deadlineAt < a.deadlineAt ? b : a)).id,
    mayShed: (now, { deadlineAt }, cause) => cause === 'deadline' && now + SERVICE_US > deadlineAt,
    refuses: (now, deadlineAt) => (now + SERVICE_US > deadlineAt ? 'deadline' : undefined),
  }),
};

export function disciplineProperty(claims: QueueClaims) {
  const commands = fc.array(command, { maxLength: 60, size: 'max' });
  return fc.property(fc.constantFrom(0, 1, 3, 8), commands, (size, steps) => {
    const harness = new Harness(size, claims);
    for (const step of steps) harness.run(step);
    harness.drain();
  });
}

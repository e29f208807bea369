/** What a token bucket with a queue keeps under any commands, repaired and historic; who enters is counted. */
import fc from 'fast-check';
import type { TokenBucketConfig } from '../../../policies/rate/config.ts';
import type { Queue } from '../../../policies/types.ts';
import { requestView } from '../../policies/views.ts';
import { claim, claimEqual, claimRefused } from '../claim.ts';

type Command =
  | { kind: 'advance'; us: number; late: boolean }
  | { kind: 'offer' }
  | { kind: 'leave'; nth: number }
  | { kind: 'capacity'; capacity: number }
  | { kind: 'past' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      us: fc.constantFrom(0.5, 1, 900, 10e3, 250e3, 2e6),
      late: fc.boolean(),
    }),
  },
  { weight: 7, arbitrary: fc.constant({ kind: 'offer' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), nth: fc.nat({ max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('capacity' as const), capacity: fc.constantFrom(0, 1, 2, 5, Infinity) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'past' as const }) },
);

const settings = fc.record({
  name: fc.constant('token-bucket' as const),
  size: fc.constantFrom(0, 1, 3, 8),
  timeout: fc.constantFrom(1000, 300e3, 3e6),
  refillPerSec: fc.constantFrom(0, 0.7, 3, 100, 'capacity' as const),
  burst: fc.constantFrom(1, 2, 'capacity' as const),
  admission: fc.constantFrom('fifo' as const, 'legacy' as const),
});

type State = 'waiting' | 'admitted' | 'over';

class Harness {
  readonly #queue: Queue;
  readonly #config: TokenBucketConfig;
  readonly #states: State[] = [];
  readonly #offeredAt: number[] = [];
  /** When each was admitted that the rate has let in since the capacity last changed. */
  #entries: number[] = [];
  #capacity = 2;
  #now = 0;
  #heardAt = 0;
  #lastAdmitted = -1;
  admitted = 0;

  constructor(config: TokenBucketConfig, make: (config: TokenBucketConfig) => Queue) {
    this.#config = config;
    this.#queue = make(config);
    this.#queue.capacityChanged(0, this.#capacity);
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
        this.#offer();
        break;
      case 'leave':
        if (step.nth < this.#states.length) this.#states[step.nth] = 'over';
        this.#queue.leave(this.#hear(), requestView({ id: step.nth }));
        break;
      case 'capacity':
        this.#capacity = step.capacity;
        this.#entries = [];
        this.#queue.capacityChanged(this.#hear(), step.capacity);
        break;
      default:
        step satisfies never;
    }
    this.#takeAll();
    this.#check();
  }

  drain(): void {
    for (const id of this.#states.keys()) this.run({ kind: 'leave', nth: id });
    const { waiting, admitted } = this.#queue.held();
    claim(waiting === 0 && admitted === 0 && this.#queue.nextWakeAt() === Infinity, 'something is held at the end');
  }

  get #isFifo(): boolean {
    return this.#config.admission === 'fifo';
  }

  #hear(): number {
    this.#heardAt = this.#now;
    return this.#now;
  }

  #advance(us: number, late: boolean): void {
    const until = this.#now + us;
    for (let wakes = 0; !late && this.#queue.nextWakeAt() <= until; wakes++) {
      claim(wakes < 50_000, 'woken without end');
      this.#now = Math.max(this.#now, this.#queue.nextWakeAt());
      this.#queue.wake(this.#hear());
      const acted = this.#takeAll();
      claim(this.#queue.nextWakeAt() > this.#now, 'a wake leaves something due');
      claim(acted > 0 || !this.#isFifo, 'a wake was announced in vain');
      this.#check();
    }
    this.#now = until;
  }

  #offer(): void {
    const id = this.#states.length;
    const ahead = this.#waiters().length;
    this.#offeredAt.push(this.#now);
    this.#states.push('waiting');
    const answer = this.#queue.offer(this.#hear(), requestView({ id, arrivedAt: this.#now }));
    if (answer === 'queued') return;
    this.#takeAll();
    const left = this.#waiters().length - 1;
    if (answer === 'admitted') {
      claim(!this.#isFifo || left === 0, 'a newcomer passed waiters', ahead, left);
      this.#admit(id);
      return;
    }
    this.#states[id] = 'over';
    claim(answer === 'queue-full', 'turned away', answer);
    claim(this.#isFifo ? left === this.#config.size : this.#config.size === 0, 'turned away with places left', left);
  }

  #takeAll(): number {
    let count = 0;
    for (let effect = this.#queue.take(); effect !== undefined; effect = this.#queue.take()) {
      count++;
      if (effect.kind === 'preempt') throw new Error('nobody is pushed out');
      const { id } = effect.request;
      claim(this.#states[id] === 'waiting', 'an answer for one who does not wait', id);
      if (effect.kind === 'admit') {
        claim(!this.#isFifo || !this.#isExpired(id), 'admitted when its time was up', id);
        this.#admit(id);
      } else {
        claimEqual(effect.kind, 'shed', 'an effect');
        claim(effect.cause === 'queue-timeout' && (this.#isExpired(id) || !this.#isFifo), 'shed', effect.cause, id);
        this.#states[id] = 'over';
      }
    }
    return count;
  }

  #admit(id: number): void {
    this.#states[id] = 'admitted';
    this.admitted++;
    if (!this.#isFifo) return;
    claim(id > this.#lastAdmitted, 'admitted out of turn', id);
    this.#lastAdmitted = id;
    claim(this.#count('admitted') <= this.#capacity, 'more permits than capacity');
    this.#entries.push(this.#now);
    this.#checkRate();
  }

  /** Over any stretch at most the burst and what flowed in meanwhile entered. */
  #checkRate(): void {
    const { burst, refillPerSec } = this.#config;
    const rate = refillPerSec === 'capacity' ? this.#capacity : refillPerSec;
    const size = burst === 'capacity' ? this.#capacity : burst;
    if (refillPerSec === 0 || rate === Infinity || size === Infinity) return;
    for (const [i, since] of this.#entries.entries()) {
      const most = size + ((this.#now - since) / 1e6) * rate;
      claim(this.#entries.length - i <= most + 1e-6, 'more entered than the rate allows', this.#entries);
    }
  }

  #check(): void {
    const waiters = this.#waiters();
    const before = this.#snapshot();
    claim(before.waiting === waiters.length && before.admitted === this.#count('admitted'), 'held', before);
    claim((before.wakeAt < Infinity) === waiters.length > 0, 'is woken exactly while someone waits', before);
    if (this.#isFifo) {
      claim(waiters.length <= this.#config.size, 'more wait than may');
      for (const id of waiters) claim(this.#deadline(id) > this.#heardAt, 'someone waits beyond the timeout', id);
    }
    if (before.wakeAt <= this.#now) return;
    this.#queue.wake(this.#hear());
    claim(this.#queue.take() === undefined, 'a spurious wake has an effect');
    claimEqual(this.#snapshot(), before, 'after a spurious wake');
  }

  #snapshot() {
    return { ...this.#queue.held(), wakeAt: this.#queue.nextWakeAt() };
  }

  #waiters(): number[] {
    return [...this.#states.keys()].filter((id) => this.#states[id] === 'waiting');
  }

  #count(state: State): number {
    return this.#states.filter((other) => other === state).length;
  }

  #deadline(id: number): number {
    return (this.#offeredAt[id] as number) + this.#config.timeout;
  }

  #isExpired(id: number): boolean {
    return this.#deadline(id) <= this.#now;
  }
}

/** `entered` is told how many each run admitted. */
export function bucketQueueProperty(make: (config: TokenBucketConfig) => Queue, entered?: (count: number) => void) {
  return fc.property(settings, fc.array(command, { maxLength: 80, size: 'max' }), (config, steps) => {
    const harness = new Harness(config, make);
    for (const step of steps) harness.run(step);
    harness.drain();
    entered?.(harness.admitted);
  });
}

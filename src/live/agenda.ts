/**
 * All deadlines of a host on one timer: the core's next wake, stalled clients, probes, polls. Real timers are lower
 * bounds: a deadline is met at its instant or soon after, in order of instants, equal ones in order of their making.
 *
 * The timer is armed again only when something is due before it rings. One that rings for nothing costs less than
 * moving it for each request.
 */
import type { Micros } from '../../policies/types.ts';
import { WaitHeap, type Waiting } from '../gateway/wait-heap.ts';
import type { Clock } from './clock.ts';

const US_PER_MS = 1000;
/** Longest delay of a node timer; what is due later is waited for in stretches. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** A place on the agenda. It may be set again and again; each setting is met at most once. */
export class Deadline implements Waiting {
  readonly id: number;
  /** Maintained by the heap: when it is due. */
  waitAt: Micros = Infinity;
  /** Maintained by the heap; -1 while it is not set. */
  waitIndex = -1;
  readonly due: () => void;

  constructor(id: number, due: () => void) {
    this.id = id;
    this.due = due;
  }

  get isSet(): boolean {
    return this.waitIndex >= 0;
  }
}

export class Agenda {
  readonly #clock: Clock;
  /** Runs what is due, as one event of the host. */
  readonly #enter: (job: () => void) => void;
  readonly #heap = new WaitHeap<Deadline>();
  #made = 0;
  #timer: NodeJS.Timeout | undefined;
  #ringsAt: Micros = Infinity;
  #isClosed = false;

  constructor(clock: Clock, enter: (job: () => void) => void) {
    this.#clock = clock;
    this.#enter = enter;
  }

  /** A new place, not set yet. */
  deadline(due: () => void): Deadline {
    return new Deadline(this.#made++, due);
  }

  /** Sets, moves or (Infinity) takes off a deadline. */
  set(deadline: Deadline, at: Micros): void {
    if (this.#isClosed) return;
    this.#heap.set(deadline, at);
    this.#arm();
  }

  cancel(deadline: Deadline): void {
    if (deadline.isSet) this.#heap.set(deadline, Infinity);
  }

  /** Deadlines that are set. */
  get size(): number {
    return this.#heap.size;
  }

  /** Nothing is met any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) this.cancel(first);
  }

  #arm(): void {
    const at = this.#heap.nextAt;
    if (at >= this.#ringsAt) return;
    clearTimeout(this.#timer);
    this.#ringsAt = at;
    const delayMs = Math.ceil((at - this.#clock.now()) / US_PER_MS);
    this.#timer = setTimeout(this.#ring, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX));
  }

  readonly #ring = (): void => {
    this.#timer = undefined;
    this.#ringsAt = Infinity;
    this.#enter(this.#meet);
    this.#arm();
  };

  /** Everything due now. What is set meanwhile for an instant that has come waits for the next ring. */
  readonly #meet = (): void => {
    const now = this.#clock.now();
    for (let left = this.#heap.size; left > 0; left--) {
      const first = this.#heap.peek();
      if (first === undefined || first.waitAt > now) return;
      this.#heap.set(first, Infinity);
      first.due();
    }
  };
}

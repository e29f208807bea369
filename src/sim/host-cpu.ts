/**
 * The one thread that a core runs on: the gateway has one, the dataset builder another. An input is handled at once
 * when the host is idle; what it cost (counts of the core's work × costs) the host is then busy for, and its effects
 * leave when the handler is done. What arrives meanwhile waits; timers come due late. After a busy stretch, waiting
 * inputs and due timers run in the order in which they were due, an input before a timer of the same instant; a timer
 * due at the very end of the stretch keeps its place after the inputs of that instant. A stall is a busy stretch that
 * nobody asked for.
 *
 * With a clock of coarse resolution it sees nothing between two ticks: what comes there, and the end of each piece of
 * work, is rounded up to the next one.
 *
 * This is how a busy event loop turns healthy waiters into timeouts: a completion that frees a slot waits behind the
 * stretch, and the waiters' deadlines, read at its end, have passed.
 */
import type { Work } from '../gateway/counts.ts';
import { NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import type { HostCosts } from './config.ts';
import { EVENT, type EventKind, type Timeline } from './timeline.ts';

/** The cores behind the host. */
export interface HostWork {
  /** Enters one input; answers what it cost the core. */
  handle(kind: EventKind, data: unknown): Readonly<Work>;
  /** Performs the effects of what was handled last. */
  drain(kind: EventKind): void;
  /** The timer that came due first before `now`, or undefined: its kind and when it was due. */
  overdueTimer(now: number): { readonly kind: EventKind; readonly at: number } | undefined;
}

interface Waiting {
  readonly at: number;
  readonly kind: EventKind;
  readonly data: unknown;
}

export class HostCpu {
  readonly #costs: HostCosts;
  readonly #resolutionUs: number;
  readonly #free: boolean;
  readonly #timeline: Timeline;
  readonly #work: HostWork;
  readonly #waiting: Waiting[] = [];
  #next = 0;
  /** Stalls that begin when the present busy stretch is over, µs. */
  #stallUs = 0;
  #freeEvent = NO_EVENT;
  /** Kind of the input whose effects are still to leave, or -1. */
  #undrained: EventKind | -1 = -1;
  /** Longest delay of an input behind a busy stretch, µs. */
  delayMaxUs = 0;
  busyUs = 0;

  constructor(costs: HostCosts, timeline: Timeline, work: HostWork) {
    this.#costs = costs;
    const { resolutionUs, ...perUnit } = costs;
    this.#resolutionUs = resolutionUs;
    this.#free = Object.values(perUnit).every((cost) => cost === 0);
    this.#timeline = timeline;
    this.#work = work;
  }

  /** Inputs that wait for the CPU. */
  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  /** An input has reached the host. */
  offer(kind: EventKind, data: unknown): void {
    this.#awaitTick();
    if (this.#busy) this.#waiting.push({ at: this.#timeline.now, kind, data });
    else this.#run(kind, data);
  }

  /** A timer of a core came due; a busy host finds it later by itself. */
  timer(kind: EventKind): void {
    this.#awaitTick();
    if (!this.#busy) this.#run(kind, undefined);
  }

  /** Nothing else runs for `forUs` from now, or from the end of what runs now. */
  stall(forUs: number): void {
    if (this.#busy) this.#stallUs += forUs;
    else this.#busyFor(forUs);
  }

  /** The busy stretch is over. */
  freed(): void {
    this.#freeEvent = NO_EVENT;
    this.#drain();
    if (this.#stallUs > 0) this.#busyFor(this.#stallUs);
    this.#stallUs = 0;
    while (!this.#busy) {
      const now = this.#timeline.now;
      const input = this.#waiting[this.#next];
      const timer = this.#work.overdueTimer(now);
      if (input !== undefined && (timer === undefined || input.at <= timer.at)) {
        this.#next++;
        this.delayMaxUs = Math.max(this.delayMaxUs, now - input.at);
        this.#run(input.kind, input.data);
      } else if (timer !== undefined) {
        this.delayMaxUs = Math.max(this.delayMaxUs, now - timer.at);
        this.#run(timer.kind, undefined);
      } else break;
    }
    if (this.#next > 1024 && this.#next * 2 > this.#waiting.length) this.#waiting.splice(0, this.#next);
    else if (this.#next < this.#waiting.length) return;
    else this.#waiting.length = 0;
    this.#next = 0;
  }

  get #busy(): boolean {
    return this.#freeEvent !== NO_EVENT;
  }

  #run(kind: EventKind, data: unknown): void {
    const work = this.#work.handle(kind, data);
    this.#undrained = kind;
    const costUs = this.#free ? 0 : this.#costUs(work);
    if (costUs > 0) this.#busyFor(costUs);
    else this.#drain();
  }

  #drain(): void {
    const kind = this.#undrained;
    this.#undrained = -1;
    if (kind !== -1) this.#work.drain(kind);
  }

  #costUs(work: Readonly<Work>): number {
    const costs = this.#costs;
    if (this.#resolutionUs > 0) return this.#costInTicks(work);
    return Math.round(
      work.inputs * costs.inputUs +
        work.selections * costs.selectionUs +
        work.bookkeeping * costs.bookkeepingUs +
        work.queuedWalked * costs.queuedUs +
        work.starts * costs.startUs,
    );
  }

  #costInTicks({ inputs, selections, bookkeeping, queuedWalked, walks, starts }: Readonly<Work>): number {
    const { inputUs, selectionUs, bookkeepingUs, queuedUs, startUs } = this.#costs;
    const calls = walks ?? Array.from({ length: bookkeeping }, () => queuedWalked / bookkeeping);
    let us = inputs * this.#tickAfter(inputUs) + selections * this.#tickAfter(selectionUs);
    for (const walked of calls) us += this.#tickAfter(bookkeepingUs + queuedUs * walked);
    return us + starts * this.#tickAfter(startUs);
  }

  /** Between two ticks an idle host is as good as busy until the next. */
  #awaitTick(): void {
    if (this.#resolutionUs === 0 || this.#busy) return;
    const waitUs = this.#tickAfter(this.#timeline.now) - this.#timeline.now;
    if (waitUs > 0) this.#busyFor(waitUs);
  }

  /** The instant or duration, rounded up. */
  #tickAfter(us: number): number {
    return Math.ceil(us / this.#resolutionUs) * this.#resolutionUs;
  }

  #busyFor(us: number): void {
    this.busyUs += us;
    this.#freeEvent = this.#timeline.push(this.#timeline.now + us, PHASE.io, EVENT.hostFree, this);
  }
}

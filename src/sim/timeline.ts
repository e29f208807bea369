/**
 * The world's clock and its pending events. Foreground events are work: a run goes on while any is pending.
 * Background events (faults, load reports, health checks) only accompany it: they never keep a run alive that has
 * nothing left to do.
 */
import { EventQueue, type EventHandle, PHASE, type Phase, type TieBreak } from '../kernel/event-queue.ts';

/** Kinds of events of the world; those from `report` on are background. */
export const EVENT = {
  arrival: 0,
  /** An input reaches the gateway's host. */
  arrive: 1,
  firstToken: 2,
  end: 3,
  abandon: 4,
  taskEnd: 5,
  /** A job or its cancellation reaches the worker. */
  submit: 6,
  cancel: 7,
  /** A worker's own event. */
  worker: 8,
  gatewayWake: 9,
  datasetWake: 10,
  /** The gateway's host CPU finished what it was doing. */
  hostFree: 11,
  /** A client's patience runs out, at the client. */
  leave: 12,
  report: 13,
  loadReport: 14,
  status: 15,
  fault: 16,
  faultOver: 17,
} as const;
export type EventKind = (typeof EVENT)[keyof typeof EVENT];
const FIRST_BACKGROUND = EVENT.report;

export class Timeline {
  /** Virtual time, microseconds. */
  now = 0;
  /** Of the event popped last. */
  kind = 0;
  data: unknown = undefined;
  /** Events handled so far. */
  handled = 0;
  readonly #queue: EventQueue<unknown>;
  #foreground = 0;

  constructor(tieBreak?: TieBreak) {
    this.#queue = new EventQueue(tieBreak);
  }

  /** Work still pending. */
  get foreground(): number {
    return this.#foreground;
  }

  get empty(): boolean {
    return this.#queue.size === 0;
  }

  /** Time of the next event; Infinity when none is pending. */
  nextAt(): number {
    return this.#queue.peekAt();
  }

  push(at: number, phase: Phase, kind: EventKind, data: unknown, key = 0): EventHandle {
    if (kind < FIRST_BACKGROUND) this.#foreground++;
    return this.#queue.push(at, phase, key, kind, data);
  }

  /** An io event after a delay; the usual message. */
  send(delayUs: number, kind: EventKind, data: unknown): EventHandle {
    return this.push(this.now + delayUs, PHASE.io, kind, data);
  }

  /** Cancels a foreground event; unknown or past handles are ignored. */
  cancel(handle: EventHandle): void {
    if (this.#queue.cancel(handle)) this.#foreground--;
  }

  /** Moves on to the next event; false when none is pending. */
  pop(): boolean {
    if (!this.#queue.pop()) return false;
    this.now = this.#queue.at;
    this.kind = this.#queue.kind;
    this.data = this.#queue.data;
    this.handled++;
    if (this.kind < FIRST_BACKGROUND) this.#foreground--;
    return true;
  }
}

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
  /** The end of a request reaches the dataset builder's host. */
  callEnd: 5,
  /** A job or its cancellation reaches the worker. */
  submit: 6,
  cancel: 7,
  /** A worker's own event. */
  worker: 8,
  gatewayWake: 9,
  datasetWake: 10,
  /** A host CPU finished what it was doing. */
  hostFree: 11,
  /** A client's patience runs out, at the client. */
  leave: 12,
  /** Over a network whose latency is drawn: a request reaches the gateway; its client left before that. */
  reach: 13,
  quit: 14,
  /** The workers report their loads; one report reaches the gateway's host. */
  report: 15,
  loadReport: 16,
  /** Inputs of the gateway's host, entered as they come up. */
  status: 17,
  fleet: 18,
  /** A health check with a fixed delay looks at a worker. */
  detect: 19,
  /** News of the fleet reach the gateway; a draining worker is to be gone. */
  news: 20,
  drained: 21,
  fault: 22,
  faultStep: 23,
  /** Probes are due; one reaches its worker, its answer the gateway; its time is up. */
  probeDue: 24,
  probe: 25,
  probeAnswer: 26,
  probeOver: 27,
  /** The levels of the run are sampled. */
  sample: 28,
  /** A connection has lasted, or been silent, for so long that it is cut. */
  timedCut: 29,
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

  /** Cancels a background event; unknown or past handles are ignored. */
  cancelBackground(handle: EventHandle): void {
    this.#queue.cancel(handle);
  }

  /** Moves on to the next event; false when none is pending. */
  pop(): boolean {
    if (!this.#queue.pop()) return false;
    this.now = this.#queue.at;
    this.kind = this.#queue.kind;
    this.data = this.#queue.data;
    // Watching a run is no part of it.
    if (this.kind !== EVENT.sample) this.handled++;
    if (this.kind < FIRST_BACKGROUND) this.#foreground--;
    return true;
  }
}

/**
 * The role of a health policy: probe results in, worker statuses out. It owns no timer and sends nothing. The
 * host asks `nextProbeAt`, launches what `launch` answers, and hands each probe back with `settled` exactly
 * once: with its answer, or as failed at `timeoutAt`. What changed goes to the gateway as `workerStatus`.
 */
import type { Micros, WorkerStatus } from '../types.ts';

/** One question to one worker. The object is the token: it is settled once. */
export interface Probe {
  /** Unique in the run, counted from 0 in order of launch. */
  readonly id: number;
  readonly worker: number;
  readonly launchedAt: Micros;
  /** Without an answer by then the probe has failed; an answer at this very instant still counts. */
  readonly timeoutAt: Micros;
}

export interface StatusChange {
  readonly worker: number;
  readonly from: WorkerStatus;
  readonly to: WorkerStatus;
  /** The host is to take the worker out of the set. */
  readonly remove: boolean;
}

/** Decider: is the worker alive, by its answers to probes? */
export interface Health {
  /** The whole set of known workers; new ones are probed at once, the others' state is kept. */
  discovered(now: Micros, workers: readonly number[]): void;
  /** The worker at this address is another one now: its counts start afresh, a probe still out is void. */
  replaced(now: Micros, worker: number): void;
  /** The worker is about to leave: it is probed no more. Answers when to remove it at the latest. */
  drain(now: Micros, worker: number): Micros;
  /** `failed` for a worker that is not known. */
  status(worker: number): WorkerStatus;
  /** Earliest instant at which `launch` would answer a probe; Infinity while none may be launched. */
  nextProbeAt(): Micros;
  /** The next probe due by `now`; call it until it answers undefined. */
  launch(now: Micros): Probe | undefined;
  /** A probe's result. Void, foreign and repeated ones answer undefined and change nothing. */
  settled(now: Micros, probe: Probe, ok: boolean): StatusChange | undefined;
  held(): { readonly probes: number };
}

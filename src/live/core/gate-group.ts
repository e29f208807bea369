/**
 * All gates of the gateway as one, so that their number may change while it runs. Counts how often each one turned a
 * worker down; a request that several workers could have is one refusal for each that was not allowed.
 */
import type {
  AttemptResult,
  AttemptView,
  Gate,
  LoadReport,
  Micros,
  RequestView,
  WorkerStatus,
  WorkerView,
} from '../../../policies/types.ts';
import { Succession } from './succession.ts';

export interface NamedGate {
  readonly name: string;
  readonly gate: Gate;
}

export class GateGroup implements Gate {
  #gates: readonly NamedGate[] = [];
  /** One for each set of gates there was: a lease is settled with the gates that saw it granted. */
  readonly #leases: Succession<GateSet>;
  readonly #refusals = new Map<string, number>();

  constructor(gates: readonly NamedGate[]) {
    this.#leases = new Succession(new GateSet([]));
    this.replace(gates);
  }

  replace(gates: readonly NamedGate[]): void {
    this.#gates = gates;
    this.#leases.current = new GateSet(gates.map(({ gate }) => gate));
  }

  get gates(): readonly NamedGate[] {
    return this.#gates;
  }

  /** Refusals by name of the gate. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  allows(now: Micros, worker: WorkerView): boolean {
    for (const { name, gate } of this.#gates) {
      if (gate.allows(now, worker)) continue;
      this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
      return false;
    }
    return true;
  }

  reconsiderAt(now: Micros): Micros {
    let at = Infinity;
    for (const { gate } of this.#gates) at = Math.min(at, gate.reconsiderAt(now));
    return at;
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.#leases.granted(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    this.#leases.firstToken(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#leases.settled(now, attempt, result);
  }

  discovered(now: Micros, workers: readonly number[]): void {
    for (const { gate } of this.#gates) gate.discovered?.(now, workers);
  }

  configured(now: Micros, worker: number, ranks: number): void {
    for (const { gate } of this.#gates) gate.configured?.(now, worker, ranks);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    for (const { gate } of this.#gates) gate.reported?.(now, worker, rank, report);
  }

  statusChanged(now: Micros, worker: number, status: WorkerStatus): void {
    for (const { gate } of this.#gates) gate.statusChanged?.(now, worker, status);
  }

  reportsEnded(now: Micros): void {
    for (const { gate } of this.#gates) gate.reportsEnded?.(now);
  }

  get isSettled(): boolean {
    return this.#leases.isSettled;
  }

  /** One state for each gate, in order; undefined where one of them cannot. */
  snapshot(): unknown {
    const states = this.#gates.map(({ gate }) => gate.snapshot?.());
    return states.includes(undefined) ? undefined : states;
  }

  restore(
    state: unknown,
    requestOf: (id: number) => RequestView,
    attemptOf: (id: number) => AttemptView,
    attempts: readonly number[] = [],
  ): void {
    for (const [i, each] of (state as unknown[]).entries()) this.#gates[i]?.gate.restore?.(each, requestOf, attemptOf);
    this.#leases.restore(attempts);
  }
}

/** The gates of one time. */
class GateSet {
  readonly #gates: readonly Gate[];

  constructor(gates: readonly Gate[]) {
    this.#gates = gates;
  }

  granted(now: Micros, attempt: AttemptView): void {
    for (const gate of this.#gates) gate.granted?.(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    for (const gate of this.#gates) gate.firstToken?.(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    for (const gate of this.#gates) gate.settled?.(now, attempt, result);
  }
}

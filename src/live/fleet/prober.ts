/**
 * A health policy at work: its probes go to the workers beside the traffic, and what it makes of their answers goes to
 * the core. When to probe and what an answer means is the policy's.
 */
import type { Health, Probe } from '../../../policies/health/types.ts';
import type { Micros, WorkerStatus } from '../../../policies/types.ts';
import type { Agenda, Deadline } from '../agenda.ts';

export interface ProberPeers {
  now(): Micros;
  /** Asks the worker; `done` hears once unless the question is given up by the function that is answered. */
  ask(worker: number, done: (isGood: boolean) => void): () => void;
  status(worker: number, status: WorkerStatus): void;
  /** The worker is to be taken out of the set. */
  remove(worker: number): void;
  /** A probe is over. */
  probed(worker: number, isGood: boolean): void;
}

interface Out {
  readonly timeout: Deadline;
  readonly giveUp: () => void;
}

export class Prober {
  readonly #health: Health;
  readonly #agenda: Agenda;
  readonly #peers: ProberPeers;
  readonly #due: Deadline;
  readonly #out = new Map<Probe, Out>();

  constructor(health: Health, agenda: Agenda, peers: ProberPeers) {
    this.#health = health;
    this.#agenda = agenda;
    this.#peers = peers;
    this.#due = agenda.deadline(() => this.#launch());
  }

  discovered(workers: readonly number[]): void {
    this.#health.discovered(this.#peers.now(), workers);
    this.#arm();
  }

  replaced(worker: number): void {
    this.#health.replaced(this.#peers.now(), worker);
    this.#arm();
  }

  /** Answers when to remove the worker at the latest. */
  drain(worker: number): Micros {
    const until = this.#health.drain(this.#peers.now(), worker);
    this.#arm();
    return until;
  }

  status(worker: number): WorkerStatus {
    return this.#health.status(worker);
  }

  /** Nothing is asked or heard any more. */
  close(): void {
    this.#agenda.cancel(this.#due);
    for (const { timeout, giveUp } of this.#out.values()) {
      this.#agenda.cancel(timeout);
      giveUp();
    }
    this.#out.clear();
  }

  #arm(): void {
    const at = this.#health.nextProbeAt();
    this.#agenda.set(this.#due, at);
  }

  #launch(): void {
    const now = this.#peers.now();
    for (let probe = this.#health.launch(now); probe !== undefined; probe = this.#health.launch(now)) this.#send(probe);
    this.#arm();
  }

  #send(probe: Probe): void {
    const timeout = this.#agenda.deadline(() => {
      this.#out.get(probe)?.giveUp();
      this.#settle(probe, false);
    });
    const giveUp = this.#peers.ask(probe.worker, (isGood) => this.#settle(probe, isGood));
    this.#out.set(probe, { timeout, giveUp });
    this.#agenda.set(timeout, probe.timeoutAt);
  }

  #settle(probe: Probe, isGood: boolean): void {
    const out = this.#out.get(probe);
    if (out === undefined) return;
    this.#out.delete(probe);
    this.#agenda.cancel(out.timeout);
    this.#peers.probed(probe.worker, isGood);
    const change = this.#health.settled(this.#peers.now(), probe, isGood);
    if (change !== undefined) this.#peers.status(change.worker, change.to);
    if (change?.remove === true) this.#peers.remove(change.worker);
    this.#arm();
  }
}

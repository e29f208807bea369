/**
 * Drives a simulated worker by the real clock: its virtual time is real time × `speed`. Before anything reaches the
 * worker it does all that was due before, each at its own virtual instant, so that a late timer delays what is seen and
 * never what is computed.
 */
import type { Micros } from '../../../policies/types.ts';
import { PHASE } from '../../kernel/event-queue.ts';
import type { JobInit, JobView, SimWorker, WorkerEvent, WorkerGauges } from '../../worker/worker.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import type { Clock } from '../clock.ts';

export interface PacerPeers<Owner> {
  happened(event: WorkerEvent<Owner>): void;
  /** A pass ended: jobs may have generated tokens. */
  advanced(): void;
}

export class Pacer<Owner> {
  readonly #worker: SimWorker<Owner>;
  readonly #clock: Clock;
  readonly #speed: number;
  readonly #agenda: Agenda;
  readonly #peers: PacerPeers<Owner>;
  readonly #next: Deadline;
  #isPaused = false;

  constructor(worker: SimWorker<Owner>, clock: Clock, speed: number, agenda: Agenda, peers: PacerPeers<Owner>) {
    this.#worker = worker;
    this.#clock = clock;
    this.#speed = speed;
    this.#agenda = agenda;
    this.#peers = peers;
    this.#next = agenda.deadline(() => this.#settle(this.#reach()));
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** 0 when accepted, else the HTTP status of the refusal. */
  submit(job: JobInit<Owner>): number {
    const now = this.#reach();
    const status = this.#worker.submit(now, job);
    this.#settle(now);
    return status;
  }

  cancel(owner: Owner): void {
    const now = this.#reach();
    this.#worker.cancel(now, owner);
    this.#settle(now);
  }

  crash(): readonly JobView<Owner>[] {
    const now = this.#reach();
    this.#isPaused = false;
    const lost = this.#worker.crash(now);
    this.#settle(now);
    return lost;
  }

  slowDown(factor: number): void {
    const now = this.#reach();
    this.#worker.slowDown(now, factor);
    this.#settle(now);
  }

  pause(): void {
    if (this.#isPaused) return;
    const now = this.#reach();
    this.#isPaused = true;
    this.#worker.pause(now);
    this.#settle(now);
  }

  resume(): void {
    if (!this.#isPaused) return;
    const now = this.#now();
    this.#isPaused = false;
    this.#worker.resume(now);
    this.#settle(now);
  }

  gauges(): WorkerGauges {
    const now = this.#reach();
    this.#worker.catchUp(now);
    this.#settle(now);
    return this.#worker.gauges();
  }

  #now(): Micros {
    return Math.floor(this.#clock.now() * this.#speed);
  }

  /** The present, after all that comes before an input of it: earlier instants, and the worker's own io of this one. */
  #reach(): Micros {
    const now = this.#now();
    for (let at = this.#worker.nextAt(); at <= now; at = this.#worker.nextAt()) {
      if (at === now && this.#worker.nextPhase() !== PHASE.io) break;
      this.#worker.advance(at);
      this.#deliver();
    }
    return now;
  }

  #settle(now: Micros): void {
    this.#deliver();
    for (let at = this.#worker.nextAt(); at <= now; at = this.#worker.nextAt()) {
      this.#worker.advance(at);
      this.#deliver();
    }
    const nextAt = this.#worker.nextAt();
    this.#agenda.set(this.#next, nextAt === Infinity ? Infinity : Math.ceil(nextAt / this.#speed));
  }

  #deliver(): void {
    for (let event = this.#worker.take(); event !== undefined; event = this.#worker.take()) this.#peers.happened(event);
    this.#peers.advanced();
  }
}

/**
 * A health policy at work: its probes travel to the workers and back, and what it makes of their answers goes to the
 * gateway. A worker that is down refuses a probe, one that stands still answers when it goes on, a partition loses it;
 * a probe without an answer by its `timeoutAt` has failed. An answer at that very instant still counts.
 *
 * Probes are sent and judged beside the host's one thread: a busy gateway does not make them late.
 */
import type { Health, Probe } from '../../policies/health/types.ts';
import type { Micros, WorkerStatus } from '../../policies/types.ts';
import { type EventHandle, NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import { LEG, type Network } from './network.ts';
import { EVENT, type Timeline } from './timeline.ts';

/** What the policy decides, for the gateway. */
interface HealthPeers {
  status(worker: number, status: WorkerStatus): void;
  /** The worker is to be taken out of the set. */
  remove(worker: number): void;
}

export class HealthSide {
  readonly #health: Health;
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #peers: HealthPeers;
  /** By probe that is out: the event of its end. */
  readonly #timeouts = new Map<Probe, EventHandle>();
  #dueEvent: EventHandle = NO_EVENT;
  #dueAt: Micros = Infinity;

  constructor(health: Health, timeline: Timeline, network: Network, peers: HealthPeers) {
    this.#health = health;
    this.#timeline = timeline;
    this.#network = network;
    this.#peers = peers;
  }

  discovered(workers: readonly number[]): void {
    this.#health.discovered(this.#timeline.now, workers);
    this.#arm();
  }

  replaced(worker: number): void {
    this.#health.replaced(this.#timeline.now, worker);
    this.#arm();
  }

  /** Answers when to remove the worker at the latest. */
  drain(worker: number): Micros {
    const until = this.#health.drain(this.#timeline.now, worker);
    this.#arm();
    return until;
  }

  status(worker: number): WorkerStatus {
    return this.#health.status(worker);
  }

  /** Probes are due: they leave now. */
  due(): void {
    const { now } = this.#timeline;
    this.#dueEvent = NO_EVENT;
    this.#dueAt = Infinity;
    for (let probe = this.#health.launch(now); probe !== undefined; probe = this.#health.launch(now)) {
      const arrivesAt = this.#network.probeAt(probe.worker, probe.id, LEG.out);
      if (arrivesAt < Infinity) this.#timeline.push(arrivesAt, PHASE.io, EVENT.probe, probe);
      this.#timeouts.set(probe, this.#timeline.push(probe.timeoutAt, PHASE.wake, EVENT.probeOver, probe));
    }
    this.#arm();
  }

  /** A probe was answered, or its time is up. An answer after that is void. */
  settled(probe: Probe, isOk: boolean): void {
    const timeout = this.#timeouts.get(probe);
    if (timeout === undefined) return;
    this.#timeouts.delete(probe);
    this.#timeline.cancelBackground(timeout);
    const change = this.#health.settled(this.#timeline.now, probe, isOk);
    if (change !== undefined) this.#peers.status(change.worker, change.to);
    if (change?.remove === true) this.#peers.remove(change.worker);
    this.#arm();
  }

  #arm(): void {
    const dueAt = this.#health.nextProbeAt();
    if (dueAt === this.#dueAt) return;
    this.#timeline.cancelBackground(this.#dueEvent);
    this.#dueAt = dueAt;
    const at = Math.max(dueAt, this.#timeline.now);
    this.#dueEvent =
      dueAt === Infinity ? NO_EVENT : this.#timeline.push(at, PHASE.wake, EVENT.probeDue, undefined);
  }
}

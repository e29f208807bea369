/**
 * What the gateway is told of its fleet: who belongs to it, and in which state. Whoever runs the fleet sends news (a
 * worker joined, is loaded, restarts, drains, left) one hop away; nobody announces a crash. Who notices one depends on
 * the scenario: a health policy that probes (`health-side.ts`), which then alone says who is ready, or a health check
 * that looks after a fixed delay.
 *
 * It lives beside the gateway's core on its host and costs it nothing; what it makes of news are inputs of the core.
 */
import type { Health } from '../../policies/health/types.ts';
import type { WorkerStatus } from '../../policies/types.ts';
import { PHASE } from '../kernel/event-queue.ts';
import { HealthSide } from './health-side.ts';
import type { FleetMessage, FleetNews, ProbeAnswer, StatusMessage } from './messages.ts';
import type { Network } from './network.ts';
import { EVENT, type EventKind, type Timeline } from './timeline.ts';

/** Hands the gateway's core an input, now. */
type Tell = (kind: EventKind, message: FleetMessage | StatusMessage) => void;

export class Registrar {
  readonly #timeline: Timeline;
  readonly #tell: Tell;
  readonly #known = new Set<number>();
  /** By draining worker: when it is removed at the latest. */
  readonly #drainsUntil = new Map<number, number>();
  readonly #health: HealthSide | undefined;

  constructor(health: Health | undefined, timeline: Timeline, network: Network, tell: Tell) {
    this.#timeline = timeline;
    this.#tell = tell;
    if (health === undefined) return;
    this.#health = new HealthSide(health, timeline, network, {
      status: (worker, status) => this.#status(worker, status),
      remove: (worker) => this.#remove(worker),
    });
  }

  /**
   * The workers there are when the run begins; without probes they are known to be ready. `tell` is for now: the
   * beginning takes no host time.
   */
  begin(workers: readonly number[], tell: Tell): void {
    for (const worker of workers) this.#known.add(worker);
    tell(EVENT.fleet, { workers, changed: -1 });
    this.#health?.discovered(workers);
    for (const worker of workers) {
      const status = this.#health?.status(worker) ?? 'ready';
      if (status !== 'pending') tell(EVENT.status, { worker, status });
    }
  }

  /** Whether the gateway counts the worker to its fleet. */
  knows(worker: number): boolean {
    return this.#known.has(worker);
  }

  /** News of a worker arrived. */
  heard({ worker, event }: FleetNews): void {
    switch (event) {
      case 'joined':
      case 'returned':
      case 'ready':
        // A worker that comes up registers, in case it was taken out meanwhile.
        if (!this.#known.has(worker)) this.#add(worker);
        if (event === 'ready' && this.#health === undefined) this.#status(worker, 'ready');
        break;
      case 'restarted':
        if (!this.#known.has(worker)) break;
        this.#health?.replaced(worker);
        this.#status(worker, this.#health?.status(worker) ?? 'pending');
        break;
      case 'draining':
        this.#drains(worker);
        break;
      case 'left':
        this.#remove(worker);
        break;
      default:
        event satisfies never;
    }
  }

  /** A health check with a fixed delay has looked at a worker. */
  detected({ worker, status }: StatusMessage): void {
    if (this.#known.has(worker)) this.#status(worker, status);
  }

  probesDue(): void {
    this.#health?.due();
  }

  /** A probe was answered, or its time is up. */
  probeSettled({ probe, isOk }: ProbeAnswer): void {
    this.#health?.settled(probe, isOk);
  }

  /** A drain has lasted as long as the health policy allows. The worker may have left, and be back, since. */
  drained(worker: number): void {
    if (this.#drainsUntil.get(worker) === this.#timeline.now) this.#remove(worker);
  }

  #drains(worker: number): void {
    if (!this.#known.has(worker)) return;
    this.#status(worker, 'draining');
    if (this.#health === undefined) return;
    const until = Math.max(this.#health.drain(worker), this.#timeline.now);
    this.#drainsUntil.set(worker, until);
    if (until < Infinity) this.#timeline.push(until, PHASE.io, EVENT.drained, worker);
  }

  /** To the core a worker that joins is pending until it is told otherwise. */
  #add(worker: number): void {
    this.#known.add(worker);
    this.#setChanged(worker);
    const status = this.#health?.status(worker) ?? 'pending';
    if (status !== 'pending') this.#status(worker, status);
  }

  #remove(worker: number): void {
    this.#drainsUntil.delete(worker);
    if (this.#known.delete(worker)) this.#setChanged(worker);
  }

  #setChanged(worker: number): void {
    const workers = [...this.#known].sort((a, b) => a - b);
    this.#tell(EVENT.fleet, { workers, changed: worker });
    this.#health?.discovered(workers);
  }

  #status(worker: number, status: WorkerStatus): void {
    this.#tell(EVENT.status, { worker, status });
  }
}

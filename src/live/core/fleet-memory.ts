/** What is known of the fleet now, to brief a policy that takes over from another while the gateway runs. */
import type { LoadReport, Micros, WorkerObserver, WorkerStatus } from '../../../policies/types.ts';

interface Known {
  ranks: number;
  status: WorkerStatus | undefined;
  readonly reports: Map<number, LoadReport>;
}

export class FleetMemory {
  readonly #workers = new Map<number, Known>();

  discovered(workers: readonly number[]): void {
    for (const worker of this.#workers.keys()) if (!workers.includes(worker)) this.#workers.delete(worker);
    for (const worker of workers) {
      if (!this.#workers.has(worker)) this.#workers.set(worker, { ranks: 0, status: undefined, reports: new Map() });
    }
  }

  configured(worker: number, ranks: number): void {
    const known = this.#workers.get(worker);
    if (known !== undefined) known.ranks = ranks;
  }

  statusChanged(worker: number, status: WorkerStatus): void {
    const known = this.#workers.get(worker);
    if (known !== undefined) known.status = status;
  }

  reported(worker: number, rank: number, report: LoadReport): void {
    this.#workers.get(worker)?.reports.set(rank, report);
  }

  /** Tells a newcomer all of it, in the order in which a core would have. */
  brief(now: Micros, policy: WorkerObserver): void {
    policy.discovered?.(now, [...this.#workers.keys()]);
    for (const [worker, { ranks, status, reports }] of this.#workers) {
      if (ranks > 0) policy.configured?.(now, worker, ranks);
      if (status !== undefined) policy.statusChanged?.(now, worker, status);
      for (const [rank, report] of reports) policy.reported?.(now, worker, rank, report);
    }
  }

  snapshot(): unknown {
    return this.#workers;
  }

  restore(state: unknown): void {
    for (const [worker, known] of state as ReadonlyMap<number, Known>) this.#workers.set(worker, known);
  }
}

/**
 * Who is told what: each policy of a set hears of the fleet and of leases through the methods it has, once per event,
 * in one fixed order (capacity, queue, router, gates, retry).
 */
import type {
  AttemptResult,
  AttemptView,
  LeaseObserver,
  LoadReport,
  Micros,
  PolicySet,
  WorkerObserver,
  WorkerStatus,
} from '../../policies/types.ts';

export class Observers {
  readonly #fleet: readonly WorkerObserver[];
  readonly #onGranted: readonly LeaseObserver[];
  readonly #onFirstToken: readonly LeaseObserver[];
  readonly #onSettled: readonly LeaseObserver[];

  constructor(policies: PolicySet) {
    const { capacity, queue, router, gates, retry } = policies;
    this.#fleet = [...new Set<WorkerObserver>([capacity, queue, router, ...gates])];
    const leases = [...new Set<LeaseObserver>([capacity, queue, router, ...gates, retry])];
    this.#onGranted = leases.filter((policy) => policy.granted !== undefined);
    this.#onFirstToken = leases.filter((policy) => policy.firstToken !== undefined);
    this.#onSettled = leases.filter((policy) => policy.settled !== undefined);
  }

  granted(now: Micros, attempt: AttemptView): void {
    for (const policy of this.#onGranted) policy.granted?.(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    for (const policy of this.#onFirstToken) policy.firstToken?.(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    for (const policy of this.#onSettled) policy.settled?.(now, attempt, result);
  }

  discovered(now: Micros, workers: readonly number[]): void {
    for (const policy of this.#fleet) policy.discovered?.(now, workers);
  }

  configured(now: Micros, worker: number, ranks: number): void {
    for (const policy of this.#fleet) policy.configured?.(now, worker, ranks);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    for (const policy of this.#fleet) policy.reported?.(now, worker, rank, report);
  }

  statusChanged(now: Micros, worker: number, status: WorkerStatus): void {
    for (const policy of this.#fleet) policy.statusChanged?.(now, worker, status);
  }

  reportsEnded(now: Micros): void {
    for (const policy of this.#fleet) policy.reportsEnded?.(now);
  }
}

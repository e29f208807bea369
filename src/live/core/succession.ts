/**
 * A role whose player may change while the gateway runs. A lease belongs to the policy that was told of its grant and
 * hears of its end, whoever has taken over meanwhile; the fleet's news goes to the current one.
 */
import type { AttemptResult, AttemptView, LeaseObserver, Micros, WorkerObserver } from '../../../policies/types.ts';

export class Succession<Policy extends LeaseObserver & WorkerObserver> {
  current: Policy;
  readonly #owners = new Map<number, Policy>();

  constructor(policy: Policy) {
    this.current = policy;
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.#owners.set(attempt.id, this.current);
    this.current.granted?.(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    this.#owners.get(attempt.id)?.firstToken?.(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    const owner = this.#owners.get(attempt.id);
    this.#owners.delete(attempt.id);
    owner?.settled?.(now, attempt, result);
  }

  /** No lease belongs to a policy of the past. */
  get isSettled(): boolean {
    for (const owner of this.#owners.values()) if (owner !== this.current) return false;
    return true;
  }

  /** These leases belong to the current policy. */
  restore(attempts: Iterable<number>): void {
    for (const id of attempts) this.#owners.set(id, this.current);
  }
}

/** The observing half of the role, to be completed with its decisions. */
export function observing<Policy extends LeaseObserver & WorkerObserver>(
  role: Succession<Policy>,
): Required<LeaseObserver & WorkerObserver> {
  return {
    granted: (now, attempt) => role.granted(now, attempt),
    firstToken: (now, attempt) => role.firstToken(now, attempt),
    settled: (now, attempt, result) => role.settled(now, attempt, result),
    discovered: (now, workers) => role.current.discovered?.(now, workers),
    configured: (now, worker, ranks) => role.current.configured?.(now, worker, ranks),
    reported: (now, worker, rank, report) => role.current.reported?.(now, worker, rank, report),
    statusChanged: (now, worker, status) => role.current.statusChanged?.(now, worker, status),
    reportsEnded: (now) => role.current.reportsEnded?.(now),
  };
}

/**
 * A role whose player may change while the gateway runs. A lease belongs to the policy that was told of its grant and
 * hears of its end, whoever has taken over meanwhile; the fleet's news goes to the current one.
 */
import { assert } from '../../kernel/assert.ts';
import type { AttemptResult, AttemptView, LeaseObserver, Micros, WorkerObserver } from '../../../policies/types.ts';

export class Succession<Policy extends LeaseObserver & WorkerObserver> {
  #turn: Turn<Policy>;
  /** Those before who still have leases, oldest first. */
  #past: Turn<Policy>[] = [];
  #lastGranted = -1;

  constructor(policy: Policy) {
    this.#turn = { policy, since: 0, leases: 0 };
  }

  get current(): Policy {
    return this.#turn.policy;
  }

  set current(policy: Policy) {
    if (this.#turn.leases > 0) this.#past.push(this.#turn);
    this.#turn = { policy, since: this.#lastGranted + 1, leases: 0 };
  }

  granted(now: Micros, attempt: AttemptView): void {
    assert(attempt.id > this.#lastGranted, 'attempts are not numbered in the order of their grants');
    this.#lastGranted = attempt.id;
    this.#turn.leases++;
    this.#turn.policy.granted?.(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    this.#turnOf(attempt.id)?.policy.firstToken?.(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    const turn = this.#turnOf(attempt.id);
    if (turn === undefined) return;
    turn.leases--;
    if (turn.leases === 0 && turn !== this.#turn) this.#past = this.#past.filter((each) => each !== turn);
    turn.policy.settled?.(now, attempt, result);
  }

  /** No lease belongs to a policy of the past. */
  get isSettled(): boolean {
    return this.#past.length === 0;
  }

  /** These leases belong to the current policy. */
  restore(attempts: readonly number[]): void {
    this.#turn.leases = attempts.length;
    for (const id of attempts) this.#lastGranted = Math.max(this.#lastGranted, id);
  }

  /** Whose lease it is: attempts are numbered as they are granted. */
  #turnOf(attempt: number): Turn<Policy> | undefined {
    if (attempt >= this.#turn.since) return this.#turn;
    return this.#past.findLast(({ since }) => attempt >= since);
  }
}

/** The time that a policy has the role. */
interface Turn<Policy> {
  readonly policy: Policy;
  /** The first attempt that may be granted in it. */
  readonly since: number;
  /** Granted in it and not settled. */
  leases: number;
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

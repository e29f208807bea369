/** The fleet as the gateway sees it, and the choice of a worker: ready, allowed by every gate, picked by the router. */
import { assert } from '../kernel/assert.ts';
import type { REFUSE, WAIT } from '../../policies/router/answers.ts';
import type { LoadReport, Micros, PolicySet, RequestView, WorkerStatus } from '../../policies/types.ts';
import type { Observers } from './observers.ts';
import { GatewayWorker } from './request.ts';

const WAIT_ANSWER: typeof WAIT = -1;
const REFUSE_ANSWER: typeof REFUSE = -2;

/** The worker for a request, or what becomes of one that gets none now. */
export type Choice = GatewayWorker | 'wait' | 'refuse';

export class Fleet {
  readonly workers: GatewayWorker[] = [];
  readonly #policies: PolicySet;
  readonly #observers: Observers;
  readonly #candidates: GatewayWorker[] = [];
  #known: ReadonlySet<number> = new Set();

  constructor(policies: PolicySet, observers: Observers) {
    this.#policies = policies;
    this.#observers = observers;
  }

  /** The set of known workers, for snapshots. */
  get known(): ReadonlySet<number> {
    return this.#known;
  }

  restore(known: ReadonlySet<number>): void {
    this.#known = known;
  }

  /** The whole set of known workers; one that left it counts as failed, one that returns as pending. */
  discovered(now: Micros, indexes: readonly number[], names: readonly string[]): void {
    const known = new Set(indexes);
    for (const [place, index] of indexes.entries()) {
      while (this.workers.length <= index) this.workers.push(new GatewayWorker(this.workers.length));
      const name = names[place];
      if (name !== undefined) (this.workers[index] as GatewayWorker).name = name;
    }
    for (const worker of this.workers) {
      if (!known.has(worker.index)) worker.status = 'failed';
      else if (!this.#known.has(worker.index)) worker.status = 'pending';
    }
    this.#known = known;
    this.#observers.discovered(now, indexes);
  }

  /** This and the next two: false, and nobody is told, when the worker has left the set, or the report is old news. */
  configured(now: Micros, index: number, ranks: number): boolean {
    if (this.#member(index) === undefined) return false;
    this.#observers.configured(now, index, ranks);
    return true;
  }

  statusChanged(now: Micros, index: number, status: WorkerStatus): boolean {
    const worker = this.#member(index);
    if (worker === undefined) return false;
    worker.status = status;
    this.#observers.statusChanged(now, index, status);
    return true;
  }

  reported(now: Micros, index: number, rank: number, report: LoadReport): boolean {
    const worker = this.#member(index);
    if (worker === undefined) return false;
    if (!worker.noteReport(now, rank, report)) return false;
    this.#observers.reported(now, index, rank, report);
    return true;
  }

  /** Asks the router among the workers that may have `request`. Candidates keep index order. */
  choose(now: Micros, request: RequestView): Choice {
    const candidates = this.#candidates;
    let count = 0;
    for (const worker of this.workers) {
      if (worker.status === 'ready' && this.#allowed(now, worker)) candidates[count++] = worker;
    }
    // Popped one by one: setting the length of an array is slow in V8.
    while (candidates.length > count) candidates.pop();
    if (count === 0) return 'wait';
    if (this.#policies.excludeFailedWorkers) leaveOutTried(candidates, request);
    const index = this.#policies.router.pick(now, request, candidates);
    if (index === WAIT_ANSWER) return 'wait';
    if (index === REFUSE_ANSWER) return 'refuse';
    const worker = candidates[index];
    assert(worker !== undefined, 'the router picked an index outside the candidates');
    return worker;
  }

  anyReady(): boolean {
    return this.workers.some((worker) => worker.status === 'ready');
  }

  /** When a gate's answer may change by time alone; Infinity when none says so. */
  reconsiderAt(now: Micros): Micros {
    let at = Infinity;
    for (const gate of this.#policies.gates) at = Math.min(at, gate.reconsiderAt(now));
    return at;
  }

  /** Σ inFlight; asserts that no worker's counts are negative. */
  checkedInFlight(): number {
    let inFlight = 0;
    for (const worker of this.workers) {
      assert(worker.inFlight >= 0 && worker.inFlightTokens >= 0, 'a worker has negative in-flight work');
      inFlight += worker.inFlight;
    }
    return inFlight;
  }

  #allowed(now: Micros, worker: GatewayWorker): boolean {
    for (const gate of this.#policies.gates) {
      if (!gate.allows(now, worker)) return false;
    }
    return true;
  }

  #member(index: number): GatewayWorker | undefined {
    const worker = this.workers[index];
    assert(worker !== undefined, 'an input names a worker that was never discovered');
    return this.#known.has(index) ? worker : undefined;
  }
}

/**
 * Takes out the workers that `request` was tried on, unless no other is left. A client that names its worker is kept
 * to it.
 */
function leaveOutTried(candidates: GatewayWorker[], request: RequestView): void {
  const { triedWorkers, targetWorker } = request;
  if (triedWorkers.length === 0 || targetWorker !== '') return;
  let kept = 0;
  for (const worker of candidates) {
    if (!triedWorkers.includes(worker.index)) candidates[kept++] = worker;
  }
  if (kept > 0) candidates.length = kept;
}

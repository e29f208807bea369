/**
 * A concurrency limit with the defect of counting by age: a lease of `forgetAfterUs` counts no longer, held or not.
 * Meant to heal a count that leaked. Regimes: while no request lasts that long it is a concurrency limit; once waits
 * in the worker's own queue do, each forgotten lease lets one more in, the queue grows, waits grow with it, and the
 * gate stays open however full the worker is. Upstream sweeps now and then; here the instant itself counts.
 *
 * Source: llm-d/llm-d-router issue 2295 (in-flight entries reaped after 5 minutes while their streams ran).
 */
import { refill } from '../refill.ts';
import type { AttemptView, Gate, Micros, WorkerView } from '../types.ts';

export class AgingLimit implements Gate {
  readonly #max: number;
  readonly #forgetAfterUs: Micros;
  /**
   * By worker: start of each lease that is not settled, by attempt, oldest first; forgotten ones are dropped as met.
   */
  readonly #started = new Map<number, Map<number, Micros>>();

  /** `max`: leases per worker that count at once, at least 1. */
  constructor(max: number, forgetAfterUs: Micros) {
    this.#max = max;
    this.#forgetAfterUs = forgetAfterUs;
  }

  allows(now: Micros, worker: WorkerView): boolean {
    return this.#counted(now, worker.index) < this.#max;
  }

  reconsiderAt(now: Micros): Micros {
    let at = Infinity;
    for (const [worker, started] of this.#started) {
      if (this.#counted(now, worker) < this.#max) continue;
      for (const startedAt of started.values()) {
        at = Math.min(at, startedAt + this.#forgetAfterUs);
        break;
      }
    }
    return at;
  }

  granted(now: Micros, attempt: AttemptView): void {
    const { index } = attempt.worker;
    const started = this.#started.get(index) ?? new Map<number, Micros>();
    this.#started.set(index, started);
    started.set(attempt.id, now);
  }

  settled(_now: Micros, attempt: AttemptView): void {
    this.#started.get(attempt.worker.index)?.delete(attempt.id);
  }

  #counted(now: Micros, worker: number): number {
    const started = this.#started.get(worker);
    if (started === undefined) return 0;
    for (const [attempt, startedAt] of started) {
      if (startedAt + this.#forgetAfterUs > now) break;
      started.delete(attempt);
    }
    return started.size;
  }

  snapshot(): unknown {
    return this.#started;
  }

  restore(state: unknown): void {
    refill(this.#started, state as Map<number, Map<number, Micros>>);
  }
}

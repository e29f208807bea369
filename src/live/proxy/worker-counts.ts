/** What is counted of each worker, for as long as it is in the fleet: metrics of workers long gone would pile up. */
import type { AttemptOutcome } from '../../../policies/types.ts';

const NONE: Readonly<Record<AttemptOutcome, number>> = { ok: 0, refused: 0, failed: 0, timeout: 0, cancelled: 0 };

export interface Counted {
  readonly attempts: Record<AttemptOutcome, number>;
  readonly probes: { good: number; bad: number };
  readonly polls: { good: number; bad: number };
}

export class WorkerCounts {
  readonly #byUrl = new Map<string, Counted>();

  of(url: string): Counted {
    let counted = this.#byUrl.get(url);
    if (counted === undefined) {
      counted = { attempts: { ...NONE }, probes: { good: 0, bad: 0 }, polls: { good: 0, bad: 0 } };
      this.#byUrl.set(url, counted);
    }
    return counted;
  }

  forget(url: string): void {
    this.#byUrl.delete(url);
  }

  all(): Iterable<readonly [url: string, counted: Counted]> {
    return this.#byUrl;
  }
}

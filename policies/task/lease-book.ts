/**
 * The leases that are out, and the answer to whoever gives one back. A lease is a value, so a caller can give back a
 * copy, one twice, one of an earlier keeper or one made up: each is told apart, counted and changes nothing. The ids
 * of the last `history` released leases are remembered to tell a duplicate from an id never seen; older ones are
 * unknown.
 *
 * It knows nothing of what is leased: `same` says whether the lease given back is the one that was granted. (The
 * book of request admission is the same rule for its own kind of lease.) Source: DataDesigner
 * scheduling/task_admission.py 99517abc (release), same order of the tests.
 */
import type { ReleaseAnswer, ReleaseRefusal } from '../admission/types.ts';

export interface Lease {
  readonly id: number;
  readonly generation: number;
}

export class LeaseBook<Granted extends Lease> {
  readonly #generation: number;
  readonly #history: number;
  readonly #same: (given: Granted, granted: Granted) => boolean;
  readonly #out = new Map<number, Granted>();
  /** Oldest first. */
  readonly #released = new Set<number>();
  readonly #refused: Record<ReleaseRefusal, number> = {
    'wrong-controller-generation': 0,
    duplicate: 0,
    'unknown-lease': 0,
    'stale-lease': 0,
  };
  #nextId = 0;

  constructor(generation: number, history: number, same: (given: Granted, granted: Granted) => boolean) {
    this.#generation = generation;
    this.#history = history;
    this.#same = same;
  }

  get size(): number {
    return this.#out.size;
  }

  /** `terms` makes the lease that bears these marks. */
  grant(terms: (marks: Lease) => Granted): Granted {
    const lease = terms({ id: this.#nextId++, generation: this.#generation });
    this.#out.set(lease.id, lease);
    return lease;
  }

  /** The lease as it was granted, once for each; else why not. */
  settle(given: Granted): Granted | ReleaseRefusal {
    const answer = this.#find(given);
    if (typeof answer === 'string') {
      this.#refused[answer]++;
      return answer;
    }
    this.#out.delete(answer.id);
    this.#remember(answer.id);
    return answer;
  }

  refused(): Readonly<Record<ReleaseRefusal, number>> {
    return { ...this.#refused };
  }

  leases(): Iterable<Granted> {
    return this.#out.values();
  }

  #find(given: Granted): Granted | Exclude<ReleaseAnswer, 'released'> {
    if (given.generation !== this.#generation) return 'wrong-controller-generation';
    const granted = this.#out.get(given.id);
    if (granted === undefined) return this.#released.has(given.id) ? 'duplicate' : 'unknown-lease';
    return this.#same(given, granted) ? granted : 'stale-lease';
  }

  #remember(id: number): void {
    this.#released.add(id);
    if (this.#released.size <= this.#history) return;
    for (const oldest of this.#released) {
      this.#released.delete(oldest);
      return;
    }
  }
}

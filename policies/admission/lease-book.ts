/**
 * The leases that are out, and the answer to whoever gives one back. A lease is a value, so a caller can give back a
 * copy, one twice, one of an earlier keeper or one made up: each is told apart, counted and changes nothing. The ids of
 * the last `history` released leases are remembered to tell a duplicate from an id never seen; older ones are unknown.
 *
 * It knows nothing of what is leased: `same` says whether the lease given back is the one that was granted. Source:
 * DataDesigner models/request_admission/controller.py and scheduling/task_admission.py 99517abc (release), same order
 * of the tests.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { ReleaseRefusal } from './types.ts';

export interface Lease {
  readonly id: number;
  readonly generation: number;
}

export class LeaseBook<Granted extends Lease> {
  readonly #generation: number;
  readonly #history: number;
  readonly #same: (given: Granted, granted: Granted) => boolean;
  readonly #out = new Map<number, Granted>();
  readonly #released = new Set<number>();
  /** The same ids as a ring, the oldest at `#oldest` once it is full. */
  readonly #ring: number[] = [];
  #oldest = 0;
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

  /** `make` answers the lease that bears these marks. */
  grant(make: (id: number, generation: number) => Granted): Granted {
    const lease = make(this.#nextId++, this.#generation);
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

  #find(given: Granted): Granted | ReleaseRefusal {
    if (given.generation !== this.#generation) return 'wrong-controller-generation';
    const granted = this.#out.get(given.id);
    if (granted === undefined) return this.#released.has(given.id) ? 'duplicate' : 'unknown-lease';
    return this.#same(given, granted) ? granted : 'stale-lease';
  }

  #remember(id: number): void {
    assert(!this.#released.has(id), 'a lease was released twice');
    if (this.#history === 0) return;
    if (this.#ring.length === this.#history) this.#released.delete(this.#ring[this.#oldest] as number);
    this.#released.add(id);
    this.#ring[this.#oldest] = id;
    this.#oldest = (this.#oldest + 1) % this.#history;
  }
}

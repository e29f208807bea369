/**
 * The leases that are out, and the answer to whoever gives one back. A lease is a value, so a caller can give back a
 * copy, one twice, one of an earlier keeper or one made up: each is told apart, counted and changes nothing. The ids of
 * the last `history` released leases are remembered to tell a duplicate from an id never seen; older ones are unknown.
 *
 * Source: DataDesigner models/request_admission/controller.py 99517abc (release), same order of the tests.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { ReleaseAnswer, ReleaseRefusal, RequestLease } from './types.ts';

export class LeaseBook {
  readonly #generation: number;
  readonly #history: number;
  readonly #out = new Map<number, RequestLease>();
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

  constructor(generation: number, history: number) {
    this.#generation = generation;
    this.#history = history;
  }

  get size(): number {
    return this.#out.size;
  }

  grant(terms: Omit<RequestLease, 'id' | 'generation'>): RequestLease {
    const { item, resource, acquiredAt, limit, effectiveMax } = terms;
    const lease = { id: this.#nextId++, item, resource, acquiredAt, limit, effectiveMax, generation: this.#generation };
    this.#out.set(lease.id, lease);
    return lease;
  }

  /** 'released' once per lease granted. */
  settle(lease: RequestLease): ReleaseAnswer {
    const refusal = this.#refusal(lease);
    if (refusal !== undefined) {
      this.#refused[refusal]++;
      return refusal;
    }
    this.#out.delete(lease.id);
    this.#remember(lease.id);
    return 'released';
  }

  refused(): Readonly<Record<ReleaseRefusal, number>> {
    return { ...this.#refused };
  }

  leases(): Iterable<RequestLease> {
    return this.#out.values();
  }

  #refusal(lease: RequestLease): ReleaseRefusal | undefined {
    if (lease.generation !== this.#generation) return 'wrong-controller-generation';
    const granted = this.#out.get(lease.id);
    if (granted === undefined) return this.#released.has(lease.id) ? 'duplicate' : 'unknown-lease';
    return sameLease(lease, granted) ? undefined : 'stale-lease';
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

function sameLease(a: RequestLease, b: RequestLease): boolean {
  const { provider, model, domain } = a.resource;
  return (
    a.item === b.item &&
    a.acquiredAt === b.acquiredAt &&
    a.limit === b.limit &&
    a.effectiveMax === b.effectiveMax &&
    provider === b.resource.provider &&
    model === b.resource.model &&
    domain === b.resource.domain
  );
}

/**
 * Decides by a key that the client's requests share: its place on a hash ring names the worker. No table and no
 * coordination: gateways that know the same workers agree, and a worker that leaves moves only its own keys. Load is
 * never looked at.
 *
 * Regimes: many keys of like weight spread evenly; one hot key is one hot worker, and a shared key (one API key behind
 * which a company sits) is a whole fleet's load on one. Precedence: an addressed worker (taken, or nothing), the
 * routing key, then the first implicit key present; an implicit key that is present but empty ends the search. No key:
 * a uniform draw.
 *
 * Source: smg policies/consistent_hashing.rs at 73da68ca9, where the implicit keys are the headers authorization,
 * x-forwarded-for and cookie. We differ by default: the implicit key is the prompt's prefix, since the tenant is
 * usually one; variant `smg-2026-08-07` takes the tenant, which is what authorization identifies.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Rng, Router } from '../types.ts';
import { REFUSE } from './answers.ts';
import { type ConsistentHashingConfig, consistentHashingConfig } from './config.ts';
import { WorkerRing } from './worker-ring.ts';

/** What a client says of where it wants to go; '' or undefined: nothing. */
export interface AffinityHints {
  /** Index of the worker it addresses, as text. */
  readonly target: string;
  readonly routingKey: string;
  /** In order of precedence; undefined where absent, '' where present and empty. */
  readonly implicit: readonly (string | undefined)[];
}

export type Affinity =
  /** `worker` is -1 when the text is no index. */
  | { readonly kind: 'target'; readonly worker: number }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'none' };

export function affinityOf({ target, routingKey, implicit }: AffinityHints): Affinity {
  if (target !== '') return { kind: 'target', worker: /^\+?\d+$/.test(target) ? Number(target) : -1 };
  const key = routingKey !== '' ? routingKey : (implicit.find((value) => value !== undefined) ?? '');
  return key === '' ? { kind: 'none' } : { kind: 'key', key };
}

export class ConsistentHashing implements Router {
  readonly #implicitKeys: ConsistentHashingConfig['implicitKeys'];
  readonly #rng: Rng;
  readonly #ring = new WorkerRing();

  constructor(config: ConsistentHashingConfig, rng: Rng) {
    this.#implicitKeys = config.implicitKeys;
    this.#rng = rng;
  }

  pick(_now: Micros, request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    const implicit = this.#implicitKeys.map((name) => implicitKey(name, request));
    const { targetWorker, routingKey } = request;
    const affinity = affinityOf({ target: targetWorker, routingKey, implicit });
    switch (affinity.kind) {
      case 'target':
        return placeOf(affinity.worker, candidates);
      case 'key':
        return this.#ring.pick(affinity.key, candidates);
      case 'none':
        return Math.floor(this.#rng() * candidates.length);
      default:
        return affinity satisfies never;
    }
  }

  discovered(_now: Micros, workers: readonly number[]): void {
    this.#ring.discovered(workers);
  }

  snapshot(): unknown {
    return this.#ring.snapshot();
  }

  restore(state: unknown): void {
    this.#ring.restore(state as (string | null)[]);
  }
}

/** An addressed worker that is no candidate refuses the request: the client wants no other. */
function placeOf(worker: number, candidates: FleetView): number {
  const place = candidates.findIndex(({ index }) => index === worker);
  return place === -1 ? REFUSE : place;
}

function implicitKey(name: 'prefix' | 'tenant', request: RequestView): string | undefined {
  if (name === 'tenant') return request.tenant === '' ? undefined : request.tenant;
  return request.prefixKey === 0 ? undefined : `prefix ${request.prefixKey}`;
}

export const consistentHashing: PolicyEntry<'router', ConsistentHashingConfig> = {
  role: 'router',
  name: 'consistent-hashing',
  decides: 'Which worker: the owner of the request’s key on a hash ring.',
  source: 'smg model_gateway/src/policies/consistent_hashing.rs, worker/hash_ring.rs 73da68ca9; Karger 1997',
  config: consistentHashingConfig,
  variants: { 'smg-2026-08-07': { implicitKeys: ['tenant'] } },
  make: (config, { rng }) => new ConsistentHashing(config, rng),
};

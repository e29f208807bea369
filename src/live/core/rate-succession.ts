/** A rate limit that can be replaced while requests are charged to it: each is settled with the limit that took it. */
import { IdMap } from '../../gateway/id-map.ts';
import type { RateLimit } from '../../../policies/rate/types.ts';
import type { AttemptView, Micros, RequestView } from '../../../policies/types.ts';

export class RateSuccession implements RateLimit {
  current: RateLimit;
  readonly #owners = new IdMap<RateLimit>();

  constructor(rate: RateLimit) {
    this.current = rate;
  }

  charge(now: Micros, request: RequestView): Micros {
    const waitUs = this.current.charge(now, request);
    if (waitUs === 0) this.#owners.set(request.id, this.current);
    return waitUs;
  }

  settle(now: Micros, request: RequestView, usedTokens: number): void {
    const owner = this.#owners.get(request.id);
    this.#owners.delete(request.id);
    owner?.settle(now, request, usedTokens);
  }

  held(): { readonly charges: number } {
    let charges = 0;
    for (const rate of new Set([this.current, ...this.#owners.values()])) charges += rate.held().charges;
    return { charges };
  }

  get isSettled(): boolean {
    for (const owner of this.#owners.values()) if (owner !== this.current) return false;
    return true;
  }

  snapshot(): unknown {
    const state = this.current.snapshot?.();
    return state === undefined ? undefined : [[...this.#owners.keys()], state];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView, attemptOf: (id: number) => AttemptView): void {
    const [owned, inner] = state as [number[], unknown];
    this.current.restore?.(inner, requestOf, attemptOf);
    for (const id of owned) this.#owners.set(id, this.current);
  }
}

/**
 * One (provider, model): what its aliases allow and how many leases are out over all its domains. Each alias states a
 * cap of its own; the least of them holds, since all of them reach the same quota. 0 is an endpoint nobody has
 * registered.
 */
import type { EndpointSnapshot } from './types.ts';

export class Endpoint {
  readonly provider: string;
  readonly model: string;
  readonly #caps = new Map<string, number>();
  /** Leases out. */
  inFlight = 0;
  #cap = 0;

  constructor(provider: string, model: string) {
    this.provider = provider;
    this.model = model;
  }

  get registered(): boolean {
    return this.#cap > 0;
  }

  /** Requests at once over all domains; 0 before the first registration. */
  get cap(): number {
    return this.#cap;
  }

  register(alias: string, limit: number): void {
    this.#caps.set(alias, Math.max(1, limit));
    this.#cap = Math.min(...this.#caps.values());
  }

  snapshot(limits: EndpointSnapshot['limits']): EndpointSnapshot {
    const aliases = [...this.#caps].sort(([a], [b]) => (a < b ? -1 : 1));
    return { provider: this.provider, model: this.model, cap: this.#cap, inFlight: this.inFlight, aliases, limits };
  }
}

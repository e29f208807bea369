/** The endpoints and resources a keeper has met, each made once, with the settings the configuration has for it. */
import { assert } from '../../src/kernel/assert.ts';
import type { Micros } from '../types.ts';
import type { RequestAdmissionConfig } from './config.ts';
import { Endpoint } from './endpoint.ts';
import { ResourceLimit, type ResourceSettings } from './resource-limit.ts';
import type { EndpointSnapshot, RequestLease, Resource } from './types.ts';

const PLAIN: ResourceSettings = { initialLimit: Infinity, limitMax: Infinity, weight: 1 };

export class ResourceTable {
  readonly #config: RequestAdmissionConfig;
  readonly #settings = new Map<string, ResourceSettings>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #resources = new Map<string, ResourceLimit>();

  constructor(config: RequestAdmissionConfig) {
    this.#config = config;
    for (const { initialLimit = Infinity, limitMax = Infinity, weight, ...resource } of config.resources) {
      this.#settings.set(keyOf(resource), { initialLimit, limitMax, weight });
    }
  }

  resources(): Iterable<ResourceLimit> {
    return this.#resources.values();
  }

  /** Undefined for one nobody has touched. */
  find(resource: Resource): ResourceLimit | undefined {
    return this.#resources.get(keyOf(resource));
  }

  findEndpoint(provider: string, model: string): Endpoint | undefined {
    return this.#endpoints.get(endpointKey(provider, model));
  }

  /** Undefined for one nobody has registered. */
  snapshotEndpoint(now: Micros, provider: string, model: string): EndpointSnapshot | undefined {
    const endpoint = this.findEndpoint(provider, model);
    if (endpoint === undefined || !endpoint.registered) return undefined;
    const limits = Array.from(
      this.#resourcesOf(endpoint),
      (limit) => [limit.resource.domain, limit.limit(now)] as const,
    );
    return endpoint.snapshot(limits);
  }

  /** Of all registered, oldest first. */
  snapshotEndpoints(now: Micros): readonly EndpointSnapshot[] {
    const snapshots: EndpointSnapshot[] = [];
    for (const { provider, model } of this.#endpoints.values()) {
      const snapshot = this.snapshotEndpoint(now, provider, model);
      if (snapshot !== undefined) snapshots.push(snapshot);
    }
    return snapshots;
  }

  /** `leases`: all that are out; `waiting`: how many wait. */
  checkInvariants(leases: Iterable<RequestLease>, waiting: number): void {
    const out = new Map<ResourceLimit | Endpoint | undefined, number>();
    for (const { resource } of leases) {
      for (const holder of [this.find(resource), this.findEndpoint(resource.provider, resource.model)]) {
        out.set(holder, (out.get(holder) ?? 0) + 1);
      }
    }
    for (const holder of [...this.#resources.values(), ...this.#endpoints.values()]) {
      assert(holder.inFlight === (out.get(holder) ?? 0), 'resources and endpoints count the leases that are out');
    }
    let counted = 0;
    for (const limit of this.#resources.values()) counted += limit.waiting;
    assert(counted === waiting, 'the resources count the waiters there are');
  }

  /** Sets one alias's cap of an endpoint; the endpoint's cap before and after. */
  register(now: Micros, provider: string, model: string, alias: string, limit: number) {
    const endpoint = this.#endpoint(provider, model);
    const previous = endpoint.cap;
    for (const resource of this.#resourcesOf(endpoint)) resource.endRamp(now);
    endpoint.register(alias, limit);
    for (const resource of this.#resourcesOf(endpoint)) resource.capChanged();
    return { previous, current: endpoint.cap };
  }

  /** A resource's limit and ramp begin at its first touch. */
  touch(now: Micros, resource: Resource): ResourceLimit {
    const key = keyOf(resource);
    let limit = this.#resources.get(key);
    if (limit === undefined) {
      const { provider, model, domain } = resource;
      const endpoint = this.#endpoint(provider, model);
      const settings = this.#settings.get(key) ?? PLAIN;
      limit = new ResourceLimit(now, key, { provider, model, domain }, endpoint, settings, this.#config);
      this.#resources.set(key, limit);
    }
    return limit;
  }

  /** Of the endpoint, in order of first touch. */
  *#resourcesOf(endpoint: Endpoint): Generator<ResourceLimit> {
    for (const limit of this.#resources.values()) if (limit.endpoint === endpoint) yield limit;
  }

  #endpoint(provider: string, model: string): Endpoint {
    const key = endpointKey(provider, model);
    let endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) {
      endpoint = new Endpoint(provider, model);
      this.#endpoints.set(key, endpoint);
    }
    return endpoint;
  }
}

/** Names may hold any printable character, slashes and colons too. */
function keyOf({ provider, model, domain }: Resource): string {
  return `${endpointKey(provider, model)}\0${domain}`;
}

function endpointKey(provider: string, model: string): string {
  return `${provider}\0${model}`;
}

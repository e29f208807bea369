/** The requests inside the gateway, by id and in order of arrival. */
import { assert } from '../kernel/assert.ts';
import { IdMap } from './id-map.ts';
import type { GatewayRequest, RequestInit } from './request.ts';

export class Roster<Init extends RequestInit> {
  readonly #requests = new IdMap<GatewayRequest<Init>>();

  enter(request: GatewayRequest<Init>): void {
    assert(!this.#requests.has(request.id), 'a request arrived twice');
    this.#requests.set(request.id, request);
  }

  leave(request: GatewayRequest<Init>): void {
    this.#requests.delete(request.id);
  }

  find(id: number): GatewayRequest<Init> | undefined {
    return this.#requests.get(id);
  }

  /** The request that the queue names. */
  known(id: number): GatewayRequest<Init> {
    const request = this.#requests.get(id);
    assert(request !== undefined, 'the queue answered for a request that is not in the gateway');
    return request;
  }

  /** As `known`, of one that stands in the queue. */
  queued(id: number): GatewayRequest<Init> {
    const request = this.known(id);
    assert(request.state === 'queued', 'the queue answers for a request that is not queued');
    return request;
  }

  ids(): readonly number[] {
    return [...this.#requests.keys()];
  }

  values(): Iterable<GatewayRequest<Init>> {
    return this.#requests.values();
  }
}

/**
 * What request admission has promised so far, kept from outside: who waits for which resource, how many leases are out,
 * and what the last grant and the last 429 said of a resource's limit. Booked from the questions it was asked and its
 * answers, for the invariants that hold it to them.
 */
import type { AdmissionEffect, RequestLease, Resource } from '../../../policies/admission/types.ts';
import type { PolicyCall } from './invariant.ts';

export const ADMISSION_CALLS = [
  ...['admission.register', 'admission.tryAcquire', 'admission.acquire', 'admission.cancel'],
  ...['admission.release', 'admission.take', 'admission.wake'],
] as readonly `admission.${string}`[];

export interface EndpointBook {
  /** Least of those that its aliases were registered with. */
  cap: number;
  out: number;
}

export interface ResourceBook {
  readonly name: string;
  readonly endpoint: EndpointBook;
  out: number;
  /** Of the last grant; NaN: none, or a 429 came since. */
  limit: number;
}

/** What one call did. `drained`: admission has said all it had to say of the last input. */
export type AdmissionStep =
  | { readonly kind: 'granted'; readonly lease: RequestLease; readonly resource: ResourceBook }
  | {
      readonly kind: 'released';
      readonly outcome: string;
      readonly retryAfterUs: number;
      readonly resource: ResourceBook;
    }
  | { readonly kind: 'drained' }
  | { readonly kind: 'other' };

const OTHER = { kind: 'other' } as const;
const DRAINED = { kind: 'drained' } as const;

export class AdmissionBook {
  /** By item, in the order in which they asked. */
  readonly waiting = new Map<number, ResourceBook>();
  readonly #endpoints = new Map<string, EndpointBook>();
  readonly #resources = new Map<string, ResourceBook>();

  /** Books the call and says what it did. */
  book({ method, args, answer }: PolicyCall): AdmissionStep {
    switch (method) {
      case 'register': {
        const endpoint = this.#endpoint(String(args[1]), String(args[2]));
        endpoint.cap = Math.min(endpoint.cap, args[4] as number);
        return OTHER;
      }
      case 'acquire':
        this.waiting.set(args[1] as number, this.#resource(args[2] as Resource));
        return OTHER;
      case 'tryAcquire':
        return this.#took(answer as AdmissionEffect);
      case 'cancel':
        this.waiting.delete(args[1] as number);
        return OTHER;
      case 'release':
        return answer === 'released' ? this.#released(args) : OTHER;
      case 'take':
        return answer === undefined ? DRAINED : this.#took(answer as AdmissionEffect);
      default:
        return OTHER;
    }
  }

  #took(effect: AdmissionEffect): AdmissionStep {
    this.waiting.delete(effect.item);
    if (effect.kind !== 'granted') return OTHER;
    const { lease } = effect;
    const resource = this.#resource(lease.resource);
    resource.out++;
    resource.endpoint.out++;
    resource.limit = lease.limit;
    return { kind: 'granted', lease, resource };
  }

  #released(args: readonly unknown[]): AdmissionStep {
    const resource = this.#resource((args[1] as RequestLease).resource);
    resource.out--;
    resource.endpoint.out--;
    const outcome = String(args[2]);
    if (outcome === 'rate-limited') resource.limit = NaN;
    return { kind: 'released', outcome, retryAfterUs: Number(args[3] ?? 0), resource };
  }

  #resource({ provider, model, domain }: Resource): ResourceBook {
    const name = `${provider}/${model}/${domain}`;
    let resource = this.#resources.get(name);
    if (resource === undefined) {
      resource = { name, endpoint: this.#endpoint(provider, model), out: 0, limit: NaN };
      this.#resources.set(name, resource);
    }
    return resource;
  }

  #endpoint(provider: string, model: string): EndpointBook {
    const name = `${provider}/${model}`;
    let endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) this.#endpoints.set(name, (endpoint = { cap: Infinity, out: 0 }));
    return endpoint;
  }
}

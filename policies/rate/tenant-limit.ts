/**
 * Decides whether a request is within its tenant's rate: tokens and requests per minute, each tenant with
 * buckets of its own. It is charged prompt plus the most it may generate, and settled to what it used; a
 * request charged twice is charged once. Regimes: invisible below the figures; above them the excess is refused
 * at once with the wait that would help, so that one tenant's burst cannot fill a queue that all share. Limits:
 * what a tenant leaves unused is lost to the others; output estimated too high blocks early and is refunded
 * late.
 *
 * Source: smg rate_limit at 73da68ca9, where it is built and never called over HTTP. Left out: rules per model,
 * since a run has one model; with them every selected scope must fit before any is debited.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { Micros, RequestView } from '../types.ts';
import { type TenantLimitConfig, tenantLimitConfig } from './config.ts';
import { ScopeBucket, type ScopeState } from './scope-bucket.ts';
import type { RateLimit } from './types.ts';

const US_PER_SEC = 1e6;

interface Charge {
  readonly bucket: ScopeBucket;
  readonly tokens: number;
}

export class TenantLimit implements RateLimit {
  readonly #config: TenantLimitConfig;
  readonly #buckets = new Map<string, ScopeBucket>();
  readonly #charges = new Map<number, Charge>();

  constructor(config: TenantLimitConfig) {
    this.#config = config;
  }

  charge(now: Micros, request: RequestView): Micros {
    if (this.#charges.has(request.id)) return 0;
    const bucket = this.#bucketOf(now, request.tenant);
    if (bucket === undefined) return 0;
    const tokens = request.promptTokens + request.maxOutputTokens;
    const waitSec = bucket.waitSec(now, tokens, 1);
    if (waitSec > 0) return waitSec * US_PER_SEC;
    bucket.debit(tokens, 1);
    this.#charges.set(request.id, { bucket, tokens });
    return 0;
  }

  settle(now: Micros, request: RequestView, usedTokens: number): void {
    const charge = this.#charges.get(request.id);
    if (charge === undefined) return;
    this.#charges.delete(request.id);
    if (usedTokens >= 0) charge.bucket.settle(now, usedTokens - charge.tokens);
  }

  held(): { readonly charges: number } {
    return { charges: this.#charges.size };
  }

  #bucketOf(now: Micros, tenant: string): ScopeBucket | undefined {
    const known = this.#buckets.get(tenant);
    if (known !== undefined) return known;
    const { tenants } = this.#config;
    const limits = Object.hasOwn(tenants, tenant) ? tenants[tenant] : this.#config.default;
    if (limits === undefined) return undefined;
    const bucket = new ScopeBucket(now, limits);
    this.#buckets.set(tenant, bucket);
    return bucket;
  }

  snapshot(): unknown {
    const buckets = [...this.#buckets].map(([tenant, bucket]) => [tenant, bucket.snapshot()]);
    return [buckets, [...this.#charges].map(([id, { tokens }]) => [id, tokens])];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView): void {
    const [buckets, charges] = state as [[string, ScopeState][], [number, number][]];
    for (const [tenant, left] of buckets) this.#bucketOf(0, tenant)?.restore(left);
    for (const [id, tokens] of charges) {
      const bucket = this.#buckets.get(requestOf(id).tenant);
      assert(bucket !== undefined, 'a request is charged to a tenant without limits');
      this.#charges.set(id, { bucket, tokens });
    }
  }
}

export const tenantLimit: PolicyEntry<'rate', TenantLimitConfig> = {
  role: 'rate',
  name: 'tenant-limit',
  decides: 'Whether a request is within its tenant’s tokens and requests per minute.',
  source: 'smg model_gateway/src/rate_limit 73da68ca9',
  config: tenantLimitConfig,
  variants: {},
  make: (config) => new TenantLimit(config),
};

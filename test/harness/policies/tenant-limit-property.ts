/**
 * What a rate limit by tenant keeps under any commands: it charges by the level of the tenant's own buckets, tells a
 * wait that suffices, and holds a charge from its request's start to its end.
 */
import fc from 'fast-check';
import type { TenantLimitConfig } from '../../../policies/rate/config.ts';
import type { RateLimit } from '../../../policies/rate/types.ts';
import type { RequestView } from '../../../policies/types.ts';
import { requestView } from '../../policies/views.ts';
import { claim, claimEqual } from '../claim.ts';

const TENANTS = ['acme', 'zeta', 'other', 'another'] as const;
const DEFAULT = { tokensPerMinute: 300, requestsPerMinute: 4 };
const OWN = {
  acme: { tokensPerMinute: 600, requestsPerMinute: 6 },
  zeta: { tokensPerMinute: 100, requestsPerMinute: 60 },
};
const EPSILON = 1e-6;

type Command =
  | { kind: 'advance'; us: number }
  | { kind: 'charge'; tenant: number; promptTokens: number; maxOutputTokens: number; patient: boolean }
  | { kind: 'again' | 'stranger'; nth: number }
  | { kind: 'settle'; nth: number; used: number };

const nth = fc.nat({ max: 20 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(1, 500e3, 3e6, 40e6, 90e6) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('charge' as const),
      tenant: fc.nat({ max: TENANTS.length - 1 }),
      promptTokens: fc.constantFrom(0, 10, 99, 301),
      maxOutputTokens: fc.constantFrom(0, 1, 50, 400),
      patient: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('again', 'stranger'), nth }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('settle' as const), nth, used: fc.constantFrom(-1, 0, 20, 1000) }),
  },
);

/** One tenant's two levels, counted anew from what was charged and given back. */
class Levels {
  readonly limits: typeof DEFAULT;
  #tokens: number;
  #requests: number;
  #at = 0;

  constructor(limits: typeof DEFAULT) {
    this.limits = limits;
    this.#tokens = limits.tokensPerMinute;
    this.#requests = limits.requestsPerMinute;
  }

  take(now: number, tokens: number, requests: number): void {
    const { tokensPerMinute, requestsPerMinute } = this.limits;
    const minutes = (now - this.#at) / 60e6;
    this.#at = now;
    const tokensThere = Math.min(tokensPerMinute, this.#tokens + minutes * tokensPerMinute);
    this.#tokens = Math.min(tokensPerMinute, tokensThere - tokens);
    this.#requests = Math.min(requestsPerMinute, this.#requests + minutes * requestsPerMinute) - requests;
  }

  /** How far tokens and requests are from covering the charge; at most 0 when they do. */
  lacks(now: number, tokens: number): readonly [tokens: number, requests: number] {
    this.take(now, 0, 0);
    return [tokens - this.#tokens, 1 - this.#requests];
  }
}

class Harness {
  readonly #limit: RateLimit;
  readonly #levels = new Map<string, Levels>();
  readonly #charged: RequestView[] = [];
  #now = 0;
  #ids = 0;

  constructor(make: (config: TenantLimitConfig) => RateLimit, isDefault: boolean) {
    this.#limit = make({ name: 'tenant-limit', default: isDefault ? DEFAULT : undefined, tenants: OWN });
    for (const tenant of TENANTS) {
      const own = tenant === 'acme' || tenant === 'zeta' ? OWN[tenant] : isDefault ? DEFAULT : undefined;
      if (own !== undefined) this.#levels.set(tenant, new Levels(own));
    }
  }

  run(step: Command): void {
    switch (step.kind) {
      case 'advance':
        this.#now += step.us;
        break;
      case 'charge':
        this.#charge(step);
        break;
      case 'again': {
        const request = this.#charged[step.nth % this.#charged.length];
        if (request !== undefined) claimEqual(this.#limit.charge(this.#now, request), 0, 'a request charged twice');
        break;
      }
      case 'stranger':
        this.#limit.settle(this.#now, requestView({ id: 1e6 + step.nth, tenant: 'acme' }), 1e6);
        break;
      case 'settle':
        this.#settle(step.nth, step.used);
        break;
      default:
        step satisfies never;
    }
    claimEqual(this.#limit.held(), { charges: this.#charged.length }, 'charges held');
  }

  drain(): void {
    while (this.#charged.length > 0) this.run({ kind: 'settle', nth: 0, used: 0 });
  }

  #charge({ tenant: place, promptTokens, maxOutputTokens, patient }: Extract<Command, { kind: 'charge' }>): void {
    const tenant = TENANTS[place] as string;
    const request = requestView({ id: this.#ids++, tenant, promptTokens, maxOutputTokens });
    const levels = this.#levels.get(tenant);
    const waitUs = this.#limit.charge(this.#now, request);
    if (levels === undefined) {
      claimEqual(waitUs, 0, 'the wait of a tenant without limits');
      return;
    }
    const tokens = promptTokens + maxOutputTokens;
    const missing = Math.max(...levels.lacks(this.#now, tokens));
    if (waitUs === 0) {
      claim(missing <= EPSILON, 'charged beyond the level', missing);
      this.#book(request, tokens);
      return;
    }
    claim(missing >= -EPSILON, 'refused although it fits', missing);
    claimEqual(waitUs === Infinity, tokens > levels.limits.tokensPerMinute, 'waits for ever');
    claim(waitUs === Infinity || (waitUs >= 1e6 && waitUs % 1e6 === 0), 'not whole seconds', waitUs);
    // No second too many: a whole one earlier it would not fit.
    const rates = [levels.limits.tokensPerMinute, levels.limits.requestsPerMinute].map((figure) => figure / 60e6);
    const lackUs = Math.max(...levels.lacks(this.#now, tokens).map((lack, i) => lack / (rates[i] as number)));
    claim(waitUs === Infinity || waitUs - lackUs < 1e6 + 1, 'waits longer than it helps', waitUs, lackUs);
    if (!patient || waitUs === Infinity) return;
    this.#now += waitUs;
    claimEqual(this.#limit.charge(this.#now, request), 0, 'the answer after the wait it asked for');
    this.#book(request, tokens);
  }

  #book(request: RequestView, tokens: number): void {
    this.#charged.push(request);
    this.#levels.get(request.tenant)?.take(this.#now, tokens, 1);
  }

  #settle(place: number, used: number): void {
    const [request] = this.#charged.splice(place % Math.max(1, this.#charged.length), 1);
    if (request === undefined) return;
    this.#limit.settle(this.#now, request, used);
    const estimate = request.promptTokens + request.maxOutputTokens;
    if (used >= 0) this.#levels.get(request.tenant)?.take(this.#now, used - estimate, 0);
  }
}

export function tenantLimitProperty(make: (config: TenantLimitConfig) => RateLimit) {
  return fc.property(fc.boolean(), fc.array(command, { maxLength: 60, size: 'max' }), (isDefault, steps) => {
    const harness = new Harness(make, isDefault);
    for (const step of steps) harness.run(step);
    harness.drain();
  });
}

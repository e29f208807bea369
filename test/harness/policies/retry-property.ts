/**
 * What every retry policy keeps under any failures: no more attempts than it may make, no delay beyond its bound, none
 * earlier than a Retry-After that it honours, nothing repeated that must not be; and that a crowd which fails together
 * does not come back together, where the policy spreads it.
 */
import fc from 'fast-check';
import type { AttemptResult, Retry, Rng } from '../../../policies/types.ts';
import { attemptResult, requestView } from '../../policies/views.ts';
import { claim } from '../claim.ts';

/** What is particular to a policy and its settings. */
export interface RetryClaims {
  readonly make: (rng: Rng) => Retry;
  readonly attemptsMax: number;
  /** Longest delay unless a Retry-After asks for more. */
  readonly longestUs: number;
  /** 'later': of it and the backoff; 'exactly': as it says. */
  readonly retryAfter: 'later' | 'exactly' | 'ignored';
  readonly spreads: boolean;
}

const REQUESTS = 4;
const failure = fc.record({
  request: fc.nat({ max: REQUESTS - 1 }),
  outcome: fc.constantFrom('failed', 'failed', 'refused', 'timeout', 'cancelled', 'ok'),
  status: fc.constantFrom(0, 400, 408, 429, 500, 501, 502, 503, 504, 529),
  retryAfterUs: fc.constantFrom(-1, -1, 0, 10, 90_000, 12e6),
  bytesSent: fc.constantFrom(false, false, false, true),
});
type Failure = typeof failure extends fc.Arbitrary<infer Kind> ? Kind : never;

/** A seeded stream of draws (Numerical Recipes' linear congruential generator). */
function drawsFrom(salt: number): Rng {
  let state = salt >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** Requests with their attempts, one after another in each place. */
class Harness {
  readonly #claims: RetryClaims;
  readonly #policy: Retry;
  readonly #attempts = Array.from({ length: REQUESTS }, () => 1);
  readonly #ids = Array.from({ length: REQUESTS }, (_, place) => place);
  #now = 0;

  constructor(claims: RetryClaims, salt: number) {
    this.#claims = claims;
    this.#policy = claims.make(drawsFrom(salt));
  }

  run({ request: place, ...fields }: Failure): void {
    this.#now += 1000;
    const attemptCount = this.#attempts[place] as number;
    const id = this.#ids[place] as number;
    const result = attemptResult(fields);
    const delayUs = this.#policy.delayUs(this.#now, requestView({ id, attemptCount }), result);
    claim(delayUs === -1 || (delayUs >= 0 && delayUs < Infinity), 'no delay', delayUs);
    if (delayUs === -1) {
      this.#attempts[place] = 1;
      this.#ids[place] = id + REQUESTS;
      return;
    }
    this.#attempts[place] = attemptCount + 1;
    this.#check(attemptCount, result, delayUs);
  }

  #check(attemptCount: number, { outcome, bytesSent, retryAfterUs }: AttemptResult, delayUs: number): void {
    const { attemptsMax, longestUs, retryAfter } = this.#claims;
    claim(outcome !== 'ok' && outcome !== 'cancelled' && !bytesSent, 'repeats what must not be', outcome);
    claim(attemptCount < attemptsMax, 'makes more attempts than it may', attemptCount);
    const isAsked = retryAfter !== 'ignored' && retryAfterUs >= 0;
    claim(!isAsked || delayUs >= retryAfterUs, 'comes before Retry-After', delayUs);
    claim(!isAsked || retryAfter === 'later' || delayUs === retryAfterUs, 'comes after Retry-After', delayUs);
    const most = isAsked ? Math.max(longestUs, retryAfterUs) : longestUs;
    claim(delayUs <= most, 'waits longer than it may', delayUs);
  }
}

export function retryProperty(claims: RetryClaims) {
  const failures = fc.array(failure, { maxLength: 60, size: 'max' });
  return fc.property(fc.nat(), failures, (salt, steps) => {
    const harness = new Harness(claims, salt);
    for (const step of steps) harness.run(step);
  });
}

const CROWD = 12;

/** Of a crowd that fails at one instant, at most three quarters come back within any one millisecond. */
export function herdProperty(claims: RetryClaims) {
  const crowd = fc.array(fc.record({ status: fc.constantFrom(502, 503, 504) }), { maxLength: 60, size: 'max' });
  return fc.property(fc.nat(), crowd, (salt, failures) => {
    const policy = claims.make(drawsFrom(salt));
    const returns = new Map<number, number>();
    for (const [id, { status }] of failures.entries()) {
      const delayUs = policy.delayUs(0, requestView({ id, attemptCount: 1 }), attemptResult({ status }));
      claim(delayUs >= 0, 'gives up on a failure that may heal', status);
      const millisecond = Math.floor(delayUs / 1000);
      returns.set(millisecond, (returns.get(millisecond) ?? 0) + 1);
    }
    const most = Math.max(...returns.values());
    claim(failures.length < CROWD || most <= 0.75 * failures.length, 'a crowd comes back together', most);
  });
}

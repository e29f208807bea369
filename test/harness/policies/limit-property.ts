/** What adaptive concurrency limits keep under any leases: their bounds, and that good times bring the limit back. */
import fc from 'fast-check';
import { aimd } from '../../../policies/limit/aimd.ts';
import { aimdConfig, gradient2Config, vegasConfig } from '../../../policies/limit/config.ts';
import { gradient2 } from '../../../policies/limit/gradient2.ts';
import { vegas } from '../../../policies/limit/vegas.ts';
import type { AttemptView, Capacity } from '../../../policies/types.ts';
import { ended, lease } from '../../policies/limit/leases.ts';
import { claim, claimEqual } from '../claim.ts';

/** Settings as they are written. */
export type MakeLimit = (settings: object) => Capacity;

const context = { rng: () => 0.5 };
const BOUNDS = { initial: 8, min: 3, max: 30, signal: 'ttft' };

export const limits = {
  aimd: (settings) => aimd.make(aimdConfig.parse({ name: 'aimd', timeout: '40us', ...settings }), context),
  vegas: (settings) => vegas.make(vegasConfig.parse({ name: 'vegas', probeMultiplier: 3, ...settings }), context),
  gradient2: (settings) => gradient2.make(gradient2Config.parse({ name: 'gradient2', ...settings }), context),
} satisfies Record<string, MakeLimit>;

const step = fc.record({
  kind: fc.constantFrom('grant', 'grant', 'grant', 'token', 'ok', 'ok', 'refused', 'timeout', 'failed', 'cancelled'),
  us: fc.constantFrom(0, 1, 4, 50),
  nth: fc.nat({ max: 20 }),
});
type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never;
const windows = fc.constantFrom('0s', '20us');

class Harness {
  readonly limit: Capacity;
  #held: AttemptView[] = [];
  #now = 0;
  #ids = 0;

  constructor(make: MakeLimit, window: string) {
    this.limit = make({ ...BOUNDS, window, windowSamples: 2 });
    claimEqual([this.limit.current(), this.limit.source()], [BOUNDS.initial, 'override'], 'capacity at first');
  }

  run({ kind, us, nth }: Step): void {
    this.#now += us;
    const attempt = this.#held[nth % this.#held.length];
    if (kind === 'grant') this.#grant();
    else if (attempt === undefined) return;
    else if (kind === 'token') this.limit.firstToken?.(this.#now, attempt);
    else {
      const before = this.limit.current();
      this.#end(attempt, kind);
      const neutral = kind === 'failed' || kind === 'cancelled';
      claim(!neutral || this.limit.current() === before, 'an end that says nothing moved the limit', kind);
    }
    this.#check();
  }

  /** All are refused, then everyone is served at once and the limit is in use: it climbs to the top. */
  recover(): void {
    for (const attempt of this.#held) this.#end(attempt, 'refused');
    for (let round = 0; round < 80 && this.limit.current() < BOUNDS.max; round++) {
      while (this.#held.length < this.limit.current()) this.#grant();
      this.#now += 1;
      for (const attempt of this.#held) this.#end(attempt, 'ok');
      this.#now += 20;
      this.#check();
    }
    claimEqual(this.limit.current(), BOUNDS.max, 'the limit after good times');
  }

  #grant(): void {
    const attempt = lease(this.#ids++, this.#now);
    this.#held.push(attempt);
    this.limit.granted?.(this.#now, attempt);
  }

  #end(attempt: AttemptView, outcome: Exclude<Step['kind'], 'grant' | 'token'>): void {
    this.#held = this.#held.filter((other) => other !== attempt);
    this.limit.settled?.(this.#now, attempt, ended(outcome));
  }

  #check(): void {
    const limit = this.limit.current();
    claim(Number.isInteger(limit) && limit >= BOUNDS.min && limit <= BOUNDS.max, 'not whole, or out of bounds', limit);
  }
}

/** The limit stays whole and within its bounds under any leases. */
export function limitProperty(make: MakeLimit) {
  return fc.property(windows, fc.array(step, { maxLength: 150, size: 'max' }), (window, steps) => {
    const harness = new Harness(make, window);
    for (const each of steps) harness.run(each);
  });
}

/** Whatever happened before, fast replies bring the limit to its maximum. */
export function limitRecoveryProperty(make: MakeLimit) {
  return fc.property(windows, fc.array(step, { maxLength: 60, size: 'max' }), (window, steps) => {
    const harness = new Harness(make, window);
    for (const each of steps) harness.run(each);
    harness.recover();
  });
}

/**
 * Limits what is in flight by loss: one more after each good sample, a tenth less after each drop. Intuition: the
 * additive rise and the multiplicative fall of TCP, which makes several gateways before one fleet share it fairly. A
 * drop is a refused or timed-out attempt, or a latency above `timeout`.
 *
 * Regimes: below the fleet's capacity the limit climbs until it no longer binds (it rises only while at least half of
 * it is in flight); at capacity it saws between the point of loss and nine tenths of it; a burst of refusals cuts it
 * by a tenth each, so ten of them by two thirds. Limits: engines that queue without bound never refuse, and then only
 * `timeout` speaks; five seconds to the first token is late for a chat and early for a long prompt. One good sample
 * raises it as much at 20 in flight as at 200.
 *
 * Source: Netflix/concurrency-limits 78a74b9 AIMDLimit (0.9, 20 to 200, 5 s).
 */
import type { PolicyEntry } from '../entry.ts';
import { AdaptiveLimit, type LimitRule } from './adaptive-limit.ts';
import { type AimdConfig, aimdConfig } from './config.ts';
import type { Sample } from './sampler.ts';

export class Aimd implements LimitRule {
  readonly #config: Pick<AimdConfig, 'min' | 'max' | 'backoffRatio' | 'timeout'>;
  #limit: number;

  constructor(config: AimdConfig) {
    this.#config = config;
    this.#limit = config.initial;
  }

  get limit(): number {
    return this.#limit;
  }

  update({ latencyUs, inFlight, dropped }: Sample): void {
    const { min, max, backoffRatio, timeout } = this.#config;
    if (dropped || latencyUs > timeout) this.#limit = Math.max(min, Math.floor(this.#limit * backoffRatio));
    else if (inFlight * 2 >= this.#limit) this.#limit = Math.min(max, this.#limit + 1);
  }

  snapshot(): readonly [number] {
    return [this.#limit];
  }

  restore([limit]: readonly [number]): void {
    this.#limit = limit;
  }
}

export const aimd: PolicyEntry<'capacity', AimdConfig> = {
  role: 'capacity',
  name: 'aimd',
  decides: 'How many requests are admitted at once: one more after good samples, a tenth less after a drop.',
  source: 'Netflix/concurrency-limits 78a74b9 limit/AIMDLimit.java',
  config: aimdConfig,
  variants: { netflix: { signal: 'e2e' } },
  make: (config) => new AdaptiveLimit(new Aimd(config), config),
};

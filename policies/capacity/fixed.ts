/**
 * Decides how many requests are admitted at once by never thinking: a constant, or no limit at all. The
 * baseline every derived capacity is compared with, and what most gateways ship. Regimes: right for one fleet
 * size; too high after workers are lost, too low after they are added. Source: smg `max-concurrent-requests`
 * (config/types.rs, 73da68ca9), whose -1 is `none` here; upstream's limit is a rate by default (§6.2 of the
 * specification), ours is a bound on what is admitted.
 */
import type { PolicyEntry } from '../entry.ts';
import type { Capacity, CapacitySource } from '../types.ts';
import { type FixedConfig, fixedConfig } from './config.ts';

export class Fixed implements Capacity {
  readonly #max: number;

  /** `max`: requests, Infinity for no limit. */
  constructor(max: number) {
    this.#max = max;
  }

  current(): number {
    return this.#max;
  }

  source(): CapacitySource {
    return 'override';
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const fixed: PolicyEntry<'capacity', FixedConfig> = {
  role: 'capacity',
  name: 'fixed',
  decides: 'How many requests are admitted at once: a constant, or no limit.',
  source: 'smg model_gateway/src/config/types.rs 73da68ca9 (max-concurrent-requests)',
  config: fixedConfig,
  variants: {},
  make: (config) => new Fixed(config.max),
};

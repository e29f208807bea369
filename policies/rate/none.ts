/**
 * Lets every request pass and charges nothing. One tenant may then fill the queue that all share. Source: smg at
 * 73da68ca9, whose tenant limit is built and never asked over HTTP.
 */
import type { PolicyEntry } from '../entry.ts';
import { type NoRateLimitConfig, noRateLimitConfig } from './config.ts';
import type { RateLimit } from './types.ts';

export class NoRateLimit implements RateLimit {
  charge(): number {
    return 0;
  }

  settle(): void {}

  held(): { readonly charges: number } {
    return { charges: 0 };
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const noRateLimit: PolicyEntry<'rate', NoRateLimitConfig> = {
  role: 'rate',
  name: 'none',
  decides: 'Every request is within the rate of its tenant.',
  source: 'smg model_gateway/src/rate_limit 73da68ca9, not called over HTTP',
  config: noRateLimitConfig,
  variants: {},
  make: () => new NoRateLimit(),
};

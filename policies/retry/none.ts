/**
 * Decides that a failed attempt is final. The baseline that shows what retries buy, and the right choice
 * behind clients that retry themselves (three layers of five attempts are 125). Source: smg `disable_retries`
 * (config/types.rs, 73da68ca9), which sets the attempts to 1.
 */
import type { PolicyEntry } from '../entry.ts';
import type { Micros, Retry } from '../types.ts';
import { type NoRetryConfig, noRetryConfig } from './config.ts';

export class NoRetry implements Retry {
  delayUs(): Micros {
    return -1;
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const noRetry: PolicyEntry<'retry', NoRetryConfig> = {
  role: 'retry',
  name: 'none',
  decides: 'Never another attempt.',
  source: 'smg model_gateway/src/config/types.rs 73da68ca9 (disable_retries)',
  config: noRetryConfig,
  variants: {},
  make: () => new NoRetry(),
};

/**
 * Decides on another attempt as the first retry of the SGLang router did: any 5xx up to three attempts, never
 * a 4xx (so not 429 either), exponential backoff plus an additive whole-millisecond jitter in [0, base/2).
 * Kept as history: it was written against KVTransferError storms at 1000 concurrent requests, removed two
 * days later, and is the yardstick for the symmetric jitter that replaced it. Regimes: additive jitter only
 * lengthens delays, so a herd is spread less around its mean than by symmetric jitter. Source:
 * sgl-project/sglang pull 8744 (removed by 8888, reborn in 8997). We differ: upstream keeps the same worker
 * pair and bootstrap room for all attempts; here the router picks anew.
 */
import type { PolicyEntry } from '../entry.ts';
import type { AttemptResult, Micros, RequestView, Retry, Rng } from '../types.ts';
import { baseBackoffMs, type BackoffSettings } from './backoff.ts';
import { type Sglang8744Config, sglang8744Config } from './config.ts';
import { effectiveStatus, isRepeatable } from './status.ts';

const US_PER_MS = 1000;

/** Milliseconds before the `retryIndex`-th retry (from 1): `base`, plus a whole draw below `jitterBelow`. */
export function additiveBackoffMs(
  settings: Omit<BackoffSettings, 'jitterFactor'>,
  retryIndex: number,
): { readonly base: number; readonly jitterBelow: number } {
  const base = baseBackoffMs(settings, retryIndex - 1);
  return { base, jitterBelow: Math.floor(base / 2) };
}

export class Sglang8744 implements Retry {
  readonly #maxAttempts: number;
  readonly #backoff: Omit<BackoffSettings, 'jitterFactor'>;
  readonly #rng: Rng;

  constructor(config: Sglang8744Config, rng: Rng) {
    this.#maxAttempts = config.maxAttempts;
    this.#backoff = {
      initialMs: config.initialBackoff / US_PER_MS,
      maxMs: config.maxBackoff / US_PER_MS,
      multiplier: config.backoffMultiplier,
    };
    this.#rng = rng;
  }

  delayUs(_now: Micros, request: RequestView, result: AttemptResult): Micros {
    const status = effectiveStatus(result);
    if (!isRepeatable(result) || status < 500 || status > 599) return -1;
    if (request.attemptCount >= this.#maxAttempts) return -1;
    const { base, jitterBelow } = additiveBackoffMs(this.#backoff, request.attemptCount);
    return (base + Math.floor(this.#rng() * jitterBelow)) * US_PER_MS;
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const sglang8744: PolicyEntry<'retry', Sglang8744Config> = {
  role: 'retry',
  name: 'sglang-8744',
  decides: 'Whether another attempt follows and when: any 5xx, exponential backoff with additive jitter.',
  source: 'sgl-project/sglang pull 8744 (2025-08-04)',
  config: sglang8744Config,
  variants: {},
  make: (config, { rng }) => new Sglang8744(config, rng),
};

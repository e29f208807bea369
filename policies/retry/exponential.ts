/**
 * Decides whether a failed attempt is followed by another and when: on the retryable statuses (status.ts),
 * after an exponential backoff with symmetric jitter (backoff.ts), until `maxAttempts`. Intuition: transient
 * faults heal, and spread delays keep clients from returning in step. Regimes: a single failing worker costs
 * a few hundred milliseconds; when the whole fleet is overloaded each request multiplies its load by up to
 * `maxAttempts`, and nothing here bounds the sum (that is a retry budget's job). Limits: a Retry-After shared
 * by many requests is taken as it comes, without jitter, so it can bring them back together; the gateway
 * holds the admission permit while a request backs off.
 *
 * Source: smg routers/common/retry.rs at 73da68ca9. We differ by default: Retry-After is honoured (the later
 * of it and the backoff wins; upstream never reads it) and `maxBackoff` bounds the jittered delay (upstream's
 * reach cap × 1.2). Variant `smg-2026-08-07` restores both. A worker's own Retry-After may exceed
 * `maxBackoff`.
 */
import type { PolicyEntry } from '../entry.ts';
import type { AttemptResult, Micros, RequestView, Retry, Rng } from '../types.ts';
import { backoffMs, type BackoffSettings, jitterOf } from './backoff.ts';
import { type ExponentialConfig, exponentialConfig } from './config.ts';
import { effectiveStatus, isRepeatable, isRetryableStatus } from './status.ts';

const US_PER_MS = 1000;

export class Exponential implements Retry {
  readonly #config: ExponentialConfig;
  readonly #backoff: BackoffSettings;
  readonly #rng: Rng;

  constructor(config: ExponentialConfig, rng: Rng) {
    this.#config = config;
    this.#backoff = {
      initialMs: config.initialBackoff / US_PER_MS,
      maxMs: config.maxBackoff / US_PER_MS,
      multiplier: config.backoffMultiplier,
      jitterFactor: config.jitterFactor,
    };
    this.#rng = rng;
  }

  delayUs(_now: Micros, request: RequestView, result: AttemptResult): Micros {
    if (!isRepeatable(result) || !isRetryableStatus(effectiveStatus(result))) return -1;
    if (request.attemptCount >= this.#config.maxAttempts) return -1;
    const draw = jitterOf(this.#config.jitterFactor, this.#rng());
    const delayMs = backoffMs(this.#backoff, request.attemptCount - 1, draw);
    const capped = this.#config.cap === 'after-jitter' ? Math.min(delayMs, this.#backoff.maxMs) : delayMs;
    const waitUs = capped * US_PER_MS;
    return this.#config.retryAfter === 'honour' ? Math.max(waitUs, result.retryAfterUs) : waitUs;
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const exponential: PolicyEntry<'retry', ExponentialConfig> = {
  role: 'retry',
  name: 'exponential',
  decides: 'Whether another attempt follows and when: retryable statuses, jittered exponential backoff, Retry-After.',
  source: 'smg model_gateway/src/routers/common/retry.rs 73da68ca9; sgl-project/sglang pull 8997',
  config: exponentialConfig,
  variants: { 'smg-2026-08-07': { cap: 'before-jitter', retryAfter: 'ignore' } },
  make: (config, { rng }) => new Exponential(config, rng),
};

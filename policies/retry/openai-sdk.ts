/**
 * Decides on another attempt as the OpenAI client for Node does, which most applications that call a gateway bring
 * along: two retries, after a connection error, a timeout or one of 408, 409, 429 and all statuses from 500 up. The
 * delay is min(8 s, 0.5 s × 2^n) after n earlier retries, shortened by up to a quarter; a Retry-After is obeyed to the
 * letter instead. Intuition: the server knows best when it will have room, so the client does as told.
 *
 * Regimes: with the default gateway behind it, five attempts there times three here are fifteen; run it as the
 * gateway's own policy to see what the client alone would do. Limits: a fixed Retry-After brings all refused clients
 * back at one instant, for nothing is added to it; jitter by a quarter spreads the rest little; a Retry-After of an
 * hour is waited for.
 *
 * Source: openai-node 6.49. Variant `retry-after-60s`: earlier releases (and those of its siblings) ignored a
 * Retry-After of a minute and more. We differ: the headers x-should-retry and retry-after-ms are not modelled, and
 * what no gateway may repeat (bytes are out) is not repeated.
 */
import type { PolicyEntry } from '../entry.ts';
import type { AttemptResult, Micros, RequestView, Retry, Rng } from '../types.ts';
import { type OpenaiSdkConfig, openaiSdkConfig } from './config.ts';
import { effectiveStatus, isRepeatable } from './status.ts';

const RETRIED_BELOW_500: readonly number[] = [408, 409, 429];

/** What the SDK retries; a transport failure is judged by the status the gateway gives it. */
function isRetriedBySdk(status: number): boolean {
  return status >= 500 || RETRIED_BELOW_500.includes(status);
}

/** Whole microseconds of backoff after `retries` earlier ones; `draw` is uniform in [0, 1). */
function sdkBackoffUs(
  { initialBackoff, maxBackoff, jitterRatio }: Pick<OpenaiSdkConfig, 'initialBackoff' | 'maxBackoff' | 'jitterRatio'>,
  retries: number,
  draw: number,
): Micros {
  return Math.round(Math.min(maxBackoff, initialBackoff * 2 ** retries) * (1 - jitterRatio * draw));
}

class OpenaiSdk implements Retry {
  readonly #config: OpenaiSdkConfig;
  readonly #rng: Rng;

  constructor(config: OpenaiSdkConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  delayUs(_now: Micros, request: RequestView, result: AttemptResult): Micros {
    if (!isRepeatable(result) || !isRetriedBySdk(effectiveStatus(result))) return -1;
    const retries = request.attemptCount - 1;
    if (retries >= this.#config.maxRetries) return -1;
    const { retryAfterUs } = result;
    if (retryAfterUs >= 0 && retryAfterUs < this.#config.retryAfterMax) return retryAfterUs;
    return sdkBackoffUs(this.#config, retries, this.#rng());
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const openaiSdk: PolicyEntry<'retry', OpenaiSdkConfig> = {
  role: 'retry',
  name: 'openai-sdk',
  decides: 'Whether another attempt follows and when: as the OpenAI client for Node does, Retry-After obeyed exactly.',
  source: 'openai/openai-node 6.49 src/client.ts',
  config: openaiSdkConfig,
  variants: { 'retry-after-60s': { retryAfterMax: '60s' } },
  make: (config, { rng }) => new OpenaiSdk(config, rng),
};

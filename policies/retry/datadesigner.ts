/**
 * Decides on another attempt as DataDesigner's model executor does: only when the status is one of a few that say
 * "ask again" (502, 503, 504), or the connection broke without one; never after a 429, never after a timeout.
 * Intuition: rate limits are request admission's to answer, which rests the endpoint for everyone; a slow provider
 * gets no second full wait here, since the task is salvaged later, when its peers are through. The delay doubles
 * from 2 s, without jitter.
 *
 * Regimes: a short outage of the endpoint costs 2 to 14 s of one task; a long one ends in salvage. Limits: without
 * jitter the calls that failed together return together; and the task keeps its task lease while it waits (its
 * request lease is released), so three retries of every call can fill the scheduler with sleepers.
 *
 * Source: NVIDIA-NeMo/DataDesigner clients/model_request_executor.py, clients/retry.py 99517abc. Variant `transport`
 * is the retry of its HTTP transport, which is on only without request admission: the exponent starts at 1, the
 * delay is jittered downwards, and a Retry-After is honoured up to `maxBackoff`. Here it judges failures as the
 * executor does.
 */
import type { PolicyEntry } from '../entry.ts';
import { type ErrorKind, kindOfResult } from '../salvage/classify.ts';
import type { AttemptResult, Micros, RequestView, Retry, Rng } from '../types.ts';
import { type DatadesignerConfig, datadesignerConfig } from './config.ts';
import { isRepeatable } from './status.ts';

/** May an attempt that failed in this way be repeated at all? `status` 0: there was no response. */
export function executorRepeats(kind: ErrorKind, status: number, retryable: readonly number[]): boolean {
  if (kind === 'rate-limit' || kind === 'request-admission-timeout') return false;
  return status === 0 ? kind === 'api-connection' : retryable.includes(status);
}

export class Datadesigner implements Retry {
  readonly #config: DatadesignerConfig;
  readonly #rng: Rng;

  constructor(config: DatadesignerConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  delayUs(_now: Micros, request: RequestView, result: AttemptResult): Micros {
    const { maxAttempts, statuses, retryAfter, maxBackoff } = this.#config;
    if (!isRepeatable(result) || !executorRepeats(kindOfResult(result), result.status, statuses)) return -1;
    if (request.attemptCount >= maxAttempts) return -1;
    if (retryAfter === 'honour' && result.retryAfterUs >= 0) return Math.min(result.retryAfterUs, maxBackoff);
    return this.#backoffUs(request.attemptCount - 1);
  }

  #backoffUs(failures: number): Micros {
    const { initialBackoff, maxBackoff, exponentBegins, jitterRatio } = this.#config;
    const spread = jitterRatio === 0 ? 1 : 1 - jitterRatio * this.#rng();
    return Math.min(initialBackoff * 2 ** (exponentBegins + failures) * spread, maxBackoff);
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const datadesigner: PolicyEntry<'retry', DatadesignerConfig> = {
  role: 'retry',
  name: 'datadesigner',
  decides: 'Whether another attempt follows and when: 502, 503, 504 or a broken connection, after a doubling delay.',
  source: 'NVIDIA-NeMo/DataDesigner engine/models/clients/model_request_executor.py 99517abc',
  config: datadesignerConfig,
  variants: { transport: { exponentBegins: 1, jitterRatio: 0.2, retryAfter: 'honour' } },
  make: (config, { rng }) => new Datadesigner(config, rng),
};

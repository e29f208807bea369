/**
 * Decides on another attempt as the cloud SDKs do: the retryable statuses (status.ts), then a delay drawn from a range
 * that grows, in one of four shapes. Intuition: clients that failed together come back together unless chance parts
 * them, and the wider the range the flatter the wave. With v = min(maxBackoff, initialBackoff × multiplier^n) after n
 * earlier retries: `none` waits v; `equal` v/2 + U(0, v/2); `full` U(0, v); `decorrelated` min(maxBackoff,
 * U(initialBackoff, 3 × last delay)), where the last delay starts as initialBackoff.
 *
 * Regimes: against one crashed worker all shapes do; against an overloaded fleet `full` spreads most per second of
 * waiting, `equal` keeps a least wait, `decorrelated` grows by the luck of each request rather than by its count.
 * Limits: the load of retries is multiplied as by any backoff (a retry budget bounds it); `full` may retry at once.
 * The last decorrelated delay is remembered per request, at most 65,536 of them: the oldest is forgotten first and
 * starts from initialBackoff again, so requests that die while they back off (nobody tells a retry policy) cost no
 * lasting memory.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter" (AWS architecture blog, 2015), and its simulator (initial 5 ms,
 * cap 2 s, variant `aws-simulation-2015`); defaults from the AWS SDK's standard mode. Variant `grpc-a6`: the example
 * of gRPC proposal A6; `p-retry-7`: ten retries of 1 s × 2^n without jitter. We differ: one classification of statuses
 * for all.
 */
import type { PolicyEntry } from '../entry.ts';
import { refill } from '../refill.ts';
import type { AttemptResult, AttemptView, Micros, RequestView, Retry, Rng } from '../types.ts';
import { type JitteredConfig, jitteredConfig } from './config.ts';
import { effectiveStatus, isRepeatable, isRetryableStatus } from './status.ts';

const REMEMBERED_MAX = 65_536;
const DECORRELATED_GROWTH = 3;

/**
 * Whole microseconds to wait after `retries` earlier ones, the last of which waited `lastUs`; `draw` is uniform in
 * [0, 1).
 */
export function jitteredUs(
  config: Pick<JitteredConfig, 'shape' | 'initialBackoff' | 'maxBackoff' | 'multiplier'>,
  retries: number,
  lastUs: Micros,
  draw: number,
): Micros {
  const { shape, initialBackoff, maxBackoff } = config;
  const base = Math.min(maxBackoff, initialBackoff * config.multiplier ** retries);
  switch (shape) {
    case 'none':
      return Math.round(base);
    case 'equal':
      return Math.round(base / 2 + draw * (base / 2));
    case 'full':
      return Math.round(draw * base);
    case 'decorrelated': {
      const spread = DECORRELATED_GROWTH * lastUs - initialBackoff;
      return Math.min(maxBackoff, Math.round(initialBackoff + draw * spread));
    }
    default:
      return shape satisfies never;
  }
}

export class Jittered implements Retry {
  readonly #config: JitteredConfig;
  readonly #rng: Rng;
  /** Last delay by request, least recently set first. */
  readonly #lastUs = new Map<number, Micros>();

  constructor(config: JitteredConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  /** Requests whose last delay is remembered. */
  get remembered(): number {
    return this.#lastUs.size;
  }

  settled(now: Micros, { request }: AttemptView, result: AttemptResult): void {
    if (!isRepeatable(result) || request.deadlineAt <= now) this.#lastUs.delete(request.id);
  }

  delayUs(_now: Micros, request: RequestView, result: AttemptResult): Micros {
    const retryable = isRepeatable(result) && isRetryableStatus(effectiveStatus(result));
    if (!retryable || request.attemptCount >= this.#config.maxAttempts) {
      this.#lastUs.delete(request.id);
      return -1;
    }
    const waitUs = this.#backoffUs(request);
    return this.#config.retryAfter === 'honour' ? Math.max(waitUs, result.retryAfterUs) : waitUs;
  }

  #backoffUs(request: RequestView): Micros {
    const { shape, initialBackoff } = this.#config;
    const lastUs = this.#lastUs.get(request.id) ?? initialBackoff;
    const draw = shape === 'none' ? 0 : this.#rng();
    const waitUs = jitteredUs(this.#config, request.attemptCount - 1, lastUs, draw);
    if (shape === 'decorrelated') this.#remember(request.id, waitUs);
    return waitUs;
  }

  #remember(id: number, waitUs: Micros): void {
    this.#lastUs.delete(id);
    this.#lastUs.set(id, waitUs);
    if (this.#lastUs.size <= REMEMBERED_MAX) return;
    for (const oldest of this.#lastUs.keys()) {
      this.#lastUs.delete(oldest);
      return;
    }
  }

  snapshot(): unknown {
    return this.#lastUs;
  }

  restore(state: unknown): void {
    refill(this.#lastUs, state as Map<number, Micros>);
  }
}

export const jittered: PolicyEntry<'retry', JitteredConfig> = {
  role: 'retry',
  name: 'jittered',
  decides: 'Whether another attempt follows and when: retryable statuses, a delay drawn in one of four shapes.',
  source: 'AWS architecture blog, Exponential Backoff And Jitter (2015); AWS SDK standard retry mode',
  config: jitteredConfig,
  variants: {
    'aws-simulation-2015': { shape: 'decorrelated', initialBackoff: '5ms', maxBackoff: '2s', retryAfter: 'ignore' },
    'grpc-a6': { initialBackoff: '100ms', maxBackoff: '1s', maxAttempts: 4, retryAfter: 'ignore' },
    'p-retry-7': {
      ...{ shape: 'none', initialBackoff: '1s', maxBackoff: '512s' },
      ...{ maxAttempts: 11, retryAfter: 'ignore' },
    },
  },
  make: (config, { rng }) => new Jittered(config, rng),
};

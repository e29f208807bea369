/**
 * Allows a retry while a bucket of tokens is more than half full: each retryable failure takes one, each success gives
 * a tenth back. Intuition: it asks how things go rather than how many retries there were, so it closes after five
 * straight failures and opens again by success alone.
 *
 * Regimes: with a share p of attempts failing it drifts shut when p > ratio / (1 + ratio), about 9 %, and open below;
 * between outages it is a fuse, not a share. Limits: with a bucket of ten a single burst of failures shuts it whatever
 * the rate, and at an LLM gateway's few successes a second it takes long to open: fifty successes from empty to half.
 *
 * Source: gRPC proposal A6 (client retry design), throttling. Asking spends nothing: the failure already did. Failures
 * that no policy would retry (a 400) and cancellations move no token, as in gRPC C-core. We differ: one bucket for the
 * gateway, not one per server name; counted in thousandths of a token, as there.
 */
import { effectiveStatus, isRetryableStatus } from '../retry/status.ts';
import type { AttemptResult, AttemptView, Micros } from '../types.ts';
import { type GrpcConfig, grpcConfig } from './config.ts';
import type { RetryBudget, RetryBudgetEntry } from './types.ts';

const MILLI = 1000;

export class GrpcBudget implements RetryBudget {
  readonly #maxMilli: number;
  readonly #successMilli: number;
  #milli: number;

  constructor({ maxTokens, tokenRatio }: GrpcConfig) {
    this.#maxMilli = Math.round(maxTokens * MILLI);
    this.#successMilli = Math.round(tokenRatio * MILLI);
    this.#milli = this.#maxMilli;
  }

  /** Tokens in the bucket, from 0 to its maximum. */
  get tokens(): number {
    return this.#milli / MILLI;
  }

  settled(_now: Micros, _attempt: AttemptView, result: AttemptResult): void {
    if (result.outcome === 'cancelled') return;
    if (result.outcome === 'ok') this.#milli = Math.min(this.#maxMilli, this.#milli + this.#successMilli);
    else if (isRetryableStatus(effectiveStatus(result))) this.#milli = Math.max(0, this.#milli - MILLI);
  }

  allows(): boolean {
    return this.#milli > this.#maxMilli / 2;
  }

  snapshot(): unknown {
    return this.#milli;
  }

  restore(state: unknown): void {
    this.#milli = state as number;
  }
}

export const grpcBudget: RetryBudgetEntry<GrpcConfig> = {
  role: 'retry-budget',
  name: 'grpc',
  decides: 'Whether a retry may be made: while a bucket that failures empty and successes fill is over half full.',
  source: 'grpc/proposal A6-client-retries.md (throttling retry attempts)',
  config: grpcConfig,
  variants: {},
  make: (config) => new GrpcBudget(config),
};

/**
 * Two counters of one tenant scope, tokens and requests, both full at first and refilled per second by a
 * sixtieth of their figure per minute. A charge fits when both counters cover it; otherwise nothing is taken
 * and the answer says how many whole seconds to wait, Infinity for what exceeds a full counter. What was
 * reserved is settled later against what was used: the balance may go below zero, and never above full. Source:
 * smg rate_limit/bucket.rs at 73da68ca9.
 */
import { secondsOf } from './token-bucket.ts';
import type { Micros } from '../types.ts';

export interface ScopeLimits {
  readonly tokensPerMinute: number;
  readonly requestsPerMinute: number;
}

/** Tokens and requests left, and when they were refilled. */
export type ScopeState = readonly [number, number, Micros];

export class ScopeBucket {
  readonly #limits: ScopeLimits;
  #tokens: number;
  #requests: number;
  #refilledAt: Micros;

  constructor(now: Micros, limits: ScopeLimits) {
    this.#limits = limits;
    this.#tokens = limits.tokensPerMinute;
    this.#requests = limits.requestsPerMinute;
    this.#refilledAt = now;
  }

  /** What is left of both. */
  get left(): { readonly tokens: number; readonly requests: number } {
    return { tokens: this.#tokens, requests: this.#requests };
  }

  /**
   * Seconds until the charge may fit: 0 when it fits now, else at least 1; Infinity when it never does. Takes
   * nothing.
   */
  waitSec(now: Micros, tokens: number, requests: number): number {
    this.#refill(now);
    const { tokensPerMinute, requestsPerMinute } = this.#limits;
    const forTokens = waitSecOf(this.#tokens, tokens, tokensPerMinute);
    return Math.max(forTokens, waitSecOf(this.#requests, requests, requestsPerMinute));
  }

  /** Takes a charge that fits. */
  debit(tokens: number, requests: number): void {
    this.#tokens -= tokens;
    this.#requests -= requests;
  }

  /** More tokens than reserved were used, or fewer (negative). */
  settle(now: Micros, moreTokens: number): void {
    this.#refill(now);
    this.#tokens = Math.min(this.#limits.tokensPerMinute, this.#tokens - moreTokens);
  }

  snapshot(): ScopeState {
    return [this.#tokens, this.#requests, this.#refilledAt];
  }

  restore([tokens, requests, refilledAt]: ScopeState): void {
    this.#tokens = tokens;
    this.#requests = requests;
    this.#refilledAt = refilledAt;
  }

  #refill(now: Micros): void {
    const elapsedSec = secondsOf(now - this.#refilledAt);
    this.#refilledAt = now;
    this.#tokens = refilled(this.#tokens, elapsedSec, this.#limits.tokensPerMinute);
    this.#requests = refilled(this.#requests, elapsedSec, this.#limits.requestsPerMinute);
  }
}

function refilled(left: number, elapsedSec: number, perMinute: number): number {
  return Math.min(perMinute, left + elapsedSec * (perMinute / 60));
}

function waitSecOf(left: number, wanted: number, perMinute: number): number {
  if (wanted <= left) return 0;
  if (wanted > perMinute) return Infinity;
  return Math.ceil((wanted - left) / (perMinute / 60));
}

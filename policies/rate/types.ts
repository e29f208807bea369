/**
 * The role of a rate limit in front of the queue: each arrival is charged by an estimate, and what it really
 * used is settled when it is over.
 */
import type { Micros, RequestView, Snapshots } from '../types.ts';

/** Decider: is this request within the rate of its tenant? */
export interface RateLimit extends Snapshots {
  /** 0 charges the request; otherwise nothing is charged: the time after which to ask again, Infinity for never. */
  charge(now: Micros, request: RequestView): Micros;
  /**
   * The request is over, having used so many tokens; -1 keeps the estimate (abandoned). Unknown ones are
   * ignored.
   */
  settle(now: Micros, request: RequestView, usedTokens: number): void;
  /** Charges not settled. */
  held(): { readonly charges: number };
}

/**
 * A bucket of fractional tokens that fills continuously: `refillPerSec` tokens a second up to `capacity`, full
 * at first. Takers take whole or fractional numbers or nothing at all; tokens may be given back, which never
 * overfills it. Without refill it is a semaphore; with refill and givers it is neither a rate limit nor a
 * concurrency limit, which is the defect of smg's legacy admission (legacy-queue.ts).
 *
 * `take` and `available` bank the refill at every call, failed ones too, as upstream does; a sequence of
 * doubles is the same only if it is banked at the same instants. `peek` and `readyAt` bank nothing, so that
 * asking changes no digit. Source: smg middleware/token_bucket.rs at 73da68ca9.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { Micros } from '../types.ts';

export class TokenBucket {
  #capacity: number;
  #refillPerSec: number;
  #tokens: number;
  #bankedAt: Micros;

  /** `capacity` in tokens, ≥ 0 or Infinity. */
  constructor(now: Micros, capacity: number, refillPerSec: number) {
    assert(capacity >= 0 && refillPerSec >= 0, 'a bucket has no negative capacity and loses nothing by itself');
    this.#capacity = capacity;
    this.#refillPerSec = refillPerSec;
    this.#tokens = capacity;
    this.#bankedAt = now;
  }

  /** Takes `count` tokens, or none and answers false. */
  take(now: Micros, count: number): boolean {
    if (this.available(now) < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Tokens in the bucket, after banking what flowed in. */
  available(now: Micros): number {
    this.#tokens = this.peek(now);
    this.#bankedAt = now;
    return this.#tokens;
  }

  /** Tokens that `available` would answer. */
  peek(now: Micros): number {
    const inflow = secondsOf(now - this.#bankedAt) * this.#refillPerSec;
    return Math.min(this.#capacity, this.#tokens + inflow);
  }

  /** Tokens come back, or (negative) are taken even though they are not there; the bucket never overflows. */
  add(count: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + count);
  }

  /** Made larger it holds no more at once, made smaller it spills: for a bucket whose tokens are spent. */
  limit(now: Micros, capacity: number, refillPerSec: number): void {
    this.available(now);
    this.#capacity = capacity;
    this.#tokens = Math.min(capacity, this.#tokens);
    this.#refillPerSec = refillPerSec;
  }

  /** Its takers keep what they have, so the level moves with the capacity: for a bucket whose tokens are lent. */
  resize(now: Micros, capacity: number, refillPerSec: number): void {
    assert(Number.isFinite(this.#capacity) && Number.isFinite(capacity), 'an unlimited bucket has no level to move');
    this.#tokens = this.available(now) + capacity - this.#capacity;
    this.#capacity = capacity;
    this.#refillPerSec = refillPerSec;
  }

  /**
   * Earliest whole microsecond after `now` at which `peek` answers at least `count`; `now` if it does, Infinity
   * if never.
   */
  readyAt(now: Micros, count: number): Micros {
    const missing = count - this.peek(now);
    if (missing <= 0) return now;
    if (this.#refillPerSec === 0 || count > this.#capacity) return Infinity;
    let at = Math.ceil(now + (missing / this.#refillPerSec) * 1e6);
    // Rounding may leave the prediction a digit short.
    for (let step = 1; this.peek(at) < count; step *= 2) at += step;
    return at;
  }

  snapshot(): BucketState {
    return [this.#capacity, this.#refillPerSec, this.#tokens, this.#bankedAt];
  }

  /** As the one that told its state. */
  static restored([capacity, refillPerSec, tokens, bankedAt]: BucketState): TokenBucket {
    const bucket = new TokenBucket(bankedAt, capacity, refillPerSec);
    bucket.#tokens = tokens;
    return bucket;
  }
}

/** Capacity, refill a second, tokens, when they were banked. */
export type BucketState = readonly [number, number, number, Micros];

/** Null is a bucket that is not there. */
export function restoredBucket(state: BucketState | null): TokenBucket | undefined {
  return state === null ? undefined : TokenBucket.restored(state);
}

/** A rate limit's bucket after its figures changed; undefined where nothing is limited. */
export function refitted(bucket: TokenBucket | undefined, now: Micros, capacity: number, refillPerSec: number) {
  if (refillPerSec === 0 || refillPerSec === Infinity || capacity === Infinity) return undefined;
  if (bucket === undefined) return new TokenBucket(now, capacity, refillPerSec);
  bucket.limit(now, capacity, refillPerSec);
  return bucket;
}

/** Whole seconds plus the rest, added as upstream's clock does, so that results agree to the last digit. */
export function secondsOf(us: Micros): number {
  const whole = Math.floor(us / 1e6);
  return whole + (us - whole * 1e6) / 1e6;
}

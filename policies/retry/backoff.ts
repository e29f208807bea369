/**
 * The backoff formula of smg, bit for bit: exponential in binary32, truncated to whole milliseconds, capped,
 * then jittered symmetrically. Computed in doubles with Math.round it differs from upstream in one case of
 * six, so every step rounds as upstream does. Regimes: with the defaults (50 ms × 1.5^n, ±20 %) five attempts
 * wait 405 ms in all, far less than a breaker's 60 s, and the cap of 30 s binds from the 17th delay. Limits:
 * jitter is added after the cap, so the longest delay is cap × (1 + jitter); integers above 2^24 lose digits.
 * Source: smg routers/common/retry.rs at 73da68ca9.
 */
import { assert } from '../../src/kernel/assert.ts';

export interface BackoffSettings {
  /** Milliseconds, whole. */
  readonly initialMs: number;
  /** Milliseconds, whole. */
  readonly maxMs: number;
  /** ≥ 1; rounded to binary32. */
  readonly multiplier: number;
  /** 0 to 1; rounded to binary32. */
  readonly jitterFactor: number;
}

/**
 * `base` to the whole power `exponent` ≥ 0 in binary32, by squaring from the lowest bit; overflows to
 * Infinity.
 */
export function powf32(base: number, exponent: number): number {
  assert(Number.isInteger(exponent) && exponent >= 0, 'powf32 needs a whole exponent of at least 0');
  let square = Math.fround(base);
  let result = 1;
  for (let rest = exponent; ; ) {
    if (rest % 2 === 1) result = Math.fround(result * square);
    rest = Math.floor(rest / 2);
    if (rest === 0) return result;
    square = Math.fround(square * square);
  }
}

/** Milliseconds before jitter: initial × multiplier^attempt, truncated, at most the cap. */
export function baseBackoffMs(settings: Omit<BackoffSettings, 'jitterFactor'>, attempt: number): number {
  const scaled = Math.fround(Math.fround(settings.initialMs) * powf32(settings.multiplier, attempt));
  return Math.min(Math.trunc(scaled), settings.maxMs);
}

/**
 * Milliseconds to wait after the failure of `attempt` (0 for the first). `jitterDraw` is a binary32 value
 * drawn from [-jitterFactor, jitterFactor]; it is not looked at when the factor is 0.
 */
export function backoffMs(settings: BackoffSettings, attempt: number, jitterDraw: number): number {
  const base = baseBackoffMs(settings, attempt);
  if (!(settings.jitterFactor > 0)) return base;
  const offset = roundHalfAway(Math.fround(Math.fround(base) * Math.fround(jitterDraw)));
  return base + Math.max(offset, -base);
}

/** A jitter draw for `backoffMs` from a uniform `draw` in [0, 1). */
export function jitterOf(jitterFactor: number, draw: number): number {
  const bound = Math.fround(Math.min(Math.max(jitterFactor, 0), 1));
  return Math.fround(bound * (2 * draw - 1));
}

function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

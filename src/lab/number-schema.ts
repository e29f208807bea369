/**
 * Numbers and exact durations of a scenario. Each says its whole range when a value is outside it.
 * `exactDuration` does not round: it is for costs per token or per queue entry, which are far below the
 * world's microsecond and are multiplied before anything is rounded.
 */
import { z } from 'zod';

/** Largest count accepted anywhere: a billion tokens, blocks or requests. */
export const COUNT_MAX = 1e9;

/** A whole number from `min` to `max`, ends included. */
export function wholeNumber(min = 0, max = COUNT_MAX) {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A number from `min` to `max`, ends included. */
export function decimal(min: number, max: number) {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/** As `wholeNumber`, and `none` for no bound (Infinity). */
export function wholeNumberOrNone(min = 0, max = COUNT_MAX) {
  return z.union([z.literal('none').transform(() => Infinity), wholeNumber(min, max)], {
    error: `a whole number from ${min} to ${max}, or 'none'`,
  });
}

const EXACT = /^(\d+(?:\.\d+)?)(ns|us|ms|s)$/;
/** Divisors below the microsecond, so that `85.6ns` is the double that 0.0856 is. */
const PER_US: Readonly<Record<string, number>> = { ns: 1000 };
const US_PER: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6 };
const EXACT_HELP = "a duration with its unit of up to an hour, such as '10.7ms', '33.7us' or '85.6ns'";
const HOUR_US = 3600e6;

/** A duration of up to an hour, fractions of a microsecond kept. Output: microseconds. */
export function exactDuration() {
  return z
    .string({ error: EXACT_HELP })
    .regex(EXACT, { error: EXACT_HELP })
    .transform((text, context) => {
      const [, digits, unit] = EXACT.exec(text) as unknown as [string, string, string];
      const us = (Number(digits) * (US_PER[unit] ?? 1)) / (PER_US[unit] ?? 1);
      if (us <= HOUR_US) return us;
      context.addIssue({ code: 'custom', message: EXACT_HELP, input: text });
      return z.NEVER;
    });
}

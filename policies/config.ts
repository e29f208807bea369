/**
 * Building blocks of policy configuration. A value carries its unit (`50ms`, `60s`): a bare number where a duration is
 * meant is refused, since mistaken units are the commonest silent fault of gateway configuration. Parsed durations are
 * microseconds.
 */
import { z } from 'zod';

const UNIT_US: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 };
const NUMBER = String.raw`\d+(?:\.\d+)?`;
/** One unit or several, the larger first: `1h30m`. */
const UNITS = ['h', 'm(?!s)', 's', 'ms', 'us'].map((unit) => `(?:${NUMBER}${unit})?`);
const DURATION = new RegExp(`^(?=\\d)${UNITS.join('')}$`);
const PART = new RegExp(`(${NUMBER})(us|ms|s|m|h)`, 'g');

/** Microseconds of `50ms`, `2m30s`, `none` (Infinity) and the like; undefined when the text is none of them. */
function parseDuration(text: string): number | undefined {
  if (text === 'none') return Infinity;
  if (!DURATION.test(text)) return undefined;
  let us = 0;
  for (const [, digits, unit] of text.matchAll(PART)) us += Number(digits) * (UNIT_US[unit as string] as number);
  return us <= Number.MAX_SAFE_INTEGER ? Math.round(us) : undefined;
}

const DURATION_HELP = "a duration with its unit, such as '50ms', '1.5s' or '2m30s'";

/** A finite duration ≥ `min` (text as in the configuration, default '0s'). Output: whole microseconds. */
export function duration(min = '0s') {
  const minUs = parseDuration(min) as number;
  return z
    .string({ error: `expected ${DURATION_HELP}` })
    .regex(DURATION, { error: `expected ${DURATION_HELP}` })
    .transform((text, context) => {
      const us = parseDuration(text);
      if (us === undefined || us < minUs) {
        context.addIssue({ code: 'custom', message: `expected a duration of at least ${min}`, input: text });
        return z.NEVER;
      }
      return us;
    });
}

/** As `duration`, and `none` for no bound (Infinity). */
export function durationOrNone(min = '0s') {
  return z.union([z.literal('none').transform(() => Infinity), duration(min)], {
    error: `expected ${DURATION_HELP}, or 'none'`,
  });
}

/** A whole number of things, from `min` to `max`. */
export function count(min = 0, max = Number.MAX_SAFE_INTEGER) {
  return z.int().min(min).max(max);
}

/** A number from 0 to 1. */
export function ratio() {
  return z.number().min(0).max(1);
}

/** Error message for keys a strict object does not know: whose they are, and the keys it has. */
export function unknownKeys(owner: string, allowed: readonly string[]) {
  return (issue: z.core.$ZodRawIssue): string | undefined => {
    if (issue.code !== 'unrecognized_keys') return undefined;
    const keys = issue.keys.map((key) => `'${key}'`).join(', ');
    return `unknown key ${keys} of ${owner}; allowed: ${allowed.join(', ')}`;
  };
}

/**
 * Schema of one policy's configuration: a literal `name` and `fields`, nothing else. schema.ts adds `variant` for
 * the policies that have variants.
 */
export function policyObject<const Name extends string, const Fields extends z.ZodRawShape>(
  name: Name,
  fields: Fields,
) {
  const error = unknownKeys(`policy '${name}'`, ['name', 'variant', ...Object.keys(fields)]);
  return z.strictObject({ name: z.literal(name), ...fields }, { error });
}

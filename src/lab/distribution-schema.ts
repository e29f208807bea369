/**
 * Distributions as scenarios write them: a plain number of tokens or a duration for a constant, or a mapping
 * with `dist`. Lengths are token counts ≥ 1, times carry units. `min` and `max` bound every draw, which is
 * then moved to the nearer bound; `cv` is standard deviation ÷ mean.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import type { Distribution } from '../kernel/distribution.ts';
import { COUNT_MAX, decimal, wholeNumber, wholeNumberOrNone } from './number-schema.ts';

/** What the two kinds of distribution differ in: how a value, a spread and an upper bound are written. */
interface Terms {
  /** A constant or a lower bound. */
  readonly value: () => z.ZodType<number>;
  /** A mean or a standard deviation, which need not be whole. */
  readonly spread: () => z.ZodType<number>;
  /** An upper bound; 'none' is none. */
  readonly bound: () => z.ZodType<number>;
  /** Lower bound when none is given, as written. */
  readonly least: string | number;
  readonly unit: string;
  /** For messages: what a constant looks like. */
  readonly constant: string;
}

/** Token counts: whole numbers ≥ 1. */
export function tokenDistribution(): z.ZodType<Distribution> {
  return distribution({
    value: () => wholeNumber(1),
    spread: () => decimal(0.001, COUNT_MAX),
    bound: () => wholeNumberOrNone(1),
    least: 1,
    unit: 'tokens',
    constant: 'a whole number of tokens',
  });
}

/** Durations with units. Parsed: microseconds. */
export function durationDistribution(): z.ZodType<Distribution> {
  return distribution({
    value: () => duration(),
    spread: () => duration('1us'),
    bound: () => durationOrNone(),
    least: '0us',
    unit: 'a duration',
    constant: "a duration such as '20ms'",
  });
}

const DISTS = 'constant, uniform, exponential, normal, lognormal, gamma';

function distribution(terms: Terms): z.ZodType<Distribution> {
  const mean = terms.spread().describe(`Mean before the bounds are applied (${terms.unit}).`);
  const sd = terms.spread().describe(`Standard deviation before the bounds are applied (${terms.unit}).`);
  const min = z
    .prefault(terms.value(), terms.least)
    .describe(`Draws below become this (${terms.unit}). Default ${terms.least}.`);
  const max = z
    .prefault(terms.bound(), 'none')
    .describe(`Draws above become this (${terms.unit}, or none). Default none.`);
  const cv = decimal(0.001, 100).describe('Standard deviation ÷ mean, 0.001 to 100.');
  const value = terms.value().describe(`Every draw (${terms.unit}).`);
  const low = terms.value().describe(`Least draw (${terms.unit}).`);
  const high = terms.value().describe(`Greatest draw (${terms.unit}).`);
  const shapes = z.discriminatedUnion('dist', [
    z.strictObject({ dist: z.literal('constant'), value }),
    z.strictObject({ dist: z.literal('uniform'), min: low, max: high }),
    z.strictObject({ dist: z.literal('exponential'), mean, min, max }),
    z.strictObject({ dist: z.literal('normal'), mean, sd, min, max }),
    z.strictObject({ dist: z.literal('lognormal'), mean, cv, min, max }),
    z.strictObject({ dist: z.literal('gamma'), mean, cv, min, max }),
  ]);
  const constant = value.transform((drawn): Distribution => ({ dist: 'constant', value: drawn }));
  return z
    .union([constant, shapes], { error: `${terms.constant}, or a mapping with dist: one of ${DISTS}` })
    .superRefine((drawn: Distribution, context) => {
      if (context.issues.length === 0 && drawn.dist !== 'constant' && drawn.min > drawn.max) {
        context.addIssue({ code: 'custom', path: ['min'], message: 'at most max' });
      }
    })
    .describe(`A distribution: ${terms.constant} for a constant, or a mapping with dist (${DISTS}).`);
}

/**
 * Configuration of request admission. Rates and durations default to DataDesigner's
 * (models/request_admission/config.py, 99517abc); where a default repairs an upstream defect its description says so,
 * and the variant `datadesigner-head` of request-admission.ts has upstream's value.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject, unknownKeys } from '../config.ts';

const RESOURCE_KEYS = ['provider', 'model', 'domain', 'initialLimit', 'limitMax', 'weight'];

const resourceSettings = z
  .strictObject(
    {
      provider: z.string().min(1).describe('Name of the provider.'),
      model: z.string().min(1).describe('Name of the model there.'),
      domain: z
        .enum(['chat', 'embedding', 'image', 'healthcheck'])
        .prefault('chat')
        .describe('Kind of call; each kind has a limit of its own.'),
      initialLimit: count(1)
        .optional()
        .describe('Requests at once to begin with; by default all that is allowed. Source: upstream initial_limits.'),
      limitMax: count(1)
        .optional()
        .describe('Requests at once at most, besides the endpoint cap. Source: upstream max_limit_clamps.'),
      weight: z
        .number()
        .positive()
        .prefault(1)
        .describe('Share among the waiters; below 1 counts as 1. Source: upstream group weight, 1 in production.'),
    },
    { error: unknownKeys('a resource', RESOURCE_KEYS) },
  )
  .describe('Settings of one (provider, model, domain).');

const aimdFields = {
  cooldown: duration('1us')
    .prefault('2s')
    .describe('Duration a resource rests after a 429 that names no Retry-After. Source: upstream cooldown_seconds.'),
  decreaseRatio: z
    .number()
    .gt(0)
    .lt(1)
    .prefault(0.75)
    .describe('Limit after a 429 over the limit before. Source: upstream multiplicative_decrease_factor.'),
  increaseStep: count(1)
    .prefault(1)
    .describe('Requests the limit grows by. Source: upstream additive_increase_step.'),
  increaseAfter: count(1)
    .prefault(25)
    .describe('Successes before it grows. Source: upstream successes_until_increase.'),
  startupRamp: duration()
    .prefault('0s')
    .describe(
      'Duration in which the limit climbs from 1 to its first value; 0s: none. Source: upstream startup_ramp_seconds.',
    ),
};

const repairFields = {
  waitTimeout: durationOrNone('1us')
    .prefault('60s')
    .describe("Longest wait for a lease, or 'none'. Source: as smg queue-timeout-secs; upstream waits for ever."),
  retryAfterMax: durationOrNone('1us')
    .prefault('60s')
    .describe("Longest Retry-After honoured, or 'none'. Source: upstream max_backoff_wait; admission has no bound."),
  cooldownEnd: z
    .enum(['later', 'latest-429'])
    .prefault('later')
    .describe('Of two cool-downs of a resource, the one that ends later holds, or upstream: that of the latest 429.'),
  emptiedGroup: z
    .enum(['leaves', 'stays'])
    .prefault('leaves')
    .describe('A group whose waiters all timed out or cancelled loses its place, or upstream: keeps it.'),
  ceiling: z
    .enum(['until-recovered', 'for-ever'])
    .prefault('until-recovered')
    .describe('How long the limit of the first 429 is remembered as soft ceiling; upstream: for ever.'),
  newcomers: z
    .enum(['behind-endpoint', 'behind-fair-head'])
    .prefault('behind-endpoint')
    .describe('tryAcquire yields to any admissible waiter of its endpoint; upstream: only if it is the fair head.'),
  stateBegins: z
    .enum(['first-request', 'any-touch'])
    .prefault('first-request')
    .describe(
      "When a resource's limit and ramp begin: its first request to a registered endpoint; " +
        'upstream: requests before that count, and registering begins chat.',
    ),
};

export const requestAdmissionConfig = policyObject('aimd', {
  ...aimdFields,
  ...repairFields,
  releasedHistory: count(0, 1_000_000)
    .prefault(8192)
    .describe('Released leases remembered to tell a duplicate release. Source: upstream, same number.'),
  resources: z
    .array(resourceSettings)
    .superRefine((list, context) => {
      const seen = new Set<string>();
      list.forEach(({ provider, model, domain }, i) => {
        const key = JSON.stringify([provider, model, domain]);
        if (seen.has(key)) {
          context.addIssue({ code: 'custom', message: `a second entry for ${provider} ${model} ${domain}`, path: [i] });
        }
        seen.add(key);
      });
    })
    .prefault([])
    .describe('Resources with settings of their own; all others start at all that is allowed.'),
});
/** Durations in microseconds, `none` as Infinity. */
export type RequestAdmissionConfig = z.output<typeof requestAdmissionConfig>;

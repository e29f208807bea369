/**
 * Configuration of the rate policies. Defaults of `token-bucket`: smg command line (queue-size,
 * queue-timeout-secs) with the refill of smg pull 2240; of the tenant limit: none, upstream's file names every
 * figure.
 */
import { z } from 'zod';
import { count, policyObject, unknownKeys } from '../config.ts';
import { AS_SMG } from '../queue/config.ts';

const perSec = z.number().min(0).max(1e9);

export const tokenBucketConfig = policyObject('token-bucket', {
  ...AS_SMG,
  refillPerSec: z
    .union([z.literal('capacity'), perSec], { error: "expected tokens per second from 0 to 1e9, or 'capacity'" })
    .prefault(0)
    .describe("Admissions per second in the long run; 0: no rate limit; 'capacity': as many as the capacity, as smg."),
  burst: z
    .union([z.literal('capacity'), count(1)], { error: "expected a whole number of tokens ≥ 1, or 'capacity'" })
    .prefault('capacity')
    .describe('Tokens the bucket holds: admissions at once after a pause. Source: smg max-concurrent-requests.'),
  admission: z
    .enum(['fifo', 'legacy'])
    .prefault('fifo')
    .describe("'legacy': one bucket for rate and concurrency, polling waiters, no bound. Source: smg defects 7, 8."),
}).superRefine((config, context) => {
  if (config.admission !== 'legacy' || config.burst === 'capacity') return;
  context.addIssue({ code: 'custom', message: "expected 'capacity': the legacy bucket has no other", path: ['burst'] });
});
export type TokenBucketConfig = z.output<typeof tokenBucketConfig>;

const perMinute = count(1);
const limits = {
  tokensPerMinute: perMinute.describe('Prompt and output tokens per minute, also the burst. Source: smg rate_limit.'),
  requestsPerMinute: perMinute.describe('Requests per minute, also the burst. Source: smg rate_limit.'),
};

const tenantPolicy = z.strictObject(limits, { error: unknownKeys('a tenant', Object.keys(limits)) });

export const tenantLimitConfig = policyObject('tenant-limit', {
  default: z
    .union([z.literal('none').transform(() => undefined), tenantPolicy])
    .prefault('none')
    .describe("Limits of a tenant without its own, each tenant for itself, or 'none'. Source: smg default_policy."),
  tenants: z.record(z.string(), tenantPolicy).prefault({}).describe('Limits by tenant. Source: smg tenants.'),
});
export type TenantLimitConfig = z.output<typeof tenantLimitConfig>;

export const noRateLimitConfig = policyObject('none', {});
export type NoRateLimitConfig = z.output<typeof noRateLimitConfig>;

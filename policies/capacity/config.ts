/**
 * Configuration of the capacity policies. Defaults are those of smg's WorkerCapacity (worker/capacity.rs,
 * 73da68ca9).
 */
import { z } from 'zod';
import { count, policyObject } from '../config.ts';
import { CAPACITY_MAX } from './inputs.ts';

export const tiersConfig = policyObject('tiers', {
  override: count(0, CAPACITY_MAX)
    .prefault(0)
    .describe('Requests. Pins the capacity whatever the fleet reports; 0 derives it. Source: smg override_capacity.'),
  slotsPerWorker: count(0, CAPACITY_MAX)
    .prefault(64)
    .describe('Requests that a ready worker is worth which does not report. Source: smg slots_per_worker.'),
  legacyMaxConcurrent: count(0, CAPACITY_MAX)
    .prefault(1024)
    .describe('Requests admitted when no worker is known to be ready. Source: smg max_concurrent_requests.'),
  whenNoneHealthy: z
    .enum(['hold', 'legacy'])
    .prefault('hold')
    .describe(
      'After the last ready worker is gone: hold the capacity, or jump to legacyMaxConcurrent. Source: smg defect 10.',
    ),
  whenTooLarge: z
    .enum(['saturate', 'not-reported'])
    .prefault('saturate')
    .describe('A report above 65535 requests counts as 65535, or as none. Source: smg defect 11.'),
});
export type TiersConfig = z.output<typeof tiersConfig>;

export const fixedConfig = policyObject('fixed', {
  max: z
    .union([z.literal('none').transform(() => Infinity), count()], {
      error: "expected a whole number of requests, or 'none'",
    })
    .prefault('none')
    .describe("Requests admitted at once, or 'none' for no limit. Source: smg max-concurrent-requests, -1 is none."),
});
export type FixedConfig = z.output<typeof fixedConfig>;

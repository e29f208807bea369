/** Blocks that say how a run is judged and tried: `recovery:`, `invariants:` and `testMode:`. All are optional. */
import { z } from 'zod';
import { duration } from '../../policies/config.ts';
import { invariants } from './invariants/catalogue.ts';
import { decimal } from './number-schema.ts';

export const recoverySchema = z
  .strictObject({
    within: duration('1us').describe('From the end of the last fault until goodput must be back for good.'),
    ratio: decimal(0.01, 1).default(0.95).describe('Of the good fraction before the first fault. Default 0.95.'),
  })
  .optional()
  .describe('The run must recover, else it is metastable (exit code 6). Default: not judged.');

export const invariantsSchema = z
  .union([z.literal('all'), z.array(z.enum(invariants.map(({ name }) => name))).min(1)])
  .optional()
  .describe('Invariants to hold the run to: all, or names (exit code 3 when one is broken). Default none.');

export const testModeSchema = z
  .strictObject({
    ties: z
      .enum(['in-order', 'shuffled'])
      .default('in-order')
      .describe('Events of one instant that no rule orders: as they were sent, or permuted. Default in-order.'),
    wakeDelay: duration().prefault('0s').describe('Timers of cores fire up to so much late. Default 0s.'),
    cancelDelay: duration()
      .prefault('0s')
      .describe('Cancellations reach workers up to so much late, so that replies come after their end. Default 0s.'),
    check: z
      .boolean()
      .default(false)
      .describe(
        'Cores and workers assert their own invariants after every event (slow), as --check does. Default false.',
      ),
  })
  .optional()
  .describe('What a real host may do to a core: for tests of policies. Default: none of it.');

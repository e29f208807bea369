/** The `clients:` block: what clients do that got no answer. When one loses patience is `clientTimeout`. */
import { z } from 'zod';
import type { PolicyEntry } from '../../policies/index.ts';
import { durationDistribution } from './distribution-schema.ts';
import { policySchema } from '../../policies/schema.ts';

/** The block for policies among the entries. */
export function clientsSchema(entries: readonly PolicyEntry[]) {
  return z
    .strictObject({
      retry: policySchema(entries, 'retry')
        .prefault({ name: 'none' })
        .describe('Whether a client sends again what was not answered, and when: a retry policy. Default none.'),
      retryBudget: policySchema(entries, 'retry-budget')
        .prefault({ name: 'none' })
        .describe('How many retries all clients together may make. Default none: no bound.'),
      shedRetryAfter: durationDistribution()
        .optional()
        .describe("Retry-After of the gateway's own refusals, fixed or drawn for each. Default: they carry none."),
      leave: z
        .enum(['heard', 'unheard'])
        .default('heard')
        .describe(
          'Whether the gateway learns that a client left (clientTimeout). unheard: what it asked for is worked on to ' +
            'the end, as where a closed connection is noticed by nobody. Default heard.',
        ),
    })
    .describe('What clients do that got no answer. Default: nothing.');
}

/** Configuration of the gates: each field bounds what one gateway does to one worker, and names its source. */
import type { z } from 'zod';
import { count, policyObject } from '../config.ts';

export const concurrencyLimitConfig = policyObject('concurrency-limit', {
  max: count(1)
    .prefault(256)
    .describe("Leases one worker may hold at once. Source: vLLM's default max_num_seqs; sglang issue 29104."),
});
export type ConcurrencyLimitConfig = z.output<typeof concurrencyLimitConfig>;

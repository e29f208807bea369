/** Configuration of the gates: each field bounds what one gateway does to one worker, and names its source. */
import type { z } from 'zod';
import { count, durationOrNone, policyObject } from '../config.ts';

export const concurrencyLimitConfig = policyObject('concurrency-limit', {
  max: count(1)
    .prefault(256)
    .describe("Leases one worker may hold at once. Source: vLLM's default max_num_seqs; sglang issue 29104."),
  forgetAfter: durationOrNone('1us')
    .prefault('none')
    .describe(
      "Duration after which a lease counts no longer though it is held, or 'none'. Source: llm-d-router issue 2295.",
    ),
});
export type ConcurrencyLimitConfig = z.output<typeof concurrencyLimitConfig>;

/** Configuration of the busy gate: a threshold for each signal, and how long evidence counts. */
import { z } from 'zod';
import { count, durationOrNone, policyObject, ratio } from '../config.ts';

function orNone<Schema extends z.ZodType<number>>(schema: Schema, expected: string) {
  return z.union([z.literal('none').transform(() => Infinity), schema], { error: `expected ${expected}, or 'none'` });
}

export const busyConfig = policyObject('busy', {
  model: z
    .enum(['values', 'latch', 'seed'])
    .prefault('values')
    .describe('Judge by current values, or as Dynamo did in 2026 or in 2025. Source: dynamo worker_monitor.rs.'),
  kvUsedRatioMax: orNone(ratio(), 'a number from 0 to 1')
    .prefault(0.9)
    .describe("KV blocks used that are not busy yet, of all, or 'none'. Source: smg #2220, token usage 0.9."),
  decodeRatioMax: orNone(ratio(), 'a number from 0 to 1')
    .prefault('none')
    .describe("Blocks of decoding requests, of all, or 'none'. Source: Dynamo active-decode-blocks-threshold."),
  prefillTokensMax: orNone(count(), 'a whole number of tokens')
    .prefault('none')
    .describe("Prompt tokens waiting, or 'none'. Source: Dynamo active-prefill-tokens-threshold."),
  prefillBatchesMax: orNone(z.number().min(0), 'a number of at least 0')
    .prefault('none')
    .describe("Prompt tokens waiting, in batches, or 'none'. Source: Dynamo active-prefill-tokens-threshold-frac."),
  staleAfter: durationOrNone('1us')
    .prefault('30s')
    .describe("Duration after which a report is no evidence, or 'none'. Source: 3 × smg's load-monitor-interval."),
  whenStale: z
    .enum(['probe', 'busy', 'free'])
    .prefault('probe')
    .describe(
      'A worker over before its reports stopped is probed, or free; or the silent are busy. Source: GIE issue 2408.',
    ),
  refusalHold: durationOrNone()
    .prefault('1s')
    .describe("Duration for which a worker that refused is busy, or 'none'. Source: Dynamo #14210."),
});
export type BusyConfig = z.output<typeof busyConfig>;

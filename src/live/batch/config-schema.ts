/**
 * The configuration of `spillway batch`. Its `policies:` block is the one of a scenario: `tasks`, `admission`,
 * `callRetry` and `salvage` run the batch, the others route its calls among the workers. What a batch leaves open is
 * set for a batch: nobody queues at its own gateway, and a failed call is the executor's to repeat.
 */
import { z } from 'zod';
import { count, duration, ratio } from '../../../policies/config.ts';
import type { PolicyEntry } from '../../../policies/entry.ts';
import { type PoliciesConfig, policiesSchema } from '../../../policies/schema.ts';
import { block, size, upstream, workerUrl } from '../proxy/config-schema.ts';
import { BATCH_URLS } from './input-line.ts';

/** Under what is written, role by role. */
const BATCH_POLICIES: Readonly<Record<string, object>> = {
  capacity: { name: 'fixed' },
  queue: { name: 'none' },
  retry: { name: 'none' },
  callRetry: { name: 'datadesigner' },
};
const BATCH_TIMEOUTS = { attempt: '600s' };

function batchPolicies(entries: readonly PolicyEntry[]) {
  return z
    .preprocess(withBatchDefaults, policiesSchema(entries))
    .superRefine((config: PoliciesConfig, context) => {
      if (config.health === undefined) return;
      context.addIssue({ code: 'custom', path: ['health'], message: 'no such policy: a batch does not probe' });
    })
    .prefault({});
}

function withBatchDefaults(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const { timeouts = {} } = given as { readonly timeouts?: unknown };
  const isBlock = typeof timeouts === 'object' && timeouts !== null && !Array.isArray(timeouts);
  return { ...BATCH_POLICIES, ...given, timeouts: isBlock ? { ...BATCH_TIMEOUTS, ...timeouts } : timeouts };
}

const shutdown = z.union([
  z.literal('none').transform(() => undefined),
  block('shutdown', {
    error_ratio: ratio().default(0.5).describe('Failures that cannot heal ÷ outcomes, at which it ends. Default 0.5.'),
    window: count(1, 1e6).default(10).describe('Last outcomes looked at. Default 10, DataDesigner.'),
  }),
]);

/** The whole configuration, for these policy entries. */
export function batchConfigSchema(entries: readonly PolicyEntry[]) {
  return block('the configuration', {
    workers: z
      .array(workerUrl)
      .min(1)
      .max(1000)
      .describe('URLs of one proxy, or of workers.'),
    urls: z
      .array(z.enum(BATCH_URLS))
      .min(1)
      .default([...BATCH_URLS])
      .describe('Paths that rows may name. Default all that are known.'),
    concurrency: count(1, 100_000).default(16).describe('Calls at once at most; fewer after a 429. Default 16.'),
    row_group: count(1, 1e6).default(1000).describe('Rows taken up together. Default 1000, DataDesigner.'),
    row_groups_max: count(1, 10_000).default(3).describe('Row groups open at once. Default 3, DataDesigner.'),
    shutdown: shutdown.prefault('none').describe('When so many rows fail that it ends early, or none. Default none.'),
    reply: size().prefault('64MiB').describe('Of one reply. Default 64MiB.'),
    stop_timeout: duration().prefault('30s').describe('After Ctrl-C, what still runs after that is cut. Default 30s.'),
    upstream: upstream.prefault({}),
    policies: batchPolicies(entries),
  });
}

/** Checked, defaults filled in; durations in microseconds, sizes in bytes. */
export type BatchConfig = z.output<ReturnType<typeof batchConfigSchema>>;

/**
 * Configuration of the routers. Defaults: smg command line and policies/least_load.rs, 73da68ca9, unless a
 * field says else.
 */
import { z } from 'zod';
import { count, durationOrNone, policyObject } from '../config.ts';

export const roundRobinConfig = policyObject('round-robin', {});
export type RoundRobinConfig = z.output<typeof roundRobinConfig>;

export const randomConfig = policyObject('random', {});
export type RandomConfig = z.output<typeof randomConfig>;

/**
 * Three polls of smg's load monitor (load-monitor-interval, 10 s): upstream's horizon since its least_load
 * grew one.
 */
const REPORT_MAX_AGE = '30s';

function reportMaxAge() {
  return durationOrNone()
    .prefault(REPORT_MAX_AGE)
    .describe(
      "Duration after which a load report no longer counts, or 'none'. Source: 3 × smg's load-monitor-interval.",
    );
}

export const powerOfTwoConfig = policyObject('power-of-two', {
  reportMaxAge: reportMaxAge(),
  withoutReports: z
    .enum(['in-flight', 'first-drawn'])
    .prefault('in-flight')
    .describe('Without two fresh reports: compare leases held, or take the first drawn. Source: smg defect 18.'),
});
export type PowerOfTwoConfig = z.output<typeof powerOfTwoConfig>;

export const LEAST_LOAD_DEFAULTS = {
  kvPressureWeight: 0.15,
  defaultThroughput: 2000,
  meanPrefillTokens: 1024,
} as const;

export const leastLoadConfig = policyObject('least-load', {
  kvPressureWeight: z
    .number()
    .min(0)
    .prefault(LEAST_LOAD_DEFAULTS.kvPressureWeight)
    .describe('Seconds: weight of k/(1-k), k the KV usage ratio. Source: smg least-load-kv-pressure-weight.'),
  defaultThroughput: z
    .number()
    .positive()
    .prefault(LEAST_LOAD_DEFAULTS.defaultThroughput)
    .describe('Tokens per second of a worker that reports no rate. Source: smg least-load-default-throughput.'),
  meanPrefillTokens: count(1)
    .prefault(LEAST_LOAD_DEFAULTS.meanPrefillTokens)
    .describe('Tokens of a request whose length is unknown. Source: smg least-load-mean-prefill-tokens.'),
  reportMaxAge: reportMaxAge(),
  credit: z
    .enum(['prompt', 'mean'])
    .prefault('prompt')
    .describe('Tokens a choice adds to its worker until it reports: the prompt, or the mean. Source: smg over HTTP.'),
});
export type LeastLoadConfig = z.output<typeof leastLoadConfig>;

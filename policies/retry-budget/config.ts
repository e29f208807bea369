/** Configuration of the retry budgets. Defaults are those of the systems they come from. */
import { z } from 'zod';
import { count, duration, policyObject, ratio } from '../config.ts';

export const finagleConfig = policyObject('finagle', {
  retryRatio: ratio()
    .prefault(0.2)
    .describe('Ratio 0 to 1: retries per request of the window. Source: finagle percentCanRetry.'),
  minRetriesPerSec: z
    .number()
    .min(0)
    .prefault(10)
    .describe('Retries per second of the window allowed besides, ≥ 0. Source: finagle minRetriesPerSec.'),
  window: duration('1ms').prefault('10s').describe('Duration after which requests and retries no longer count (ttl).'),
});
export type FinagleConfig = z.output<typeof finagleConfig>;

export const grpcConfig = policyObject('grpc', {
  maxTokens: z
    .number()
    .min(0.001)
    .max(1000)
    .prefault(10)
    .describe('Tokens of a full bucket, at most 1000; none is retried at half of it. Source: gRPC A6 maxTokens.'),
  tokenRatio: z
    .number()
    .min(0.001)
    .max(1000)
    .prefault(0.1)
    .describe('Tokens a success gives back, to three decimals; a failure costs 1. Source: gRPC A6 tokenRatio.'),
});
export type GrpcConfig = z.output<typeof grpcConfig>;

export const sreConfig = policyObject('sre', {
  k: z
    .number()
    .min(1)
    .prefault(2)
    .describe('Attempts per accepted one that are let through, ≥ 1. Source: Site Reliability Engineering, chapter 21.'),
  window: duration('1ms')
    .prefault('2m')
    .describe('Duration over which attempts are counted. Source: Site Reliability Engineering, chapter 21.'),
});
export type SreConfig = z.output<typeof sreConfig>;

export const ratioConfig = policyObject('ratio', {
  retryRatio: ratio()
    .prefault(0.2)
    .describe('Ratio 0 to 1: retries under way per lease held. Source: Envoy retry_budget budget_percent.'),
  minRetries: count()
    .prefault(3)
    .describe('Retries that may be under way however few leases are held. Source: Envoy min_retry_concurrency.'),
});
export type RatioConfig = z.output<typeof ratioConfig>;

export const noBudgetConfig = policyObject('none', {});
export type NoBudgetConfig = z.output<typeof noBudgetConfig>;

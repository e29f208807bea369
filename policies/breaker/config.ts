/**
 * Configuration of the circuit breaker. Defaults are the command-line column of smg (cb-failure-threshold 10,
 * cb-success-threshold 3, cb-timeout-duration-secs 60, cb-window-duration-secs 120; 73da68ca9); the primitive's own
 * defaults there are 5 / 2 / 30 s / 60 s. A breaker is turned off by leaving it out of `gates`.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject } from '../config.ts';

const THRESHOLD_MAX = 0xffff_ffff;
const statuses = z.array(z.int().min(100).max(599));

export const breakerConfig = policyObject('breaker', {
  failureThreshold: count(1, THRESHOLD_MAX)
    .prefault(10)
    .describe('Failures that open the circuit. Source: smg cb-failure-threshold.'),
  successThreshold: count(1, THRESHOLD_MAX)
    .prefault(3)
    .describe('Successful probes that close it again. Source: smg cb-success-threshold.'),
  openFor: duration('1us')
    .prefault('60s')
    .describe('Duration without any request after it opened. Source: smg cb-timeout-duration-secs.'),
  window: durationOrNone('1us')
    .prefault('120s')
    .describe("Duration after which a failure no longer counts, or 'none'. Source: smg cb-window-duration-secs."),
  samplesMax: count(1)
    .prefault(20)
    .describe('Newest outcomes looked at, ≥ failureThreshold; equal: only an unbroken run opens. Source: ours.'),
  probesMax: z
    .union([z.literal('none').transform(() => Infinity), count(1)], {
      error: "expected a whole number of probes ≥ 1, or 'none'",
    })
    .prefault(3)
    .describe("Requests tried at once while half-open, or 'none' for no limit. Source: ours; smg defect 2."),
  probeTimeout: duration('1us')
    .prefault('60s')
    .describe('Duration after which an unanswered probe makes room for another. Source: ours.'),
  failureStatuses: statuses
    .prefault([500, 502, 504])
    .describe('HTTP statuses that count as failures. Source: smg retryable set without 408, 429, 503 (sglang 39464).'),
  otherStatuses: z
    .enum(['by-outcome', 'success'])
    .prefault('by-outcome')
    .describe("Any other status: 'by-outcome' takes refusals and 4xx as neutral, or 'success'. Source: smg defect 4."),
  machine: z
    .enum(['fenced', 'lazy'])
    .prefault('fenced')
    .describe("'lazy': consecutive counting, unlimited half-open, expiry noticed when read. Source: smg defects 1-3."),
}).superRefine((config, context) => {
  if (config.machine === 'lazy' || config.samplesMax >= config.failureThreshold) return;
  context.addIssue({ code: 'custom', message: 'expected at least failureThreshold', path: ['samplesMax'] });
});
export type BreakerConfig = z.output<typeof breakerConfig>;

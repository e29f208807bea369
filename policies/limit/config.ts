/**
 * Configuration of the adaptive concurrency limits. Defaults are those of Netflix/concurrency-limits 78a74b9, except
 * the signal: the end of a reply depends on its length more than on the load, its first token on the wait for it.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject, ratio } from '../config.ts';

const LIMIT_MAX = 1_000_000;

/** What every limit has: where it starts, its bounds, and what a sample is. */
export interface LimitSettings {
  readonly signal: 'ttft' | 'e2e';
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  readonly window: number;
  readonly windowSamples: number;
}

function limitFields(defaults: { initial: number; min: number; max: number; window: string }) {
  const { initial, min, max, window } = defaults;
  return {
    signal: z
      .enum(['ttft', 'e2e'])
      .prefault('ttft')
      .describe('Latency from the grant of an attempt to its first token, or to its end. Netflix has the latter only.'),
    initial: count(1, LIMIT_MAX).prefault(initial).describe('Requests: the limit before any sample. Source: Netflix.'),
    min: count(1, LIMIT_MAX).prefault(min).describe('Requests: the limit never falls below. Source: Netflix.'),
    max: count(1, LIMIT_MAX).prefault(max).describe('Requests: the limit never rises above. Source: Netflix.'),
    window: duration()
      .prefault(window)
      .describe("Duration over which samples are averaged into one; '0s' takes each. Source: Netflix WindowedLimit."),
    windowSamples: count(1)
      .prefault(10)
      .describe('Samples that a window waits for however long it takes. Source: Netflix WindowedLimit.'),
  };
}

/** For superRefine: min ≤ initial ≤ max. */
function checkBounds({ initial, min, max }: LimitSettings, context: z.core.$RefinementCtx): void {
  if (min > initial) context.addIssue({ code: 'custom', message: 'expected at least min', path: ['initial'] });
  if (initial > max) context.addIssue({ code: 'custom', message: 'expected at most max', path: ['initial'] });
}

export const aimdConfig = policyObject('aimd', {
  ...limitFields({ initial: 20, min: 20, max: 200, window: '0s' }),
  backoffRatio: z
    .number()
    .min(0.5)
    .lt(1)
    .prefault(0.9)
    .describe('Ratio from 0.5 to below 1: the limit is multiplied by it at a drop. Source: Netflix AIMDLimit.'),
  timeout: durationOrNone('1us')
    .prefault('5s')
    .describe("Duration: a longer latency is a drop too, or 'none'. Source: Netflix AIMDLimit."),
}).superRefine(checkBounds);
export type AimdConfig = z.output<typeof aimdConfig>;

export const vegasConfig = policyObject('vegas', {
  ...limitFields({ initial: 20, min: 1, max: 1000, window: '0s' }),
  smoothing: ratio()
    .prefault(1)
    .describe('Ratio 0 to 1: part of a new limit that is taken over at once. Source: Netflix VegasLimit.'),
  probeMultiplier: count(1)
    .prefault(30)
    .describe('The least latency is measured anew each half to whole this × limit samples. Source: Netflix.'),
}).superRefine(checkBounds);
export type VegasConfig = z.output<typeof vegasConfig>;

export const gradient2Config = policyObject('gradient2', {
  ...limitFields({ initial: 20, min: 20, max: 200, window: '1s' }),
  tolerance: z
    .number()
    .min(1)
    .prefault(1.5)
    .describe('Factor ≥ 1 by which latency may exceed its long average without harm. Source: Netflix Gradient2Limit.'),
  smoothing: ratio()
    .prefault(0.2)
    .describe('Ratio 0 to 1: part of a new limit that is taken over at once. Source: Netflix Gradient2Limit.'),
  queueSize: count()
    .prefault(4)
    .describe('Requests: what the limit grows by while latency is at ease. Source: Netflix Gradient2Limit.'),
  longWindow: count(1)
    .prefault(600)
    .describe('Samples in the long average of latency. Source: Netflix Gradient2Limit.'),
  onDrop: z
    .enum(['shrink', 'ignore'])
    .prefault('shrink')
    .describe('A refused or timed-out attempt is the steepest gradient, or nothing, as in Netflix.'),
}).superRefine(checkBounds);
export type Gradient2Config = z.output<typeof gradient2Config>;

/**
 * Configuration of the retry policies. The formulas count in whole milliseconds, so backoffs must be whole
 * milliseconds. Defaults of `exponential`: smg RetryConfig (config/types.rs, 73da68ca9); of `sglang-8744`:
 * sgl-project/sglang pull 8744.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject, ratio } from '../config.ts';

const ATTEMPTS_MAX = 0xffff_ffff;

function wholeMs(min: string) {
  return duration(min).refine((us) => us % 1000 === 0, 'expected whole milliseconds: the formula counts in them');
}

export interface RetrySettings {
  readonly maxAttempts: number;
  /** Same unit as `maxBackoff`. */
  readonly initialBackoff: number;
  readonly maxBackoff: number;
  readonly backoffMultiplier: number;
  readonly jitterFactor: number;
}

const RULES = {
  maxAttempts: 'expected at least 1 attempt',
  initialBackoff: 'expected more than 0',
  maxBackoff: 'expected at least initialBackoff',
  backoffMultiplier: 'expected at least 1',
  jitterFactor: 'expected 0 to 1',
} as const;

/**
 * The first setting at fault, in upstream's order of checks (smg config/validation.rs); undefined when all
 * are valid.
 */
export function validateRetry(settings: RetrySettings): keyof RetrySettings | undefined {
  if (!(settings.maxAttempts >= 1)) return 'maxAttempts';
  if (!(settings.initialBackoff > 0)) return 'initialBackoff';
  if (!(settings.maxBackoff >= settings.initialBackoff)) return 'maxBackoff';
  if (!(Math.fround(settings.backoffMultiplier) >= 1)) return 'backoffMultiplier';
  const jitter = Math.fround(settings.jitterFactor);
  return jitter >= 0 && jitter <= 1 ? undefined : 'jitterFactor';
}

const RETRY_AFTER = z
  .enum(['honour', 'ignore'])
  .prefault('honour')
  .describe("Whether a worker's Retry-After delays the next attempt when later than the backoff. Source: RFC 9110.");

function inOrder(config: Pick<RetrySettings, 'initialBackoff' | 'maxBackoff'>, context: z.RefinementCtx): void {
  if (config.maxBackoff >= config.initialBackoff) return;
  context.addIssue({ code: 'custom', message: RULES.maxBackoff, path: ['maxBackoff'] });
}

export const exponentialConfig = policyObject('exponential', {
  maxAttempts: count(1, ATTEMPTS_MAX)
    .prefault(5)
    .describe('Attempts in all, the first included; 1 never retries. Source: smg max_retries, misnamed upstream.'),
  initialBackoff: wholeMs('1ms')
    .prefault('50ms')
    .describe('Duration, whole milliseconds: delay after the first failure. Source: smg initial_backoff_ms.'),
  maxBackoff: wholeMs('1ms')
    .prefault('30s')
    .describe('Duration, whole milliseconds: bound of the delay. Source: smg max_backoff_ms.'),
  backoffMultiplier: z
    .number()
    .min(1)
    .prefault(1.5)
    .describe('Factor from one delay to the next, ≥ 1, binary32. Source: smg backoff_multiplier.'),
  jitterFactor: ratio()
    .prefault(0.2)
    .describe('Ratio 0 to 1: the delay is spread by ± this part of itself. Source: smg jitter_factor.'),
  cap: z
    .enum(['after-jitter', 'before-jitter'])
    .prefault('after-jitter')
    .describe('Whether maxBackoff bounds the jittered delay or only its base. Source: smg defect 25.'),
  retryAfter: RETRY_AFTER,
}).superRefine((config, context) => {
  const field = validateRetry(config);
  if (field !== undefined) context.addIssue({ code: 'custom', message: RULES[field], path: [field] });
});
export type ExponentialConfig = z.output<typeof exponentialConfig>;

export const noRetryConfig = policyObject('none', {});
export type NoRetryConfig = z.output<typeof noRetryConfig>;

export const sglang8744Config = policyObject('sglang-8744', {
  maxAttempts: count(1, ATTEMPTS_MAX)
    .prefault(3)
    .describe('Attempts in all, the first included. Source: sglang pull 8744 max_retries.'),
  initialBackoff: wholeMs('2ms')
    .prefault('100ms')
    .describe('Duration, whole milliseconds, ≥ 2 ms (upstream panics below). Source: sglang pull 8744.'),
  maxBackoff: wholeMs('2ms')
    .prefault('10s')
    .describe('Duration, whole milliseconds: bound of the delay before jitter. Source: sglang pull 8744.'),
  backoffMultiplier: z
    .number()
    .min(1)
    .prefault(2)
    .describe('Factor from one delay to the next, ≥ 1. Source: sglang pull 8744.'),
}).superRefine(inOrder);
export type Sglang8744Config = z.output<typeof sglang8744Config>;

export const datadesignerConfig = policyObject('datadesigner', {
  maxAttempts: count(1, ATTEMPTS_MAX)
    .prefault(4)
    .describe('Attempts in all, the first included. Source: DataDesigner max_retries 3, which counts the others.'),
  initialBackoff: duration()
    .prefault('2s')
    .describe('Duration before the first retry, doubled before each other. Source: DataDesigner backoff_factor.'),
  maxBackoff: duration()
    .prefault('60s')
    .describe('Duration: bound of the delay, Retry-After included. Source: DataDesigner max_backoff_wait.'),
  statuses: z
    .array(count(400, 599))
    .prefault([502, 503, 504])
    .describe('HTTP statuses worth another attempt; never 429. Source: DataDesigner retryable_status_codes.'),
  exponentBegins: count(0, 1)
    .prefault(0)
    .describe('Doublings before the first retry: 0 in the executor, 1 in the HTTP transport. Source: DataDesigner.'),
  jitterRatio: ratio()
    .prefault(0)
    .describe('Ratio 0 to 1: most the delay is shortened by. Source: DataDesigner backoff_jitter, transport only.'),
  retryAfter: z
    .enum(['honour', 'ignore'])
    .prefault('ignore')
    .describe("Whether a worker's Retry-After replaces the delay. Source: DataDesigner, by the transport only."),
});
export type DatadesignerConfig = z.output<typeof datadesignerConfig>;

export const jitteredConfig = policyObject('jittered', {
  shape: z
    .enum(['full', 'equal', 'decorrelated', 'none'])
    .prefault('full')
    .describe('How the delay is spread: over all of it, its upper half, up to thrice the last, or not. Source: AWS.'),
  initialBackoff: duration('1us')
    .prefault('100ms')
    .describe('Duration: delay after the first failure, before jitter; least decorrelated one. Source: AWS SDK.'),
  maxBackoff: duration('1us').prefault('20s').describe('Duration: bound of the delay. Source: AWS SDK standard mode.'),
  multiplier: z
    .number()
    .min(1)
    .prefault(2)
    .describe('Factor from one delay to the next, ≥ 1; decorrelated always takes 3. Source: AWS SDK.'),
  maxAttempts: count(1, ATTEMPTS_MAX)
    .prefault(3)
    .describe('Attempts in all, the first included; 1 never retries. Source: AWS SDK standard mode.'),
  retryAfter: RETRY_AFTER,
}).superRefine(inOrder);
export type JitteredConfig = z.output<typeof jitteredConfig>;

export const openaiSdkConfig = policyObject('openai-sdk', {
  maxRetries: count(0, ATTEMPTS_MAX)
    .prefault(2)
    .describe('Retries, the first attempt not counted. Source: openai-node 6.49 maxRetries.'),
  initialBackoff: duration()
    .prefault('500ms')
    .describe('Duration before the first retry, doubled before each other. Source: openai-node 6.49.'),
  maxBackoff: duration()
    .prefault('8s')
    .describe('Duration: bound of the backoff, not of a Retry-After. Source: openai-node 6.49.'),
  jitterRatio: ratio()
    .prefault(0.25)
    .describe('Ratio 0 to 1: most the backoff is shortened by. Source: openai-node 6.49.'),
  retryAfterMax: durationOrNone()
    .prefault('none')
    .describe("Duration: a Retry-After of less is obeyed to the letter, others are ignored; 'none' obeys all."),
});
export type OpenaiSdkConfig = z.output<typeof openaiSdkConfig>;

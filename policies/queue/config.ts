/**
 * Configuration of the queue policies. Defaults of `fifo`: smg command line (queue-size, queue-timeout-secs),
 * 73da68ca9; the other queues share them. Times of `codel` and `adaptive-lifo` are fifty times their sources': those
 * serve in milliseconds, an LLM in seconds, and a wait is long only against the service that follows it.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject, ratio } from '../config.ts';

/** How many may wait, and for how long. */
function bounds(sizeSource: string, timeoutSource: string) {
  return {
    size: count()
      .prefault(100)
      .describe(`Requests that may wait; one more is shed as queue-full. 0: no queue. Source: ${sizeSource}.`),
    timeout: durationOrNone('1us')
      .prefault('60s')
      .describe(`Longest wait of a request, then shed as queue-timeout, or 'none'. Source: ${timeoutSource}.`),
  };
}

export const AS_SMG = bounds('smg queue-size', 'smg queue-timeout-secs');
const AS_FIFO = bounds('as fifo', 'as fifo');

export const fifoConfig = policyObject('fifo', AS_SMG);
export type FifoConfig = z.output<typeof fifoConfig>;

export const noQueueConfig = policyObject('none', {});
export type NoQueueConfig = z.output<typeof noQueueConfig>;

export const codelConfig = policyObject('codel', {
  ...AS_FIFO,
  interval: duration('1us')
    .prefault('5s')
    .describe('Duration in which one wait within target shows a burst, not an overload. Source: ours; folly 100 ms.'),
  target: duration('1us')
    .prefault('500ms')
    .describe('Duration of waiting that is acceptable; overloaded, twice as much is not. Source: ours; folly 5 ms.'),
});
export type CodelConfig = z.output<typeof codelConfig>;

export const adaptiveLifoConfig = policyObject('adaptive-lifo', {
  ...AS_FIFO,
  threshold: duration()
    .prefault('5s')
    .describe('Duration: once the oldest has waited so long, the newest goes first. Source: ours; Facebook 100 ms.'),
});
export type AdaptiveLifoConfig = z.output<typeof adaptiveLifoConfig>;

export const deadlineConfig = policyObject('deadline', {
  ...AS_FIFO,
  prediction: z
    .enum(['observed', 'tokens', 'none'])
    .prefault('observed')
    .describe('Service time: average of attempts that ended ok, from token counts, or 0. Source: ours.'),
  weight: ratio()
    .prefault(0.1)
    .describe('Ratio 0 to 1: part of the observed average that is the newest attempt. Source: ours.'),
  perPromptToken: duration()
    .prefault('100us')
    .describe('Duration of computing one prompt token, for `tokens`. Source: ours; calibrate on your engine.'),
  perOutputToken: duration()
    .prefault('20ms')
    .describe('Duration of one token of maxOutputTokens, for `tokens`. Source: ours; calibrate on your engine.'),
});
export type DeadlineConfig = z.output<typeof deadlineConfig>;

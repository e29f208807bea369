/**
 * Configuration of the queue policies. Defaults of `fifo`: smg command line (queue-size, queue-timeout-secs),
 * 73da68ca9.
 */
import type { z } from 'zod';
import { count, durationOrNone, policyObject } from '../config.ts';

export const fifoConfig = policyObject('fifo', {
  size: count()
    .prefault(100)
    .describe('Requests that may wait; one more is shed as queue-full. 0: no queue. Source: smg queue-size.'),
  timeout: durationOrNone('1us')
    .prefault('60s')
    .describe("Duration a request may wait, then shed as queue-timeout, or 'none'. Source: smg queue-timeout-secs."),
});
export type FifoConfig = z.output<typeof fifoConfig>;

export const noQueueConfig = policyObject('none', {});
export type NoQueueConfig = z.output<typeof noQueueConfig>;

/**
 * The keys that all kinds of fault share: which workers, when, how often, and whether at all. A fault begins once, or
 * every so often, or at random at a rate; what a rate, a draw of workers or a probability comes to is drawn from the
 * seed before the run (`fault-windows.ts`), alike for all policies.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import { decimal, wholeNumber } from './number-schema.ts';

/** Windows of one scenario at most, workers and repetitions counted. */
export const WINDOWS_MAX = 100_000;
export const HOUR_US = 3600e6;
/** The schedule of a kind that has none of its own. */
export const ONCE = { every: Infinity, times: 1, active: 1, fires: 1 } as const;

const index = wholeNumber(0, 1e6);
const indices = z.array(index).min(1).max(10_000);

/** Which workers a fault befalls. */
export const workerSelector = z
  .union(
    [
      index,
      z.literal('all'),
      indices,
      z.strictObject({
        draw: wholeNumber(1, 10_000).describe('So many workers at once, drawn anew for each begin.'),
        of: indices.optional().describe('From these. Default: from all.'),
      }),
    ],
    { error: "the index of a worker, a list of indices, 'all', or {draw: K} with perhaps of: [...]" },
  )
  .describe('Index of the worker in the fleet, from 0; a list of indices; all; or {draw: K, of: [...]}.');
export type WorkerSelector = z.output<typeof workerSelector>;

export const faultName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: 'up to 64 letters, digits, - and _' })
  .optional()
  .describe('Name in reports, and key of its draws. Default: its kind and its place in the list, such as crash-0.');

/** When a fault begins, and how often. */
export const schedule = {
  name: faultName,
  at: duration().describe('When it begins, from the start of the run; with rate: from when on it may.'),
  every: durationOrNone('1us').prefault('none').describe('From begin to begin; none: once. Default none.'),
  times: wholeNumber(1, WINDOWS_MAX).default(1).describe('Begins in all, with every. Default 1.'),
  rate: decimal(0.001, 1e6)
    .optional()
    .describe('Begins an hour at random (Poisson), of each worker or of a draw; with until, without every.'),
  until: duration('1us').optional().describe('With rate: none begins from then on; from the start of the run.'),
  active: decimal(0, 1).default(1).describe('Probability that the fault is there at all in a run. Default 1.'),
  fires: decimal(0, 1)
    .default(1)
    .describe('Probability that a begin takes place, drawn for each and each worker. Default 1.'),
};

/** A schedule as parsed. */
export interface Schedule {
  readonly at: number;
  readonly every: number;
  readonly times: number;
  readonly rate?: number | undefined;
  readonly until?: number | undefined;
  readonly active: number;
  readonly fires: number;
}

/** Adds an issue for keys of a schedule that do not go together; `forUs` is how long the fault lasts each time. */
export function checkSchedule(value: Schedule, forUs: number, context: z.RefinementCtx): void {
  const add = (key: keyof Schedule, message: string): void => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  if (value.rate !== undefined) {
    if (value.every < Infinity || value.times > 1) add('rate', 'without every and times');
    if (value.until === undefined) add('until', 'with rate, the instant from which on none begins');
    else if (value.until <= value.at) add('until', 'after at');
    return;
  }
  if (value.until !== undefined) add('until', 'only with rate');
  if (value.every < Infinity !== value.times > 1) add('times', 'more than 1 with every, 1 without');
  if (value.every < forUs) add('every', 'at least for');
}

/**
 * What may be wrong with a live engine, switched by `POST /faults`: the words of a scenario's `faults:` block, without
 * worker and schedule. Each fault holds until its `for` is over or all are cleared.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, ratio, unknownKeys } from '../../../policies/config.ts';

const window = durationOrNone('1ms').prefault('none').describe('How long it lasts. Default none: until it is cleared.');

function fault<const Kind extends string, const Fields extends z.ZodRawShape>(kind: Kind, fields: Fields) {
  const error = unknownKeys(`the fault '${kind}'`, ['kind', ...Object.keys(fields)]);
  return z.strictObject({ kind: z.literal(kind), ...fields }, { error });
}

const crash = fault('crash', { for: window }).describe(
  'Loses all it runs, holds and cached, and refuses connections; without an end for good.',
);
const restart = fault('restart', {
  load: duration('1ms').describe('What stopping, starting and loading its model takes.'),
}).describe('Stopped and started again: as a crash that lasts until its model is loaded.');
const hang = fault('hang', {
  for: window,
  scope: z
    .enum(['process', 'engine'])
    .default('process')
    .describe('process: metrics and health stop, too; engine: both go on. Default process.'),
}).describe('Accepts and answers nothing; its streams stop. At the end it goes on where it stopped.');
const slow = fault('slow', {
  for: window,
  factor: z.number().min(0.001).max(1e6).describe('Steps begun from now on take so many times as long.'),
});
const errors = fault('errors', {
  for: window,
  ratio: ratio().default(1).describe('Probability that a request fails. Default 1.'),
  status: count(400, 599).default(500).describe('HTTP status of the failure. Default 500.'),
  retryAfter: durationOrNone().prefault('none').describe('Retry-After it carries. Default none.'),
});
const rateLimit = fault('rate-limit', {
  for: window,
  ratio: ratio().default(1).describe('Probability that a request is turned away with 429. Default 1.'),
  retryAfter: durationOrNone().prefault('1s').describe('Retry-After it asks for, or none. Default 1s.'),
});
const cut = fault('cut', {
  for: window,
  ratio: ratio().default(1).describe('Probability that the connection of a request is cut. Default 1.'),
  after: count(0).default(1).describe('Output tokens before the cut; a shorter reply comes whole. Default 1.'),
});
const late = fault('late', {
  for: window,
  by: duration('1ms').describe('Requests reach the engine so much later.'),
}).describe('A slow network before the engine.');

/** What passes between a gateway and a worker, each by paths of its own. */
const TRAFFIC = ['requests', 'reports', 'probes'] as const;
export type Traffic = (typeof TRAFFIC)[number];

const partition = fault('partition', {
  for: window,
  loses: z
    .union([z.enum(TRAFFIC).transform((one) => [one]), z.array(z.enum(TRAFFIC)).min(1)])
    .default([...TRAFFIC])
    .describe('What does not pass: requests (with their replies), reports, probes. Default all of them.'),
}).describe('Engine and gateway do not reach each other. It computes on; what is underway arrives at the end.');

const skew = fault('skew', {
  for: window,
  ahead: duration('1us').optional().describe('Its clock is ahead by so much.'),
  behind: duration('1us').optional().describe('Its clock is behind by so much.'),
})
  .superRefine((value, context) => {
    if ((value.ahead === undefined) !== (value.behind === undefined)) return;
    context.addIssue({ code: 'custom', path: ['ahead'], message: 'one of ahead and behind' });
  })
  .describe('A clock that is wrong: it stamps load reports, replies and the Date header.');

const drain = fault('drain', {
  for: window.describe('Until it is there again; none: never. Default none.'),
  bound: duration()
    .prefault('900s')
    .describe('What it still runs then is lost. Default 900s, DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS.'),
  load: duration().prefault('0s').describe('What loading its model takes when it comes again. Default 0s.'),
})
  .superRefine((value, context) => {
    if (value.for < value.bound) context.addIssue({ code: 'custom', path: ['bound'], message: 'at most for' });
  })
  .describe('Refuses new work, says so when asked for its health, and is gone when it is empty, or after bound.');

const KINDS = [crash, restart, hang, slow, errors, rateLimit, cut, late, partition, skew, drain] as const;
const names = KINDS.map(({ shape }) => shape.kind.value).join(', ');
const one = z.discriminatedUnion('kind', KINDS, { error: `expected an object whose kind is one of ${names}` });
export type EngineFault = z.output<typeof one>;

/** One fault or a list of them. */
export const engineFaultsSchema = z.preprocess(listed, z.array(one).max(100));

function listed(value: unknown): unknown {
  return Array.isArray(value) ? value : [value];
}

/**
 * What may be wrong with a live engine, switched by `POST /faults`: the words of a scenario's `faults:` block, without
 * worker and schedule. Each fault holds until its `for` is over or all are cleared.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, ratio, unknownKeys } from '../../../policies/config.ts';

const window = durationOrNone('1ms').prefault('none').describe('How long it lasts. Default none: until it is cleared.');

function fault<const Kind extends string, const Fields extends z.ZodRawShape>(kind: Kind, fields: Fields) {
  const error = unknownKeys(`the fault '${kind}'`, ['kind', 'for', ...Object.keys(fields)]);
  return z.strictObject({ kind: z.literal(kind), for: window, ...fields }, { error });
}

const crash = fault('crash', {}).describe('Loses all it runs and refuses connections; without an end for good.');
const hang = fault('hang', {
  scope: z
    .enum(['process', 'engine'])
    .default('process')
    .describe('process: metrics and health stop, too; engine: both go on. Default process.'),
}).describe('Accepts and answers nothing; its streams stop. At the end it goes on where it stopped.');
const slow = fault('slow', {
  factor: z.number().min(0.001).max(1e6).describe('Steps begun from now on take so many times as long.'),
});
const errors = fault('errors', {
  ratio: ratio().default(1).describe('Probability that a request fails. Default 1.'),
  status: count(400, 599).default(500).describe('HTTP status of the failure. Default 500.'),
  retryAfter: durationOrNone().prefault('none').describe('Retry-After it carries. Default none.'),
});
const rateLimit = fault('rate-limit', {
  ratio: ratio().default(1).describe('Probability that a request is turned away with 429. Default 1.'),
  retryAfter: durationOrNone().prefault('1s').describe('Retry-After it asks for, or none. Default 1s.'),
});
const cut = fault('cut', {
  ratio: ratio().default(1).describe('Probability that the connection of a request is cut. Default 1.'),
  after: count(0).default(1).describe('Output tokens before the cut; a shorter reply comes whole. Default 1.'),
});
const late = fault('late', {
  by: duration('1ms').describe('Requests reach the engine so much later.'),
}).describe('A slow network before the engine.');

const one = z.discriminatedUnion('kind', [crash, hang, slow, errors, rateLimit, cut, late]);
export type EngineFault = z.output<typeof one>;

/** One fault or a list of them. */
export const engineFaultsSchema = z.union([one.transform((each) => [each]), z.array(one).max(100)]);

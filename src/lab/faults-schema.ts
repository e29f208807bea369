/**
 * The `faults:` block: what goes wrong, where and when. Each kind has a window that opens at `at` for `for`, by a
 * schedule that all kinds share. Worker indices follow the fleet's order. A worker that flaps is a crash with `every`
 * and `times`; workers lost together are a crash of `{draw: K}`.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import { tokenDistribution } from './distribution-schema.ts';
import { checkSchedule, faultName, schedule, type Schedule, workerSelector as worker } from './fault-schedule.ts';
import { decimal, wholeNumber, wholeNumberOrNone } from './number-schema.ts';

const window = durationOrNone('1us').describe('How long it lasts; none: to the end of the run.');
const load = duration().describe('What loading its model takes; until then it refuses connections.');

const checkWindow = (value: Schedule & { readonly for: number }, context: z.RefinementCtx): void => {
  checkSchedule(value, value.for, context);
};

const crash = z
  .strictObject({ kind: z.literal('crash'), worker, ...schedule, for: window })
  .superRefine(checkWindow)
  .describe('Loses all it runs, holds and cached; refuses connections until it is back. Nobody announces it.');

const restart = z
  .strictObject({
    kind: z.literal('restart'),
    worker,
    ...schedule,
    load: duration('1us').describe('What stopping, starting and loading its model takes.'),
  })
  .superRefine((value, context) => checkSchedule(value, value.load, context))
  .describe('Stopped and started again: as a crash, but the gateway is told when it goes and when it is back.');

const hang = z
  .strictObject({
    kind: z.literal('hang'),
    worker,
    ...schedule,
    for: duration('1us').describe('How long it lasts; one that should not end is one that a crash ends.'),
    scope: z
      .enum(['process', 'engine'])
      .default('process')
      .describe('process: load reports and probes stop, too; engine: both go on. Default process.'),
  })
  .superRefine(checkWindow)
  .describe('Accepts and answers nothing; its streams stop. At the end it goes on where it stopped.');

const half = z
  .strictObject({
    kind: z.literal('half'),
    worker,
    ...schedule,
    for: window,
    side: z.enum(['prefill', 'decode']).describe('Which half.'),
  })
  .superRefine(checkWindow)
  .describe('One half of a disaggregated worker is gone as in a crash; what needs it fails, in the other half, too.');

const link = z
  .strictObject({
    kind: z.literal('link'),
    worker,
    ...schedule,
    for: window,
    factor: decimal(0, 1e6).default(0).describe('Times its bandwidth that it carries; 0: nothing. Default 0.'),
  })
  .superRefine(checkWindow)
  .describe('The link between the halves of a disaggregated worker is slow or lost.');

const slow = z
  .strictObject({
    kind: z.literal('slow'),
    worker,
    ...schedule,
    for: window,
    factor: decimal(0.001, 1e6).describe('Steps begun in the window take so many times as long.'),
  })
  .superRefine(checkWindow)
  .describe('A slow worker.');

const errors = z
  .strictObject({
    kind: z.literal('errors'),
    worker,
    ...schedule,
    for: window,
    ratio: decimal(0, 1).describe('Probability that an attempt fails, 0 to 1.'),
    status: wholeNumber(400, 599).default(500).describe('HTTP status of the failure. Default 500.'),
    retryAfter: durationOrNone().prefault('none').describe('Retry-After it carries. Default none.'),
  })
  .superRefine(checkWindow)
  .describe('A worker that fails some of what reaches it.');

const rateLimit = z
  .strictObject({
    kind: z.literal('rate-limit'),
    worker,
    ...schedule,
    for: window,
    ratio: decimal(0, 1).default(1).describe('Probability that an attempt is turned away, 0 to 1. Default 1.'),
    retryAfter: durationOrNone().prefault('1s').describe('Retry-After it asks for, or none. Default 1s.'),
  })
  .superRefine(checkWindow)
  .describe('A worker that turns away what reaches it with HTTP status 429.');

const cut = z
  .strictObject({
    kind: z.literal('cut'),
    worker,
    ...schedule,
    for: window,
    ratio: decimal(0, 1).describe('Probability that the connection of an attempt is cut, 0 to 1.'),
    after: tokenDistribution()
      .optional()
      .describe('Output tokens before the cut, fixed or drawn. Default 1, or none with age or silence.'),
    age: duration('1us').optional().describe('Cut so long after the request reached the worker, whatever came.'),
    silence: duration('1us')
      .optional()
      .describe('Cut when no token has come for so long, up to the first one: an idle timeout of what lies between.'),
  })
  .superRefine((value, context) => {
    checkWindow(value, context);
    const [, second] = (['after', 'age', 'silence'] as const).filter((key) => value[key] !== undefined);
    if (second === undefined) return;
    context.addIssue({ code: 'custom', path: [second], message: 'one of after, age and silence' });
  })
  .describe('Connections cut in the midst of a reply; a reply of fewer tokens comes whole.');

const TRAFFIC = ['requests', 'reports', 'probes'] as const;
const partition = z
  .strictObject({
    kind: z.literal('partition'),
    worker,
    ...schedule,
    for: window,
    loses: z
      .union([z.enum(TRAFFIC).transform((one) => [one]), z.array(z.enum(TRAFFIC)).min(1)])
      .default([...TRAFFIC])
      .describe('What does not pass: requests (with their replies), reports, probes. Default all of them.'),
  })
  .superRefine((value, context) => {
    checkWindow(value, context);
    if (value.for < Infinity || !value.loses.includes('requests')) return;
    const message = 'a duration: what belongs to requests waits for the end';
    context.addIssue({ code: 'custom', path: ['for'], message });
  })
  .describe('Gateway and worker do not reach each other: reports and probes are lost, requests and replies wait.');

const skew = z
  .strictObject({
    kind: z.literal('skew'),
    worker,
    ...schedule,
    for: window,
    ahead: duration('1us').optional().describe('Its clock is ahead by so much.'),
    behind: duration('1us').optional().describe('Its clock is behind by so much.'),
  })
  .superRefine((value, context) => {
    checkWindow(value, context);
    if ((value.ahead === undefined) !== (value.behind === undefined)) return;
    context.addIssue({ code: 'custom', path: ['ahead'], message: 'one of ahead and behind' });
  })
  .describe('A clock that is wrong. It stamps load reports, and matters with reports.stamps: worker.');

const said = (what: string) => wholeNumberOrNone(0).optional().describe(`${what}, or none: it is left out.`);
const says = z
  .strictObject({
    running: said('Requests that run'),
    waiting: said('Requests that wait'),
    kvUsedBlocks: said('KV blocks used'),
    kvTotalBlocks: said('KV blocks there are'),
    decodeBlocks: said('KV blocks of decoding requests'),
    prefillTokens: said('Prompt tokens that wait'),
    maxRunning: said('Requests that may run'),
    generatedTokensPerSec: said('Generated tokens a second'),
  })
  .superRefine((value, context) => {
    if (Object.keys(value).length > 0) return;
    context.addIssue({ code: 'custom', message: 'at least one field of a load report' });
  })
  .describe('Fields of the report, with what they say; others are as they should be.');

const misreport = z
  .strictObject({
    kind: z.literal('misreport'),
    worker,
    ...schedule,
    for: window,
    ratio: decimal(0, 1).default(1).describe('Probability that a report is altered, 0 to 1. Default 1.'),
    says,
  })
  .superRefine(checkWindow)
  .describe('Load reports that are wrong: a second publisher writes the same fields, or one of several went quiet.');

const join = z
  .strictObject({
    kind: z.literal('join'),
    worker,
    name: faultName,
    at: duration().describe('When it joins, from the start of the run.'),
    load,
  })
  .describe('A worker that is not there at first: it joins, loads its model, and is ready.');

const drain = z
  .strictObject({
    kind: z.literal('drain'),
    worker,
    ...schedule,
    for: durationOrNone('1us').prefault('none').describe('From at until it joins again; none: never. Default none.'),
    bound: duration()
      .prefault('900s')
      .describe('What it still runs then is lost. Default 900s, DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS.'),
    load: load.prefault('0s').describe('What loading its model takes when it joins again. Default 0s.'),
    notice: duration()
      .prefault('0s')
      .describe('The gateway hears of it so much late, chooses it until then, and is refused. Default 0s.'),
  })
  .superRefine((value, context) => {
    checkWindow(value, context);
    if (value.for < value.bound) context.addIssue({ code: 'custom', path: ['bound'], message: 'at most for' });
    if (value.bound < value.notice) context.addIssue({ code: 'custom', path: ['notice'], message: 'at most bound' });
  })
  .describe('A worker that takes no new work and leaves the fleet when it is empty, or after bound.');

const stall = z
  .strictObject({
    kind: z.literal('stall'),
    host: z
      .enum(['gateway', 'builder'])
      .default('gateway')
      .describe("Whose CPU: the gateway's, or the dataset builder's. Default gateway."),
    ...schedule,
    for: duration('1us').describe('How long the host does nothing else.'),
  })
  .superRefine(checkWindow)
  .describe('A host CPU is busy with something else.');

/** The `faults:` block. */
export const faultsSchema = z
  .array(
    z.discriminatedUnion('kind', [
      crash,
      restart,
      hang,
      half,
      link,
      slow,
      errors,
      rateLimit,
      cut,
      partition,
      skew,
      misreport,
      join,
      drain,
      stall,
    ]),
  )
  .max(10_000)
  .describe('What goes wrong. Default: nothing.');
export type ParsedFaults = z.output<typeof faultsSchema>;
export type ParsedFault = ParsedFaults[number];

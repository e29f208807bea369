/**
 * The `faults:` block: what goes wrong, where and when. Each is a window that opens at `at` for `for`. Worker
 * indices follow the fleet's order; `all` means each of them.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import type { FaultConfig } from '../sim/config.ts';
import { decimal, wholeNumber } from './number-schema.ts';

const worker = z
  .union([wholeNumber(0, 1e6), z.literal('all')], { error: "the index of a worker, or 'all'" })
  .describe('Index of the worker in the fleet, from 0, or all.');
const at = duration().describe('When it begins, from the start of the run.');
const window = durationOrNone('1us').describe('How long it lasts; none: to the end of the run.');

const crash = z
  .strictObject({ kind: z.literal('crash'), worker, at, for: window })
  .describe('Loses all it runs, holds and cached; refuses connections until it is back.');
const slow = z
  .strictObject({
    kind: z.literal('slow'),
    worker,
    at,
    for: window,
    factor: decimal(0.001, 1e6).describe('Steps begun in the window take so many times as long.'),
  })
  .describe('A slow worker.');
const errors = z
  .strictObject({
    kind: z.literal('errors'),
    worker,
    at,
    for: window,
    ratio: decimal(0, 1).describe('Probability that an attempt fails, 0 to 1.'),
    status: wholeNumber(400, 599).default(500).describe('HTTP status of the failure. Default 500.'),
    retryAfter: durationOrNone().prefault('none').describe('Retry-After it carries. Default none.'),
  })
  .describe('A worker that fails some of what reaches it.');
const stall = z
  .strictObject({
    kind: z.literal('stall'),
    at,
    for: duration('1us').describe('How long the host does nothing else.'),
    every: durationOrNone('1us').prefault('none').describe('From stall to stall; none: once. Default none.'),
    times: wholeNumber(1, 1e6).default(1).describe('Stalls in all. Default 1.'),
  })
  .superRefine((value, context) => {
    const add = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    if (value.every < Infinity !== value.times > 1) add('times', 'more than 1 with every, 1 without');
    if (value.every < value.for) add('every', 'at least for');
  })
  .describe("The gateway's host CPU is busy with something else.");

/** The `faults:` block. */
export const faultsSchema = z
  .array(z.discriminatedUnion('kind', [crash, slow, errors, stall]))
  .max(10_000)
  .describe('What goes wrong. Default: nothing.');
type ParsedFaults = z.output<typeof faultsSchema>;

/** Adds an issue for each fault whose worker is not in a fleet of `workers`. */
export function checkFaultWorkers(faults: ParsedFaults, workers: number, context: z.RefinementCtx): void {
  faults.forEach((fault, index) => {
    if (fault.kind === 'stall' || fault.worker === 'all' || fault.worker < workers) return;
    const message = `a worker of the fleet, 0 to ${workers - 1}, or 'all'`;
    context.addIssue({ code: 'custom', path: ['faults', index, 'worker'], message });
  });
}

/** One entry a worker and window, in the order written. */
export function faultConfigs(faults: ParsedFaults, workers: number): FaultConfig[] {
  return faults.flatMap((fault): FaultConfig[] => {
    if (fault.kind === 'stall') {
      return [{ kind: 'stall', at: fault.at, forUs: fault.for, everyUs: fault.every, times: fault.times }];
    }
    const indices = fault.worker === 'all' ? Array.from({ length: workers }, (_, i) => i) : [fault.worker];
    return indices.map((index) => workerFault(fault, index));
  });
}

function workerFault(fault: Exclude<ParsedFaults[number], { kind: 'stall' }>, worker: number): FaultConfig {
  const window = { at: fault.at, forUs: fault.for, worker };
  switch (fault.kind) {
    case 'crash':
      return { kind: 'crash', ...window };
    case 'slow':
      return { kind: 'slow', ...window, factor: fault.factor };
    case 'errors': {
      const retryAfterUs = fault.retryAfter === Infinity ? -1 : fault.retryAfter;
      return { kind: 'errors', ...window, ratio: fault.ratio, status: fault.status, retryAfterUs };
    }
    default:
      return fault satisfies never;
  }
}

/**
 * The file of `--space`: what a campaign draws. Everything is optional: an empty file is the whole space.
 *
 *     base: my-scenario.yaml           # or a mapping: blocks of a scenario; what it says is not drawn
 *     draw: [faults, policies.queue]   # default: every block that the base does not have
 *     faults: [crash, errors]          # kinds; default: all
 *     policies: {router: [round-robin, random]}   # names to draw from; default: all, and yours where you have any
 *     vary:                            # paths of the scenario, drawn beside the blocks and laid over them
 *       fleet.0.count: [1, 8]          # two numbers or two durations: anything from the first to the second
 *       policies.queue.timeout: [1s, 60s]
 *       policies.router.name: [random, round-robin, least-load]   # any other list: one of its values
 *       seed: {values: [1, 2]}         # one of two values
 */
import { z } from 'zod';
import { parsePath } from '../overrides.ts';
import { FAULT_KINDS } from './drawn-faults.ts';
import { POLICY_KEYS } from './drawn-policies.ts';

/** Blocks that a campaign draws, in the order in which shrinking leaves them out. */
export const FEATURES = [
  ...['testMode', 'recovery', 'faults', 'host', 'reports', 'network', 'health', 'clientTimeout'],
  ...['policies.timeouts', 'policies.excludeFailedWorkers'],
  ...Object.keys(POLICY_KEYS).map((key) => `policies.${key}`),
  ...['workload', 'fleet'],
] as const;

const text = z.string().min(1);

const path = z.string().refine((given) => parsePath(given) !== undefined, {
  error: 'a dotted path such as fleet.0.engine.blocks',
});

const range = z.union([
  z.array(z.unknown()).min(1),
  z.strictObject({ values: z.array(z.unknown()).min(1).describe('One of these.') }),
]);

export const spaceSchema = z.strictObject({
  base: z
    .union([text, z.record(z.string(), z.unknown())])
    .optional()
    .describe('A scenario file, relative to this one, or blocks of a scenario: they are kept as they are.'),
  draw: z
    .array(z.enum(FEATURES))
    .optional()
    .describe('Blocks that are drawn, in place of those of the base. Default: all that the base does not have.'),
  faults: z.array(z.enum(FAULT_KINDS)).min(1).optional().describe('Kinds of fault to draw. Default: all.'),
  policies: z
    .partialRecord(z.enum(Object.keys(POLICY_KEYS)), z.array(text).min(1))
    .optional()
    .describe('Names of the policies to draw from, by key of the policies block. Default: all, or your own.'),
  vary: z.record(path, range).optional().describe('Dotted path → [least, most], or a list of values.'),
});
export type SpaceFile = z.output<typeof spaceSchema>;
export type SpaceInput = z.input<typeof spaceSchema>;

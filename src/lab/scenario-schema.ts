/**
 * The scenario file: one world, what is wrong with it, the policies under test, named variants of it, and
 * what is expected of the results. Every block is strict: a key nobody reads is an error, since peers that
 * ignore such keys are most often reported for it. Durations carry units; the parsed form has microseconds
 * and Infinity for `none`.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import { type PolicyEntry, policyEntries } from '../../policies/index.ts';
import { policiesSchema } from '../../policies/schema.ts';
import { clientsSchema } from './clients-schema.ts';
import { expectationSchema } from './expect-schema.ts';
import { checkFaults } from './fault-checks.ts';
import { faultsSchema } from './faults-schema.ts';
import { fleetSchema, halvedWorkers } from './fleet-schema.ts';
import { hostSchema } from './host-schema.ts';
import { healthSchema, networkSchema, reportsSchema } from './network-schema.ts';
import { wholeNumber, wholeNumberOrNone } from './number-schema.ts';
import { invariantsSchema, recoverySchema, testModeSchema } from './verdict-schema.ts';
import { checkSymptoms, pairSchema, symptomsSchema } from './symptom-schema.ts';
import { checkWindows, windowsSchema } from './window-schema.ts';
import { workloadSchema } from './workload-schema.ts';

/** Name of the scenario as written, before any variant; no variant may have it. */
export const BASE_VARIANT = 'base';

const slo = z
  .strictObject({
    ttft: durationOrNone('1us')
      .prefault('none')
      .describe('Time to first token, from client send. Default none.'),
    tpot: durationOrNone('1us')
      .prefault('none')
      .describe('Time per output token after the first. Default none.'),
    e2e: durationOrNone('1us').prefault('none').describe('From client send to last token. Default none.'),
  })
  .describe('Service-level objectives that goodput counts; none: not asked.');

const limits = z
  .strictObject({
    drain: duration('1us')
      .prefault('1h')
      .describe('From the last arrival until what is unfinished ends the run. Default 1h.'),
    events: wholeNumberOrNone(1, Number.MAX_SAFE_INTEGER)
      .prefault('none')
      .describe('Kernel events. Default none.'),
    warmup: duration()
      .prefault('0s')
      .describe('Latencies leave out requests sent before it; ITL and counts do not. Default 0s.'),
  })
  .describe('Bounds of a run.');

const overridePath = z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/, {
  error: 'a dotted path such as fleet.0.engine.blocks',
});
const variant = z.strictObject({
  why: z.string().optional().describe('What it shows.'),
  set: z.record(overridePath, z.unknown())
    .describe('Dotted path of the scenario → value that replaces what is there.'),
});
const variantName = z.string().regex(/^(?!base$)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, {
  error: `up to 64 letters, digits, - and _, and not ${BASE_VARIANT}`,
});

/** Blocks of the scenario that describe one world, but for `policies`; variants and `--set` reach these. */
const world = {
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1).describe('Root of all random streams. Default 1.'),
  fleet: fleetSchema,
  network: networkSchema.prefault({}),
  reports: reportsSchema.prefault({}),
  health: healthSchema.prefault({}),
  host: hostSchema.describe('CPU costs of the single-threaded gateway. Default: no cost.').prefault({}),
  workload: workloadSchema.describe('Who sends what, and when.'),
  clientTimeout: durationOrNone('1us')
    .prefault('none')
    .describe('When a client leaves; none: it waits. Default none.'),
  faults: faultsSchema.default([]),
  slo: slo.prefault({}),
  limits: limits.prefault({}),
  recovery: recoverySchema,
  invariants: invariantsSchema,
  testMode: testModeSchema,
};

const scenarioName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,99}$/, { error: 'lower-case letters, digits and -' });
const prose = z.string().trim().min(1, { error: 'prose of at least one sentence' });

/** A whole scenario file whose policies are among the entries. */
export function scenarioSchemaOf(entries: readonly PolicyEntry[]) {
  const policies = policiesSchema(entries)
    .prefault({})
    .describe("The gateway's policies; `spillway policies` lists them.");
  return z
    .strictObject({
      name: scenarioName
        .describe('Short name.'),
      why: prose.describe('What it shows and why that matters; the first sentence is its title.'),
      source: prose.describe('URL or text: where the situation and its numbers come from.'),
      ...world,
      policies,
      clients: clientsSchema(entries).optional(),
      windows: windowsSchema,
      variants: z.record(variantName, variant).default({}).describe('Named overrides of the world above.'),
      expect: z.array(expectationSchema)
        .default([])
        .describe('Assertions on results; a failed one ends with exit code 1.'),
      symptoms: symptomsSchema,
      pair: pairSchema,
    })
    .superRefine((scenario, context) => {
      // What refers to another block is checked once the blocks themselves are right.
      if (context.issues.length > 0) return;
      checkFaults(scenario.faults, halvedWorkers(scenario.fleet), context);
      checkWindows(scenario, context);
      checkSymptoms(scenario, BASE_VARIANT, context);
      if (scenario.workload.kind === 'dataset' && scenario.clients !== undefined) {
        const message = 'no clients: the calls of a dataset are its builder’s, see policies.callRetry';
        context.addIssue({ code: 'custom', path: ['clients'], message });
      }
      const names = [BASE_VARIANT, ...Object.keys(scenario.variants)];
      scenario.expect.forEach((expectation, index) => {
        if (names.includes(expectation.variant)) return;
        context.addIssue({ code: 'custom', path: ['expect', index, 'variant'], message: names.join(', ') });
      });
    });
}
export type ScenarioSchema = ReturnType<typeof scenarioSchemaOf>;

/** Of the shipped policies, made once. */
export const scenarioSchema: ScenarioSchema = scenarioSchemaOf(policyEntries);
export type ParsedScenario = z.output<typeof scenarioSchema>;

/** JSON Schema (draft 2020-12) of scenario files as written, for editors. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(scenarioSchema, { io: 'input' });
  return { $schema, title: 'Spillway scenario', ...rest };
}

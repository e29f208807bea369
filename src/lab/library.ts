/**
 * `spillway/lab`: the lab as a library, for a test of your own policies with your own runner and fast-check.
 * `scenarioArbitrary` draws whole scenarios, `runScenario` runs one and says which promises it broke, `invariants` are
 * those that come with Spillway. What a scenario is, and that equal ones are one history, is as on the command line: a
 * counterexample, saved as YAML or JSON, is a file for `spillway run`.
 */
import type fc from 'fast-check';
import { type PolicyEntry, policyEntries } from '../../policies/index.ts';
import type { RunResult } from '../results/result.ts';
import { runChecked } from './checked-run.ts';
import { resolveDocument } from './fuzz/drawn-run.ts';
import { type Failure, failuresOf } from './fuzz/failure.ts';
import { documentArbitrary, type ScenarioDocument } from './fuzz/scenario-arbitrary.ts';
import { scenarioText } from './fuzz/scenario-text.ts';
import { spaceOfValue } from './fuzz/space.ts';
import type { SpaceInput } from './fuzz/space-schema.ts';
import { invariants } from './invariants/catalogue.ts';
import type { Invariant } from './invariants/invariant.ts';
import { runScenario as runResolved } from './run.ts';
import { type ScenarioSchema, scenarioSchema, scenarioSchemaOf } from './scenario-schema.ts';
import { withOwnPolicies } from './user-policies.ts';

export { invariants };
export type { Failure } from './fuzz/failure.ts';
export type { ScenarioDocument } from './fuzz/scenario-arbitrary.ts';
export type { SpaceInput } from './fuzz/space-schema.ts';
export type * from './invariants/invariant.ts';
export type { RunResult } from '../results/result.ts';

export interface ArbitraryOptions {
  /** Policies of your own; every scenario has one for each role that they play. Give `runScenario` the same array. */
  readonly policies?: readonly PolicyEntry[] | undefined;
  /** What is fixed and what is drawn, as the file of `spillway fuzz --space` says it. Default: everything is drawn. */
  readonly space?: SpaceInput | undefined;
}

/** Whole scenarios, as plain data. Shrinks to few blocks, faults, requests. Throws on a wrong policy or space. */
export function scenarioArbitrary({ policies, space = {} }: ArbitraryOptions = {}): fc.Arbitrary<ScenarioDocument> {
  return documentArbitrary(spaceOfValue(space), known(policies).entries);
}

export interface ScenarioRunOptions {
  /** Policies of your own, by the names that the scenario gives them. */
  readonly policies?: readonly PolicyEntry[] | undefined;
  /** Promises to hold the run to. Default: all that come with Spillway. */
  readonly invariants?: readonly Invariant[] | undefined;
}

export interface ScenarioRun {
  /** Broken promises, a policy at fault first, each promise once; empty: all were kept. */
  readonly failures: readonly Failure[];
  /** Metrics of the run; undefined when a policy at fault or a broken assert ended it in its midst. */
  readonly result: RunResult | undefined;
}

/** Runs a scenario to its end. Rejects on a scenario that is wrong; a policy that is wrong is a failure. */
export async function runScenario(
  scenario: ScenarioDocument,
  { policies, invariants: held = invariants }: ScenarioRunOptions = {},
): Promise<ScenarioRun> {
  const { entries, schema } = known(policies);
  const world = resolveDocument(scenario, schema, undefined);
  const run = await runChecked(runResolved, world, held, { entries });
  return { failures: failuresOf(run, world), result: run.outcome?.result };
}

/** A scenario as the text of a file for `spillway run`. */
export function scenarioYaml(scenario: ScenarioDocument, why = 'A scenario that was drawn.'): string {
  return scenarioText(scenario, { name: 'drawn', why, source: 'spillway/lab', comments: [] });
}

interface Known {
  readonly entries: readonly PolicyEntry[];
  readonly schema: ScenarioSchema;
}

/** A schema takes longer to build than a scenario to run. */
const knownBefore = new WeakMap<readonly PolicyEntry[], Known>();

function known(policies: readonly PolicyEntry[] | undefined): Known {
  if (policies === undefined) return { entries: policyEntries, schema: scenarioSchema };
  const before = knownBefore.get(policies);
  if (before !== undefined) return before;
  const entries = withOwnPolicies(policies, 'policies');
  const made = { entries, schema: scenarioSchemaOf(entries) };
  knownBefore.set(policies, made);
  return made;
}

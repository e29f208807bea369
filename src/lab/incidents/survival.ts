/**
 * Do the repaired policies of an incident survive in worlds like it? Each draw is a world from its neighbourhood, run
 * under every invariant of the lab; it has survived when it ends by itself, holds nothing, and breaks no promise.
 * Whether it recovers is not asked: a drawn load may be more than the drawn fleet can carry. For the same reason it may
 * take a month to drain.
 */
import { policyEntries } from '../../../policies/index.ts';
import { runChecked } from '../checked-run.ts';
import { invariants } from '../invariants/catalogue.ts';
import { applyOverride } from '../overrides.ts';
import { resolveParsed } from '../resolve.ts';
import { runScenario } from '../run.ts';
import { parseWorld, type Scenario, variantOverrides } from '../scenario.ts';
import { scenarioSchemaOf } from '../scenario-schema.ts';
import { parseWith } from '../schema-issues.ts';
import type { JsonMapping } from './document-numbers.ts';
import { neighbour } from './neighbourhood.ts';
import { thinned } from './thinned.ts';

/** A draw that did not survive. */
export interface Casualty {
  readonly draw: number;
  /** What it broke, a line each. */
  readonly broken: readonly string[];
  /** The world as a scenario, for `spillway run`. */
  readonly document: unknown;
}

export interface DrawReport {
  readonly casualties: readonly Casualty[];
  /** Draws that no scenario may say; each was replaced by the next. */
  readonly refused: number;
}

/** Blocks that speak of the results of the scenario as written. */
const JUDGING: readonly string[] = ['variants', 'expect', 'symptoms', 'pair', 'windows', 'recovery', 'invariants'];
/** Of one draw, refused documents at most. */
const REFUSED_MAX = 50;
/** From the last arrival; the longest of them ends after hours. */
const DRAIN = '720h';
/** Documents of one draw lie so far apart in the sequence. */
const STRIDE = 1000;

/**
 * Draws `from` up to, not including, `to`, each with so long to drain. Throws ScenarioError when the scenario has no
 * repaired variant.
 */
export async function survive(
  scenario: Scenario,
  seed: number,
  from: number,
  to: number,
  drain = DRAIN,
): Promise<DrawReport> {
  const document = repairedDocument(scenario, drain);
  const casualties: Casualty[] = [];
  let refused = 0;
  for (let draw = from; draw < to; draw++) {
    const { world, tries } = drawn(document, seed, draw);
    refused += tries;
    const { broken, outcome, fault } = await runChecked(
      runScenario,
      resolveParsed(world.parsed, undefined),
      invariants,
    );
    const lines = broken.map(({ invariant, message }) => `${invariant}: ${message}`);
    if (fault !== undefined) lines.push(fault instanceof Error ? fault.message : JSON.stringify(fault));
    if (outcome !== undefined && outcome.status !== 'ok') lines.push(`it ends ${outcome.status}`);
    if (lines.length > 0) casualties.push({ draw, broken: lines, document: world.document });
  }
  return { casualties, refused };
}

const schema = scenarioSchemaOf(policyEntries);

/** The first document of the draw that is a scenario. */
function drawn(document: JsonMapping, seed: number, draw: number) {
  for (let tries = 0; tries < REFUSED_MAX; tries++) {
    const moved = neighbour(document, seed, draw * STRIDE + tries);
    const parsed = parseWith(schema, moved);
    if ('data' in parsed) return { world: { parsed: parsed.data, document: moved }, tries };
  }
  throw new Error(`${REFUSED_MAX} draws in a row are no scenarios: their numbers do not go together`);
}

/** The scenario as its repaired variant has it, thinned, without variants and what judges its results. */
function repairedDocument(scenario: Scenario, drain: string): JsonMapping {
  const overrides = variantOverrides(scenario.yaml, scenario.base, scenario.base.pair.after);
  let value: unknown = scenario.yaml.value;
  for (const override of overrides) {
    const applied = applyOverride(value, override);
    if ('error' in applied) throw new Error(applied.error);
    value = applied.value;
  }
  const blocks = Object.entries(value as JsonMapping).filter(([block]) => !JUDGING.includes(block));
  const document = thinned(Object.fromEntries(blocks), parseWorld(scenario, overrides));
  return { ...document, limits: { ...(document['limits'] as JsonMapping | undefined), drain } };
}

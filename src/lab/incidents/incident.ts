/**
 * An incident: a shipped scenario with symptoms, its variants run, its expectations held against the results, and what
 * its reporter saw beside what we see.
 */
import { valueAt, type LeafValue } from '../../results/compare-values.ts';
import type { RunResult } from '../../results/result.ts';
import { firstSentence, shippedName, shippedScenarios } from '../catalog.ts';
import { checkExpectations, type ExpectationOutcome } from '../expect.ts';
import { loadScenario, type Scenario } from '../scenario.ts';
import { BASE_VARIANT } from '../scenario-schema.ts';
import type { Pair, Symptom } from '../symptom-schema.ts';
import type { GoodOverTime } from './good-over-time.ts';
import type { FaultStretch, VariantRun } from './incident-run.ts';

export interface Incident {
  /** As the catalog has it. */
  readonly name: string;
  /** The first sentence of its `why`. */
  readonly title: string;
  readonly scenario: Scenario;
}

/** One line of a symptom: what each variant shows. */
export interface ShownSymptom extends Symptom {
  /** By variant, in order of the file; the base last, where it is the repaired one. */
  readonly values: readonly { readonly variant: string; readonly value: LeafValue }[];
}

export interface IncidentOutcome {
  readonly incident: Incident;
  /** By variant; twins have the result of their run. */
  readonly results: ReadonlyMap<string, RunResult>;
  readonly symptoms: readonly ShownSymptom[];
  readonly expectations: readonly ExpectationOutcome[];
  /** Names of the two variants that the symptoms are told of. */
  readonly pair: Pair;
  /** Of these two. */
  readonly good: Readonly<Record<keyof Pair, GoodOverTime>>;
  /** Of the first of them. */
  readonly faults: readonly FaultStretch[];
  /** Runs that did not end, or broke a promise; a line each. */
  readonly troubles: readonly string[];
  readonly isShown: boolean;
}

/** Shipped scenarios that have symptoms, by name. */
export async function shippedIncidents(): Promise<Incident[]> {
  const files = shippedScenarios();
  const scenarios = await Promise.all(files.map((file) => loadScenario(file)));
  return scenarios.flatMap((scenario, i) => {
    const name = shippedName(files[i] as string);
    return scenario.base.symptoms.length === 0 ? [] : [{ name, title: firstSentence(scenario.why), scenario }];
  });
}

/** Puts the runs of an incident together: one entry for each world, with the variants it stands for. */
export function incidentOutcome(
  incident: Incident,
  runs: readonly { readonly variants: readonly string[]; readonly run: VariantRun }[],
): IncidentOutcome {
  const { scenario } = incident;
  const { pair, symptoms } = scenario.base;
  const byVariant = new Map(runs.flatMap(({ variants, run }) => variants.map((variant) => [variant, run] as const)));
  const results = new Map([...byVariant].map(([variant, { result }]) => [variant, result]));
  const expectations = checkExpectations(scenario.expect, results);
  const troubles = runs.flatMap(({ run }) => troublesOf(run));
  const shown = [pair.before, pair.after].includes(BASE_VARIANT)
    ? [...scenario.variantNames, BASE_VARIANT]
    : scenario.variantNames;
  const runOf = (variant: string): VariantRun => byVariant.get(variant) as VariantRun;
  return {
    incident,
    results,
    symptoms: shownSymptoms(symptoms, shown, results),
    expectations,
    pair,
    good: { before: runOf(pair.before).good, after: runOf(pair.after).good },
    faults: runOf(pair.before).faults,
    troubles,
    isShown: troubles.length === 0 && expectations.every(({ ok }) => ok),
  };
}

/** What the variants show, of which each has a result. */
export function shownSymptoms(
  symptoms: readonly Symptom[],
  variants: readonly string[],
  results: ReadonlyMap<string, RunResult>,
): ShownSymptom[] {
  return symptoms.map((symptom) => ({
    ...symptom,
    values: variants.map((variant) => {
      return { variant, value: valueAt(results.get(variant) as RunResult, symptom.path) };
    }),
  }));
}

/** A run that does not recover is none where the scenario judges recovery: its expectations say what is right. */
function troublesOf({ variant, status, broken, result }: VariantRun): string[] {
  const held = Object.entries(result.held).filter(([, count]) => count !== 0);
  return [
    ...(status === 'ok' || status === 'metastable' ? [] : [`${variant}: ${status}`]),
    ...held.map(([name, count]) => `${variant}: ${name} holds ${count} at the end`),
    ...broken.map((line) => `${variant}: ${line}`),
  ];
}

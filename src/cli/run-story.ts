/** What `spillway run` tells of an incident below its table: its symptoms, where both variants of its pair ran. */
import { firstSentence } from '../lab/catalog.ts';
import type { ExpectationOutcome } from '../lab/expect.ts';
import { shownSymptoms } from '../lab/incidents/incident.ts';
import type { RunOutcome } from '../lab/run-types.ts';
import type { Story } from '../report/incident-story.ts';
import type { RunPlan } from './run-plan.ts';

/** Undefined: the scenario is no incident, another workload replaces its own, or one of the pair did not run. */
export function storyOf(
  { scenario, replacedWorkload }: RunPlan,
  runs: readonly RunOutcome['result'][],
  expectations: readonly ExpectationOutcome[],
): Story | undefined {
  const { pair, symptoms, variants } = scenario.base;
  const results = new Map(runs.map((run) => [run.variant, run]));
  const shown = [pair.before, pair.after];
  if (symptoms.length === 0 || replacedWorkload || !shown.every((variant) => results.has(variant))) return undefined;
  return {
    title: firstSentence(scenario.why),
    source: scenario.source,
    pair,
    symptoms: shownSymptoms(symptoms, shown, results),
    variants: Object.entries(variants).flatMap(([name, { why = '' }]) => (results.has(name) ? [[name, why]] : [])),
    expectations,
  };
}

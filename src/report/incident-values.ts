/** How incidents write what they show: values of results, stories, links of sources, verdicts, and their groups. */
import type { Incident, IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
import { formatCount, NONE } from './format.ts';

/** A value of a result without its unit: whole numbers in full, others with three or four figures. */
export function shownValue(value: ShownSymptom['values'][number]['value']): string {
  if (value === null) return NONE;
  if (typeof value !== 'number') return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 1000) return formatCount(value);
  return value.toFixed(size < 1 ? 3 : size < 10 ? 2 : 1);
}

/** The symptom in one variant. */
export function valueIn({ values }: ShownSymptom, variant: string): string {
  const found = values.find((each) => each.variant === variant);
  return found === undefined ? NONE : shownValue(found.value);
}

/** What follows the title of an incident. */
export function storyOf({ title, scenario }: Incident): string {
  return scenario.why.trim().replace(/\s+/g, ' ').slice(title.length).trim();
}

export interface IncidentGroup {
  readonly title: string;
  readonly members: readonly IncidentOutcome[];
}

/** Reported failures, then patterns; a group without members is left out. */
export function groupsOf(outcomes: readonly IncidentOutcome[]): IncidentGroup[] {
  const isPattern = ({ incident }: IncidentOutcome): boolean => incident.name.startsWith('metastable/');
  return [
    { title: 'Failures that were reported', members: outcomes.filter((outcome) => !isPattern(outcome)) },
    { title: 'Patterns of outages that outlast their cause', members: outcomes.filter(isPattern) },
  ].filter(({ members }) => members.length > 0);
}

/** The first link of a source, without what punctuation follows it. */
export function linkOf(source: string): string | undefined {
  return /https:\/\/[^\s,;)]+/.exec(source)?.[0].replace(/[.:]$/, '');
}

/** Whether the incident shows what it should. */
export function verdictOf({ isShown, expectations, troubles }: IncidentOutcome): string {
  if (isShown) return 'shown';
  const failed = expectations.filter(({ ok }) => !ok).length + troubles.length;
  return `FAILED ${failed}`;
}

/** How incidents write what they show: values of results, links of sources, verdicts. */
import type { IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
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

/** The gallery of incidents as Markdown: a table of all, then a section each. The same runs give the same bytes. */
import type { IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
import { NONE } from './format.ts';
import { linkOf, shownValue, valueIn, verdictOf } from './incident-values.ts';
import { inline, markdownTable } from './markdown-table.ts';

export function incidentsMarkdown(outcomes: readonly IncidentOutcome[]): string {
  const shown = outcomes.filter(({ isShown }) => isShown).length;
  const rows = outcomes.map((outcome) => {
    const [symptom] = outcome.symptoms as readonly [ShownSymptom];
    const { name } = outcome.incident;
    const numbers = [valueIn(symptom, outcome.pair.before), valueIn(symptom, outcome.pair.after)];
    return [`[${name}](#${anchor(name)})`, symptom.what, ...numbers, symptom.reported, verdictOf(outcome)];
  });
  return [
    '# Incidents, before and after',
    '',
    `${shown} of ${outcomes.length} are shown: each expectation of their scenarios holds. Reported numbers are the ` +
      'reporters’, in their words; all others are measured in the simulator.',
    '',
    markdownTable(['incident', 'symptom', 'before', 'after', 'reported', 'verdict'], rows, 6),
    '',
    ...outcomes.map(section),
  ].join('\n');
}

/** As GitHub makes it of a heading. */
function anchor(name: string): string {
  return name.replaceAll('/', '').replaceAll('.', '');
}

function section({ incident, symptoms, expectations, troubles, results }: IncidentOutcome): string {
  const { name, scenario } = incident;
  const link = linkOf(scenario.source);
  const variants = symptoms[0]?.values.map(({ variant }) => variant) ?? [];
  const rows = symptoms.map(({ what, values, reported, repaired = '' }) => {
    return [what, ...values.map(({ value }) => shownValue(value)), reported, repaired];
  });
  const digests = ['digest', ...variants.map((variant) => results.get(variant)?.digest ?? NONE), '', ''];
  const apart = symptoms.flatMap((symptom) =>
    symptom.apart === undefined ? [] : [`${symptom.what}: ${symptom.apart}`],
  );
  const lost = [...troubles, ...expectations.filter(({ ok }) => !ok).map(({ text }) => text)];
  return [
    `## ${name}`,
    '',
    inline(scenario.why.trim()),
    ...(link === undefined ? [] : ['', `Source: <${link}>`]),
    '',
    markdownTable(
      ['symptom', ...variants, 'reported', 'repaired, as reported'],
      [...rows, digests],
      variants.length + 3,
    ),
    '',
    ...lost.map((line) => `* FAILED: ${inline(line)}`),
    ...apart.map((line) => `* ${inline(line)}`),
    ...(lost.length + apart.length > 0 ? [''] : []),
    `\`spillway run ${name} --all-variants\``,
    '',
  ].join('\n');
}

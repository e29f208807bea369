/**
 * An incident in a terminal, beside the full table: what it is about, the reporter's numbers beside ours, and what each
 * variant is.
 */
import type { ExpectationOutcome } from '../lab/expect.ts';
import type { ShownSymptom } from '../lab/incidents/incident.ts';
import type { Pair } from '../lab/symptom-schema.ts';
import { linkOf, valueIn } from './incident-values.ts';
import { plainTable } from './plain-table.ts';
import { wrapped } from './wrapped.ts';

export interface Story {
  /** The first sentence of its `why`. */
  readonly title: string;
  readonly source: string;
  readonly pair: Pair;
  readonly symptoms: readonly ShownSymptom[];
  /** What each variant is, by name, in order of the file. */
  readonly variants: readonly (readonly [name: string, why: string])[];
  readonly expectations: readonly ExpectationOutcome[];
}

/** Characters of a reporter's words that the table shows. */
const SAID_MAX = 20;
const GAP = '  ';

/** Lines of text with a last line break, for a terminal of so many columns. */
export function renderStory({ title, source, pair, symptoms, variants, expectations }: Story, width: number): string {
  const link = linkOf(source);
  const isRepairTold = symptoms.some(({ repaired }) => repaired !== undefined);
  const head = ['', 'reported', pair.before, pair.after, ...(isRepairTold ? ['reported after'] : [])];
  const rows = symptoms.map((symptom) => {
    const told = isRepairTold ? [cut(symptom.repaired ?? '')] : [];
    return [symptom.what, cut(symptom.reported), valueIn(symptom, pair.before), valueIn(symptom, pair.after), ...told];
  });
  const nameWidth = Math.max(...variants.map(([name]) => name.length));
  const held = expectations.filter(({ ok }) => ok).length;
  return [
    ...wrapped(title, width),
    ...(link === undefined ? [] : [link]),
    '',
    plainTable(head, rows, width),
    '',
    ...variants.flatMap(([name, why]) => {
      const [first = '', ...rest] = wrapped(why, width - nameWidth - GAP.length);
      const blank = ' '.repeat(nameWidth + GAP.length);
      return [`${name.padEnd(nameWidth)}${GAP}${first}`.trimEnd(), ...rest.map((line) => blank + line)];
    }),
    ...(expectations.length === 0 ? [] : ['', `${held} of ${expectations.length} expectations of the scenario hold.`]),
    '',
  ].join('\n');
}

function cut(text: string): string {
  return text.length <= SAID_MAX ? text : `${text.slice(0, SAID_MAX - 1).trimEnd()}…`;
}

/**
 * Incidents in a terminal: one row each, with its first symptom before and after, and the reporter's number beside it.
 * In a terminal that is not wide the symptom stands under the incident, and all fits 80 columns. Texts are cut to fit,
 * numbers are not.
 */
import type { IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
import { valueIn, verdictOf } from './incident-values.ts';

type Align = 'left' | 'right';

interface Column {
  readonly title: string;
  readonly align: Align;
  readonly cell: (row: IncidentRow) => string;
  /** Columns of text have one: the least they are cut to. */
  readonly least?: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'incident', align: 'left', cell: ({ outcome }) => shortName(outcome) },
  { title: 'symptom', align: 'left', cell: ({ outcome }) => firstSymptom(outcome).what, least: 24 },
  { title: 'before', align: 'right', cell: ({ outcome }) => valueIn(firstSymptom(outcome), outcome.pair.before) },
  { title: '→ after', align: 'right', cell: ({ outcome }) => valueIn(firstSymptom(outcome), outcome.pair.after) },
  { title: 'reported', align: 'left', cell: ({ outcome }) => firstSymptom(outcome).reported, least: 16 },
  { title: 'verdict', align: 'left', cell: ({ outcome }) => verdictOf(outcome) },
  { title: 's', align: 'right', cell: ({ seconds }) => seconds.toFixed(1) },
];
const SYMPTOM = 1;
/** Columns of a terminal that rows with their symptom need; in a narrower one they keep to the second. */
const WIDE = 120;
const NARROW = 80;
const GAP = '  ';
const RULE = '─';
const ELLIPSIS = '…';

export interface IncidentRow {
  readonly outcome: IncidentOutcome;
  /** What it took, seconds. */
  readonly seconds: number;
}

/** Lines of text with a last line break. */
export function renderIncidents(rows: readonly IncidentRow[], columnsShown: number): string {
  const isWide = columnsShown >= WIDE;
  const width = isWide ? columnsShown : Math.min(columnsShown, NARROW);
  const columns = isWide ? COLUMNS : COLUMNS.filter((_, i) => i !== SYMPTOM);
  const widths = fitted(columns, widthsOf(columns, rows), width);
  const line = (cells: readonly string[]): string => {
    return cells.map((cell, i) => padded(cell, widths[i] as number, (columns[i] as Column).align)).join(GAP).trimEnd();
  };
  const head = [line(columns.map(({ title }) => title)), line(widths.map((each) => RULE.repeat(each)))];
  const body = rows.flatMap((row) => {
    const first = line(columns.map(({ cell }) => cell(row)));
    return isWide ? [first] : [first, GAP + cut(firstSymptom(row.outcome).what, width - GAP.length)];
  });
  return `${[...head, ...body].join('\n')}\n`;
}

/** Without its folder: names are unique in the library. */
function shortName({ incident: { name } }: IncidentOutcome): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function firstSymptom({ symptoms }: IncidentOutcome): ShownSymptom {
  return symptoms[0] as ShownSymptom;
}

function widthsOf(columns: readonly Column[], rows: readonly IncidentRow[]): number[] {
  return columns.map(({ title, cell }) => Math.max(title.length, ...rows.map((row) => cell(row).length)));
}

/** With the gaps between. */
function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each + GAP.length, -GAP.length);
}

/** Texts are cut from the right until all fits, or can be cut no further. */
function fitted(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  for (let i = columns.length - 1; i >= 0; i--) {
    const excess = total(widths) - width;
    const least = columns[i]?.least;
    if (excess > 0 && least !== undefined) widths[i] = Math.max(least, (widths[i] as number) - excess);
  }
  return widths;
}

function padded(text: string, width: number, align: Align): string {
  const shown = cut(text, width);
  return align === 'left' ? shown.padEnd(width) : shown.padStart(width);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, width - 1).trimEnd() + ELLIPSIS;
}

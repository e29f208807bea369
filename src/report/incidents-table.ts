/** Incidents in a terminal: one row each, with its first symptom. Texts are cut to fit, numbers are not. */
import Table from 'cli-table3';
import type { IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
import { valueIn, verdictOf } from './incident-values.ts';
import { BARE } from './plain-table.ts';

const HEAD = ['incident', 'symptom', 'before', 'after', 'reported', 'verdict', 's'] as const;
const ALIGNS = ['left', 'left', 'right', 'right', 'left', 'left', 'right'] as const;
/** Columns of text, and the least each is cut to. */
const SYMPTOM = 1;
const REPORTED = 4;
const TEXT_MIN = 16;
const GAP = 2;
const RULE = '─';
const ELLIPSIS = '…';

export interface IncidentRow {
  readonly outcome: IncidentOutcome;
  /** What it took, seconds. */
  readonly seconds: number;
}

/** Lines of text with a last line break. */
export function renderIncidents(rows: readonly IncidentRow[], width: number): string {
  const lines = rows.map(lineOf);
  const widths = HEAD.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => (line[column] ?? '').length)),
  );
  const excess = (): number => widths.reduce((sum, each) => sum + each + GAP, -GAP) - width;
  for (const column of [REPORTED, SYMPTOM]) {
    widths[column] = Math.max(TEXT_MIN, (widths[column] as number) - Math.max(0, excess()));
  }
  const table = new Table({
    chars: BARE,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: widths,
    colAligns: [...ALIGNS],
  });
  table.push(
    [...HEAD],
    widths.map((each) => RULE.repeat(each)),
  );
  for (const line of lines) table.push(line.map((cell, column) => cut(cell, widths[column] as number)));
  const text = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
  return `${text}\n`;
}

function lineOf({ outcome, seconds }: IncidentRow): string[] {
  const symptom = outcome.symptoms[0] as ShownSymptom;
  return [
    outcome.incident.name,
    symptom.what,
    valueIn(symptom, 'before'),
    valueIn(symptom, 'after'),
    symptom.reported,
    verdictOf(outcome),
    seconds.toFixed(1),
  ];
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, width - 1).trimEnd() + ELLIPSIS;
}

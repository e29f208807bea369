/**
 * The records of one run's requests, streamed as they end: `requests.jsonl`, a JSON object a line, and `requests.csv`,
 * the same fields as columns for spreadsheets and data frames. Both appear when the run ends.
 */
import { join } from 'node:path';
import type { RunOptions } from '../lab/run-types.ts';
import { LineFile } from './write-files.ts';

type RequestRecord = Parameters<NonNullable<RunOptions['onRecord']>>[0];

/** In the order of the record; a type error here is a field without a column. */
const COLUMNS: { readonly [Field in keyof RequestRecord]: Field } = {
  id: 'id',
  tenant: 'tenant',
  row: 'row',
  column: 'column',
  promptTokens: 'promptTokens',
  maxOutputTokens: 'maxOutputTokens',
  outputTokens: 'outputTokens',
  cachedTokens: 'cachedTokens',
  sentAt: 'sentAt',
  arrivedAt: 'arrivedAt',
  startedAt: 'startedAt',
  firstTokenAt: 'firstTokenAt',
  finishedAt: 'finishedAt',
  attempts: 'attempts',
  worker: 'worker',
  reason: 'reason',
  cause: 'cause',
  status: 'status',
};
const FIELDS = Object.values(COLUMNS);

export class RecordFiles {
  readonly #lines: LineFile;
  readonly #table: LineFile;

  /** Throws UsageError when they cannot be made. */
  constructor(folder: string) {
    this.#lines = new LineFile(join(folder, 'requests.jsonl'));
    this.#table = new LineFile(join(folder, 'requests.csv'));
    this.#table.write(FIELDS.join(','));
  }

  write(record: RequestRecord): void {
    this.#lines.write(JSON.stringify(record));
    this.#table.write(FIELDS.map((field) => cell(record[field])).join(','));
  }

  /** Gives the files their names. */
  finish(): void {
    this.#lines.finish();
    this.#table.finish();
  }

  /** Removes what was written; does nothing after `finish`. */
  discard(): void {
    this.#lines.discard();
    this.#table.discard();
  }
}

/** Text that could break its cell, or that a spreadsheet would run as a formula, is quoted (RFC 4180). */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

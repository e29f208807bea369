/**
 * Comma-separated rows under a header, columns found by name, others ignored (RFC 4180). A field may be
 * quoted, a quote inside it doubled. A quoted field must end on its line: no tenant is called by two lines.
 * Every row has as many fields as the header, since a row that is short or long has most likely shifted its
 * columns.
 */
import type { CsvColumns } from '../config.ts';
import type { Fault } from '../trace-error.ts';
import { shown } from '../trace-error.ts';
import { checkedMicros, checkedTokens } from './trace-row.ts';
import type { TraceFormat, TraceRow } from './trace-row.ts';
import { WallClock } from './wall-clock.ts';

/** Read when the scenario names no columns. */
export const DEFAULT_CSV_COLUMNS: CsvColumns = {
  arrival: 'arrived_at_s',
  arrivalUnit: 's',
  prompt: 'prompt_tokens',
  output: 'output_tokens',
};

const UNIT_US = { us: 1, ms: 1e3, s: 1e6 } as const;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/**
 * Distinct tenant names kept; beyond it the store starts anew, so a trace of a million tenants stays bounded.
 */
const TENANTS_KEPT = 4096;

export class CsvFormat implements TraceFormat {
  readonly #columns: CsvColumns;
  readonly #fault: Fault;
  readonly #fields: number;
  readonly #arrival: number;
  readonly #prompt: number;
  readonly #output: number;
  readonly #tenant: number;
  readonly #priority: number;
  readonly #clock = new WallClock();
  readonly #tenants = new Map<string, string>();

  constructor(header: string, columns: CsvColumns, fault: Fault) {
    const names = splitFields(header, fault).map((name) => name.trim());
    const find = (column: string | undefined): number => {
      if (column === undefined) return -1;
      const at = names.indexOf(column);
      const name = shown(column);
      if (at < 0) throw fault(`a header without ${name} (${shown(header)})`, `a header with ${name}`);
      if (names.includes(column, at + 1)) throw fault(`a header with ${name} twice`, 'each column once');
      return at;
    };
    this.#columns = columns;
    this.#fault = fault;
    this.#fields = names.length;
    this.#arrival = find(columns.arrival);
    this.#prompt = find(columns.prompt);
    this.#output = find(columns.output);
    this.#tenant = find(columns.tenant);
    this.#priority = find(columns.priority);
  }

  read(line: string, row: TraceRow): void {
    const fields = splitFields(line, this.#fault);
    if (fields.length !== this.#fields) {
      throw this.#fault(`${fields.length} fields (${shown(line)})`, `${this.#fields} as in the header`);
    }
    const columns = this.#columns;
    row.atUs = this.#atUs(fields[this.#arrival] as string);
    row.promptTokens = this.#tokens(columns.prompt, fields[this.#prompt] as string, 1);
    row.outputTokens = this.#tokens(columns.output, fields[this.#output] as string, 0);
    row.tenant = this.#tenant < 0 ? 'default' : this.#kept(fields[this.#tenant] as string);
    row.priority = this.#priority < 0 ? 0 : this.#whole(fields[this.#priority] as string);
  }

  #atUs(text: string): number {
    const { arrival, arrivalUnit } = this.#columns;
    if (arrivalUnit !== 'timestamp') {
      return checkedMicros(arrival, decimal(text), text, UNIT_US[arrivalUnit], this.#fault);
    }
    const atUs = this.#clock.sinceFirst(text.trim());
    if (!Number.isNaN(atUs)) return atUs;
    throw this.#fault(`${arrival} is ${shown(text)}`, 'a date and time like "2023-11-16 18:17:03.9799600"');
  }

  #tokens(column: string, text: string, min: number): number {
    return checkedTokens(column, decimal(text), text, min, this.#fault);
  }

  #whole(text: string): number {
    const value = decimal(text);
    if (Number.isSafeInteger(value)) return value;
    throw this.#fault(`${this.#columns.priority} is ${shown(text)}`, 'a whole number');
  }

  /** One copy of each name, which keeps no text block alive as a slice of it would. */
  #kept(field: string): string {
    const name = field.trim();
    if (name === '') return 'default';
    let kept = this.#tenants.get(name);
    if (kept === undefined) {
      if (this.#tenants.size >= TENANTS_KEPT) this.#tenants.clear();
      kept = Buffer.from(name).toString();
      this.#tenants.set(kept, kept);
    }
    return kept;
  }
}

/** The number a field writes in decimal notation; NaN for anything else, blank and Infinity included. */
function decimal(text: string): number {
  const code = text.charCodeAt(0);
  const plain = text.length <= 15 && code >= 48 && code <= 57 && allDigits(text);
  if (plain) return Number(text);
  const trimmed = text.trim();
  return DECIMAL.test(trimmed) ? Number(trimmed) : NaN;
}

function allDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

function splitFields(line: string, fault: Fault): string[] {
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const quoted = line.charAt(at) === '"';
    const end = quoted ? closingQuote(line, at + 1, fault) + 1 : nextComma(line, at);
    fields.push(quoted ? line.slice(at + 1, end - 1).replaceAll('""', '"') : line.slice(at, end));
    if (end === line.length) return fields;
    if (line.charAt(end) !== ',') throw fault(`text after a closing quote (${shown(line)})`, 'a comma there');
    at = end + 1;
  }
}

function nextComma(line: string, from: number): number {
  const comma = line.indexOf(',', from);
  return comma < 0 ? line.length : comma;
}

function closingQuote(line: string, from: number, fault: Fault): number {
  let at = line.indexOf('"', from);
  while (at >= 0 && line.charAt(at + 1) === '"') at = line.indexOf('"', at + 2);
  if (at < 0) throw fault(`a quote not closed on its line (${shown(line)})`, 'fields within one line');
  return at;
}

/**
 * Reads the text files of measured runs: JSON documents, JSON lines and CSV with a header. What cannot be read ends
 * with one message that names file, line, field, value and what is allowed. Fields that nobody asked for are told
 * apart, not refused: logs of later versions have more of them.
 */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { reasonOf, ScenarioError, shownValue } from '../lab/scenario-error.ts';
import { parseWith } from '../lab/schema-issues.ts';

/** Rows of a file, checked. */
export interface Rows<T> {
  readonly rows: readonly T[];
  /** Names of fields that were passed over, in order of appearance. */
  readonly unread: readonly string[];
}

/** The text of a file. Throws ScenarioError. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ScenarioError([`${path}: ${reasonOf(error)}; allowed a file that can be read`]);
  }
}

/** A JSON document, checked. Throws ScenarioError. */
export function readJson<T extends z.ZodType>(path: string, schema: T): z.output<T> {
  const text = readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ScenarioError([`${path}: not JSON (${(error as Error).message}); allowed one whole document`]);
  }
  return checked(schema, value, path);
}

/** JSON lines, one object each, checked. Throws ScenarioError. */
export function readJsonLines<T extends z.ZodObject>(path: string, schema: T): Rows<z.output<T>> {
  const rows: z.output<T>[] = [];
  const unread = new Set<string>();
  for (const [index, line] of linesOf(path).entries()) {
    const where = `${path}:${index + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      const allowed = 'allowed one whole JSON object a line';
      throw new ScenarioError([`${where} value ${shownValue(line)}: not JSON; ${allowed}`]);
    }
    rows.push(checked(schema, value, where));
    for (const key of Object.keys(value as object)) if (!Object.hasOwn(schema.shape, key)) unread.add(key);
  }
  return { rows, unread: [...unread] };
}

/**
 * CSV with a header line, no quotes, checked: each line as a mapping from column to text; an empty cell is missing.
 * Throws ScenarioError.
 */
export function readCsv<T extends z.ZodObject>(path: string, schema: T): Rows<z.output<T>> {
  const [header = '', ...lines] = linesOf(path);
  const columns = header.split(',');
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) {
    throw new ScenarioError([`${path}:1 column ${shownValue(twice)}: there twice; allowed once`]);
  }
  const rows = lines.map((line, index) => {
    const where = `${path}:${index + 2}`;
    const cells = line.split(',');
    if (cells.length !== columns.length) {
      const allowed = `allowed ${columns.length}, as the header has`;
      throw new ScenarioError([`${where} value ${shownValue(line)}: ${cells.length} columns; ${allowed}`]);
    }
    const entries = columns.map((column, i): [string, string] => [column, cells[i] as string]);
    return checked(schema, Object.fromEntries(entries.filter(([, cell]) => cell !== '')), where);
  });
  return { rows, unread: columns.filter((column) => !Object.hasOwn(schema.shape, column)) };
}

/** Lines without their ends; trailing empty ones are left out. Throws ScenarioError when there is none. */
function linesOf(path: string): string[] {
  const lines = readText(path).split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  if (lines.length === 0) throw new ScenarioError([`${path}: empty; allowed at least one line`]);
  return lines;
}

function checked<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const parsed = parseWith(schema, value);
  if ('data' in parsed) return parsed.data;
  throw new ScenarioError(parsed.issues.map(({ text }) => `${where} ${text.replace(/^scenario: /, '')}`));
}

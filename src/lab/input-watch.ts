/**
 * Whether a policy changed what it was shown: the values within its arguments are noted before a call and held against
 * those after it. Objects are followed two members deep, which covers every view of the port; a list counts with its
 * length and order, of a long one the two ends (a request that is retried for ever has tried thousands of workers, and
 * each call shows them all).
 */
import { inWords } from './explain/words.ts';

const DEPTH_MAX = 3;
/** Of one call; beyond these nothing is noted. */
const VALUES_MAX = 4000;
/** Members of a list that are noted, at each of its ends. */
const END_MAX = 64;

/** All values within the arguments, in order: of each object how many members it has, then each and what is in it. */
export function valuesWithin(args: readonly unknown[]): unknown[] {
  const values: unknown[] = [];
  note(args, 0, values, undefined, '');
  return values;
}

/** `[2][0].inFlight was 3 and is 0`; undefined: all is as it was noted before. */
export function changeWithin(args: readonly unknown[], before: readonly unknown[]): string | undefined {
  const after = valuesWithin(args);
  const place = after.findIndex((value, i) => !Object.is(value, before[i]));
  if (place < 0 && after.length === before.length) return undefined;
  const at = place < 0 ? after.length - 1 : place;
  const paths: string[] = [];
  note(args, 0, [], paths, '');
  return `${paths[at] ?? ''} was ${brief(before[at])} and is ${brief(after[at])}`;
}

function note(value: unknown, depth: number, values: unknown[], paths: string[] | undefined, lead: string): void {
  if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return;
  if (Array.isArray(value)) {
    noteList(value, depth, values, paths, lead);
    return;
  }
  const record = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(record);
  values.push(keys.length);
  paths?.push(`${lead}, counted by its members,`);
  for (const key of keys) {
    if (values.length >= VALUES_MAX) return;
    const member = record[key];
    values.push(member);
    const path = paths === undefined ? '' : `${lead}.${key}`;
    paths?.push(path);
    note(member, depth + 1, values, paths, path);
  }
}

function noteList(
  list: readonly unknown[],
  depth: number,
  values: unknown[],
  paths: string[] | undefined,
  lead: string,
): void {
  values.push(list.length);
  paths?.push(`${lead}.length`);
  for (let i = 0; i < list.length && values.length < VALUES_MAX; i++) {
    if (i === END_MAX) i = Math.max(i, list.length - END_MAX);
    values.push(list[i]);
    const path = paths === undefined ? '' : `${lead}[${i}]`;
    paths?.push(path);
    note(list[i], depth + 1, values, paths, path);
  }
}

function brief(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? JSON.stringify(value) : inWords(value);
}

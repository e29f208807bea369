/**
 * Looks a value of a result up by its path (`rows.dropped`, `workers[0].preemptions`), as a scenario's `expect` and
 * the comparison of variants name it. A path that leads nowhere is the user's mistake, so the error offers the
 * nearest names.
 */
import type { JsonValue } from './plain-json.ts';
import type { RunResult } from './result.ts';

/** What a path can lead to. Null: a number that does not exist in this run. */
export type LeafValue = null | boolean | number | string;

const NEAR_MAX = 5;
const REASONS = 'rows.reasons.';

/** No value of the result is at `path`. */
export class UnknownFieldError extends Error {
  override readonly name = 'UnknownFieldError';
}

/** The value at `path`; a reason of `rows.reasons` that never came is 0. Throws `UnknownFieldError`. */
export function valueAt(result: RunResult, path: string): LeafValue {
  const leaves = leavesOf(result);
  const value = leaves.get(path.replace(/\.(\d+)(?=\.|$)/g, '[$1]'));
  if (value !== undefined) return value;
  if (result.rows !== undefined && path.startsWith(REASONS) && path.length > REASONS.length) return 0;
  throw new UnknownFieldError(explain(path, result, [...leaves.keys()]));
}

/** Path and value of everything in the document that is neither object nor array, in its order. */
export function leavesOf(result: RunResult): ReadonlyMap<string, LeafValue> {
  const leaves = new Map<string, LeafValue>();
  // A result is plain JSON by construction; its interface only lacks the index signature.
  collect(result as unknown as JsonValue, '', leaves);
  return leaves;
}

function collect(value: JsonValue, path: string, into: Map<string, LeafValue>): void {
  if (typeof value !== 'object' || value === null) {
    into.set(path, value);
  } else if (Array.isArray(value)) {
    value.forEach((member: JsonValue, index) => collect(member, `${path}[${index}]`, into));
  } else {
    for (const [name, member] of Object.entries(value)) collect(member, path === '' ? name : `${path}.${name}`, into);
  }
}

function explain(path: string, result: RunResult, paths: readonly string[]): string {
  const inside = paths.filter((it) => it.startsWith(`${path}.`) || it.startsWith(`${path}[`));
  if (inside.length > 0) {
    const more = inside.length > NEAR_MAX ? ', …' : '';
    return `result field "${path}" is a group; name one of its values: ${inside.slice(0, NEAR_MAX).join(', ')}${more}`;
  }
  if (result.rows === undefined && /^rows(\.|$)/.test(path)) {
    return `result field "${path}" exists only in runs with a dataset`;
  }
  return `no result field "${path}"; near it: ${nearest(path, paths).join(', ')}`;
}

function nearest(path: string, paths: readonly string[]): string[] {
  const ranked = paths.map((it) => ({ path: it, distance: distanceTo(path, it) }));
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked.slice(0, NEAR_MAX).map((it) => it.path);
}

/** Edits between the whole paths, or between `path` and the last name of `other` if that is nearer. */
function distanceTo(path: string, other: string): number {
  const last = other.slice(other.lastIndexOf('.') + 1);
  return Math.min(editDistance(path, other), editDistance(path, last));
}

/** Levenshtein: fewest insertions, deletions and replacements of one character. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] as number) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (above[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    above = current;
  }
  return above[to.length] as number;
}

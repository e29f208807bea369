/**
 * Makes a plain JSON value of configuration: what JSON cannot say is said with null, and nothing is left that
 * `JSON.stringify` would drop or change silently.
 */
import { assert } from '../kernel/assert.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** A deep copy; infinite numbers become null (no bound), undefined properties are left out, key order is kept. */
function plainJson(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      assert(!Number.isNaN(value), 'NaN has no place in a result');
      return Number.isFinite(value) ? value : null;
    case 'object':
      if (value === null) return null;
      return Array.isArray(value) ? value.map(plainJson) : plainObject(value);
    default:
      assert(false, 'only plain data has a place in a result');
  }
}

/** `plainJson` of an object. */
export function plainObject(value: object): JsonObject {
  const plain: Record<string, JsonValue> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) plain[name] = plainJson(member);
  }
  return plain;
}

/** Counts by name, in order of name, so that the document does not depend on which was counted first. */
export function byName(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

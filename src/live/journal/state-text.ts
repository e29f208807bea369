/**
 * Snapshots as JSON. What JSON has no word for is an object with one key that nothing else uses: numbers without end,
 * undefined, Maps and Sets, bigints.
 */

const WORD = '$';

export function stateText(state: unknown): string {
  return JSON.stringify(written(state));
}

/** What `stateText` wrote. Throws where the text is none of it. */
export function readState(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(readState);
  const fields = value as Readonly<Record<string, unknown>>;
  const word = fields[WORD];
  if (word === undefined) {
    return Object.fromEntries(Object.entries(fields).map(([key, each]) => [key, readState(each)]));
  }
  const of = fields['of'];
  switch (word) {
    case 'number':
      return Number(of);
    case 'undefined':
      return undefined;
    case 'bigint':
      return BigInt(of as string);
    case 'map':
      return new Map((of as [unknown, unknown][]).map(([key, each]) => [readState(key), readState(each)]));
    case 'set':
      return new Set((of as unknown[]).map(readState));
    default:
      throw new Error(`a snapshot with the unknown word ${JSON.stringify(word)}`);
  }
}

function written(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [WORD]: 'number', of: wordOf(value) };
    case 'undefined':
      return { [WORD]: 'undefined' };
    case 'bigint':
      return { [WORD]: 'bigint', of: value.toString() };
    case 'object':
      return value === null ? null : writtenObject(value);
    default:
      return value;
  }
}

function wordOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function writtenObject(value: object): unknown {
  if (Array.isArray(value)) return writtenList(value);
  if (value instanceof Map) {
    return { [WORD]: 'map', of: Array.from(value, ([key, each]) => [written(key), written(each)]) };
  }
  if (value instanceof Set) return { [WORD]: 'set', of: Array.from(value, written) };
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, written(each)]));
}

/** Holes included. A plain loop: lists of routers have some hundred thousand items. */
function writtenList(list: readonly unknown[]): unknown[] {
  const items = new Array<unknown>(list.length);
  for (let i = 0; i < list.length; i++) items[i] = written(list[i]);
  return items;
}

/**
 * Overrides: `path=value` of `--set`, and the `set` block of a variant. A path is dotted, list indices are
 * numbers (`fleet.0.engine.blocks`); the value replaces what stands there (mappings are replaced, not
 * merged). Whether the path exists is the schema's to say: after all overrides the whole scenario is checked
 * again, unknown keys included.
 */
import type { PathSegment } from './yaml-source.ts';

export interface Override {
  readonly path: readonly PathSegment[];
  readonly value: unknown;
  /** How a message names it: `--set fleet.0.count=0`, or FILE:LINE:COL of the variant's entry. */
  readonly where: string;
}

/** Top-level keys that no override may touch: they say what the scenario is, not what world it builds. */
const FIXED_KEYS: ReadonlySet<string> = new Set(['name', 'why', 'source', 'variants', 'expect']);

/** Segments of a dotted path; undefined when it is malformed (empty, or an empty segment). */
export function parsePath(text: string): PathSegment[] | undefined {
  const parts = text.split('.');
  if (parts.some((part) => part === '' || part.trim() !== part || part === '__proto__')) return undefined;
  return parts.map((part) => (/^(0|[1-9]\d*)$/.test(part) ? Number(part) : part));
}

/**
 * A copy of `input` with the override applied, or a message saying why it cannot be (`where` not included).
 */
export function applyOverride(input: unknown, override: Override): { value: unknown } | { error: string } {
  const top = override.path[0];
  if (FIXED_KEYS.has(String(top))) {
    const error = `${String(top)}: cannot be overridden; allowed keys of the world, such as fleet`;
    return { error };
  }
  const root: { value: unknown } = { value: structuredClone(input) };
  const error = assign(root, override.path, structuredClone(override.value));
  return error === undefined ? root : { error };
}

/**
 * Writes `value` at `path` below `root.value`, making what is missing on the way; answers what stood in the
 * way.
 */
function assign(root: { value: unknown }, path: readonly PathSegment[], value: unknown): string | undefined {
  let set = (child: unknown): void => {
    root.value = child;
  };
  let here = root.value;
  for (let depth = 0; depth < path.length; depth++) {
    const segment = path[depth] as PathSegment;
    if (here === undefined || here === null) {
      here = typeof segment === 'number' ? [] : {};
      set(here);
    }
    const at = path.slice(0, depth).join('.');
    if (Array.isArray(here)) {
      const list: unknown[] = here;
      if (typeof segment !== 'number' || segment > list.length) {
        const range = list.length === 0 ? '0' : `0 to ${list.length - 1}, or ${list.length} to add one`;
        return `${path.join('.')}: '${segment}' is no index of ${at}; allowed ${range}`;
      }
      set = (child) => (list[segment] = child);
      here = list[segment];
    } else if (typeof here === 'object') {
      const mapping = here as Record<string, unknown>;
      set = (child) => (mapping[String(segment)] = child);
      here = Object.hasOwn(mapping, String(segment)) ? mapping[String(segment)] : undefined;
    } else {
      return `${path.join('.')}: ${at} is the single value ${JSON.stringify(here)}; allowed ${at}=VALUE`;
    }
  }
  set(value);
  return undefined;
}

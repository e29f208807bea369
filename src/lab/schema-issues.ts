/**
 * Turns what zod finds into sentences of one form: `PATH: value X; allowed Y`. zod's own texts say what was
 * expected, not the value or the range; its unions answer with every branch, of which the user meant one.
 * Unknown keys come with the nearest known name.
 */
import type { z } from 'zod';
import { didYouMean } from './nearest.ts';
import { shownValue } from './scenario-error.ts';
import type { PathSegment } from './yaml-source.ts';

export interface SchemaIssue {
  readonly path: readonly PathSegment[];
  /** Complete but for the place. */
  readonly text: string;
}

/** Opens the messages that zod asked us for, so that a schema's own `error` texts are told from them. */
const OURS = '\u0000';

/** Parses `input`; on failure answers every issue, in document order of discovery. */
export function parseWith<T extends z.ZodType>(
  schema: T,
  input: unknown,
): { readonly data: z.output<T> } | { readonly issues: readonly SchemaIssue[] } {
  const parsed = schema.safeParse(input, {
    reportInput: true,
    error: (raw) => OURS + knownKeys(raw.inst).join(','),
  });
  if (parsed.success) return { data: parsed.data };
  return { issues: parsed.error.issues.flatMap((issue) => describe(issue, [], input)) };
}

function knownKeys(schema: unknown): string[] {
  const definition = (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def;
  return Object.keys(definition?.shape ?? {});
}

type Issue = z.core.$ZodIssue;

function describe(issue: Issue, prefix: readonly PathSegment[], input: unknown): SchemaIssue[] {
  const path = [...prefix, ...issue.path.map((it) => (typeof it === 'number' ? it : String(it)))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key], key, issue.message));
  }
  if (issue.code === 'invalid_union') {
    const branch = chosenBranch(issue);
    if (branch !== undefined) return branch.flatMap((inner) => describe(inner, path, input));
  }
  if (issue.code === 'invalid_key') {
    const name = path.at(-1);
    return issue.issues.map((inner) => ({ path, text: `${dotted(path)}: ${wanted('name', name, inner)}` }));
  }
  const value = valueAtPath(input, path);
  return [{ path, text: `${dotted(path)}: ${wanted('value', value, issue)}` }];
}

function unknownKey(path: readonly PathSegment[], key: string, message: string): SchemaIssue {
  const ofPolicy = /; allowed: (.*)$/.exec(message)?.[1] ?? '';
  const list = message.startsWith(OURS) ? message.slice(OURS.length) : ofPolicy;
  const known = list.split(',').map((name) => name.trim()).filter((name) => name !== '');
  const allowed = known.length === 0 ? 'no keys' : known.join(', ');
  // In YAML's { } the rest of an unquoted text behind a comma is a key.
  const hint = /^\d|\s/.test(key) ? ' (a text with a comma in it needs quotes)' : '';
  return { path, text: `${dotted(path)}: unknown key${hint}; allowed ${allowed}${didYouMean(key, known)}` };
}

/**
 * Of a union's branches the one that got past the kind of value given; undefined when none or several did.
 */
function chosenBranch(issue: Extract<Issue, { code: 'invalid_union' }>): readonly Issue[] | undefined {
  const fitting = issue.errors.filter((branch) => branch.length > 0 && !branch.some(isWrongKind));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function isWrongKind(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function wanted(noun: string, value: unknown, issue: Issue): string {
  const given = value === undefined ? 'missing' : `${noun} ${shownValue(value)}`;
  return `${given}; allowed ${allowed(issue, value)}`;
}

function allowed(issue: Issue, value: unknown): string {
  if (!issue.message.startsWith(OURS)) return stated(issue.message, value);
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? `a ${issue.expected}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_value':
      return listed(issue.values.map(String), value);
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? listed(issue.options.filter((option) => option !== undefined).map(String), value)
        : 'another form';
    case 'invalid_format':
      return `text of the form ${issue.pattern ?? issue.format}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    default:
      return 'another value';
  }
}

/** What a schema's own message allows; the policies' messages name the value first, which is said already. */
function stated(message: string, value: unknown): string {
  const names = /(?:; allowed|needs a name, one of): (.*)$/.exec(message)?.[1];
  if (names === undefined) return message.replace(/^expected /, '');
  return listed(names.split(', '), value);
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'array') return `${relation} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  if (origin === 'string') return `${relation} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
  return `${origin === 'int' ? 'a whole number' : 'a number'} of ${relation} ${limit}`;
}

function listed(values: readonly string[], value: unknown): string {
  return values.join(', ') + (typeof value === 'string' ? didYouMean(value, values) : '');
}

/** `fleet.0.count`; the whole document has no name of its own. */
function dotted(path: readonly PathSegment[]): string {
  return path.length === 0 ? 'scenario' : path.join('.');
}

function valueAtPath(input: unknown, path: readonly PathSegment[]): unknown {
  let here = input;
  for (const segment of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, segment)) return undefined;
    here = (here as Record<PathSegment, unknown>)[segment];
  }
  return here;
}

/**
 * The tables of fields in scenarios/README.md, of scenarios from the schema that checks them and of results from what
 * the document is held to. `npm run scenario-fields` writes them anew; test/scenario-fields.test.ts says when that is
 * due.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/lab/package-root.ts';
import { scenarioJsonSchema } from '../src/lab/scenario-schema.ts';
import { RESULT_FIELDS } from '../src/results/result-fields.ts';

const BEGIN = '<!-- fields: made by npm run scenario-fields -->';
const END = '<!-- end of fields -->';
const RESULTS_BEGIN = '<!-- results: made by npm run scenario-fields -->';
const RESULTS_END = '<!-- end of results -->';
/** Keys that tell the members of a union apart. */
const TELLING: readonly string[] = ['kind', 'process', 'semantics', 'model'];
/** Characters of a block's schema from which on it is listed once. */
const LONG = 1000;
/** Fields that two members of a union have in common, from which on they are listed once. */
const AGAIN_MIN = 4;
/** Blocks whose contents are listed elsewhere. */
const ELSEWHERE: readonly string[] = ['policies', 'clients.retry', 'clients.retryBudget'];

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly const?: unknown;
}

const README = join(packageRoot(), 'scenarios/README.md');

export function readmeNow(): string {
  return readFileSync(README, 'utf8');
}

/** The README with the tables as they should be. */
export function readmeWanted(): string {
  const withFields = replaced(readmeNow(), BEGIN, END, fieldsTable());
  return replaced(withFields, RESULTS_BEGIN, RESULTS_END, resultsTable());
}

function replaced(text: string, begin: string, end: string, table: string): string {
  const [before = '', rest = ''] = text.split(begin);
  const [, after = ''] = rest.split(end);
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

function resultsTable(): string {
  const rows = Object.entries(RESULT_FIELDS).map(([path, { unit, meaning }]) => {
    return `| \`${path}\` | ${unit} | ${cell(meaning)} |`;
  });
  return ['| path | unit | what it is |', '| --- | --- | --- |', ...rows].join('\n');
}

function fieldsTable(): string {
  const fields = fieldsOf(scenarioJsonSchema(), '', new Map());
  const rows = fields.map(([path, what]) => `| \`${path}\` | ${cell(what)} |`);
  return ['| field | what it is |', '| --- | --- |', ...rows].join('\n');
}

function cell(what: string): string {
  return what.replaceAll('|', '\\|').replaceAll('<', '&lt;').replace(/\s+/g, ' ');
}

type Rows = readonly (readonly [path: string, what: string])[];

/**
 * Path and description of every field below the node, in order of the schema. `told`: where each larger block was
 * listed first; the next one like it is not listed again.
 */
function fieldsOf(node: Node, path: string, told: Map<string, string>): Rows {
  if (ELSEWHERE.includes(path)) return [];
  const block = JSON.stringify([node.properties, node.items, node.anyOf, node.oneOf]);
  const where = told.get(block);
  if (where !== undefined && block.length >= LONG) return [[`${path} …`, `As \`${where}\`.`]];
  const own = Object.entries(node.properties ?? {}).flatMap(([name, field]): Rows => {
    if (TELLING.includes(name) && field.const !== undefined) return [];
    const fieldPath = path === '' ? name : `${path}.${name}`;
    const what = field.description ?? '';
    const needed = node.required?.includes(name) === true && !/\bdefault\b/i.test(what) ? ' Must be there.' : '';
    return [[fieldPath, `${what}${needed}`], ...fieldsOf(field, fieldPath, told)];
  });
  const items = node.items === undefined ? [] : fieldsOf(node.items, `${path}[]`, told);
  const shared = new Map<string, string>();
  const members = [...(node.oneOf ?? []), ...(node.anyOf ?? [])].flatMap((member) => {
    return memberFields(member, path, told, shared);
  });
  const rows = [...own, ...items, ...members];
  if (rows.length > 0) told.set(block, path);
  return rows;
}

/**
 * Of one member of a union: under the key that tells it from the others. `shared`: fields of the members before it, and
 * where they were listed; those that it has too are not listed again. Distributions are told of in the text.
 */
function memberFields(member: Node, path: string, told: Map<string, string>, shared: Map<string, string>): Rows {
  const telling = TELLING.find((key) => member.properties?.[key]?.const !== undefined);
  if (telling !== undefined) {
    const name = `${path} (${telling}: ${String(member.properties?.[telling]?.const)})`;
    const what = member.description ?? member.properties?.[telling]?.description ?? '';
    const { own, again } = parted(member, name, shared);
    const names = again.map(([field]) => `\`${field}\``).join(', ');
    const asThere = again.length === 0 ? [] : [[`${name} …`, `${names}: as \`${again[0]?.[1]}\`.`] as const];
    return [[name, what], ...asThere, ...fieldsOf(own, name, told)];
  }
  return member.properties?.['dist'] === undefined ? fieldsOf(member, path, told) : [];
}

/** The member without what the first before it has too, and these fields with the place where they were listed. */
function parted(
  member: Node,
  name: string,
  shared: Map<string, string>,
): { readonly own: Node; readonly again: readonly (readonly [field: string, where: string])[] } {
  const again: [string, string][] = [];
  const own = Object.entries(member.properties ?? {}).filter(([field, node]) => {
    const key = JSON.stringify([field, node, member.required?.includes(field)]);
    const where = shared.get(key);
    if (where === undefined) shared.set(key, name);
    else again.push([field, where]);
    return where === undefined;
  });
  // A few that lie elsewhere each are told of in full.
  const [, first] = again[0] ?? [];
  if (again.length < AGAIN_MIN || again.some(([, where]) => where !== first)) return { own: member, again: [] };
  return { own: { ...member, properties: Object.fromEntries(own) }, again };
}

if (process.argv[1] === import.meta.filename) writeFileSync(README, readmeWanted());

/**
 * The table of fields in scenarios/README.md, made from the schema that checks scenarios: `npm run scenario-fields`
 * writes it anew, test/scenario-fields.test.ts says when that is due.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/lab/package-root.ts';
import { scenarioJsonSchema } from '../src/lab/scenario-schema.ts';

const BEGIN = '<!-- fields: made by npm run scenario-fields -->';
const END = '<!-- end of fields -->';
/** Keys that tell the members of a union apart. */
const TELLING: readonly string[] = ['kind', 'process', 'semantics', 'model'];
/** Characters of a block's schema from which on it is listed once. */
const LONG = 1000;
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

/** The README with the table as it should be. */
export function readmeWanted(): string {
  const [before = '', rest = ''] = readmeNow().split(BEGIN);
  const [, after = ''] = rest.split(END);
  return `${before}${BEGIN}\n\n${fieldsTable()}\n\n${END}${after}`;
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
  const members = [...(node.oneOf ?? []), ...(node.anyOf ?? [])].flatMap((member) => memberFields(member, path, told));
  const rows = [...own, ...items, ...members];
  if (rows.length > 0) told.set(block, path);
  return rows;
}

/** Of one member of a union: under the key that tells it from the others. Distributions are told of in the text. */
function memberFields(member: Node, path: string, told: Map<string, string>): Rows {
  const telling = TELLING.find((key) => member.properties?.[key]?.const !== undefined);
  if (telling !== undefined) {
    const name = `${path} (${telling}: ${String(member.properties?.[telling]?.const)})`;
    const what = member.description ?? member.properties?.[telling]?.description ?? '';
    return [[name, what], ...fieldsOf(member, name, told)];
  }
  return member.properties?.['dist'] === undefined ? fieldsOf(member, path, told) : [];
}

if (process.argv[1] === import.meta.filename) writeFileSync(README, readmeWanted());

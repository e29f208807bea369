/**
 * The import table of the design: which room may know which other room or package, and by type only where it says so.
 */
import { posix } from 'node:path';
import ts from 'typescript';
import { isDynamicImport, violation, walk, type Source, type Violation } from './source.ts';

interface Rule {
  /** Rooms, files of rooms (without .ts), packages, or 'node:*'. */
  readonly values: readonly string[];
  /** As `values`, by `import type` only. */
  readonly types?: readonly string[];
}

/** By room. A room may import itself. `src/kernel/assert` is one file; `policies` is a whole room. */
const ROOMS: Readonly<Record<string, Rule>> = {
  policies: { values: ['src/kernel/assert', '@noble/hashes'] },
  'src/kernel': { values: [] },
  'src/gateway': { values: ['src/kernel/assert'], types: ['policies'] },
  'src/dataset': { values: ['src/kernel/assert'], types: ['policies'] },
  'src/worker': { values: ['src/kernel'] },
  'src/workload': { values: ['src/kernel'] },
  'src/results': { values: ['src/kernel'], types: ['policies/types'] },
  'src/sim': {
    values: ['src/kernel', 'src/gateway', 'src/dataset', 'src/worker', 'src/workload', 'src/results'],
    types: ['policies'],
  },
  'src/live': {
    values: [
      ...['src/kernel', 'src/gateway', 'src/dataset', 'src/worker', 'src/workload', 'src/results', 'policies'],
      ...['zod', 'yaml', 'undici', 'pino', 'prom-client', 'node:*'],
    ],
  },
  'src/lab': {
    values: [
      ...['src/sim', 'src/workload', 'src/results', 'policies', 'src/kernel', 'src/dataset/settings'],
      ...['zod', 'yaml', 'fast-check', 'piscina', 'node:*', '@stdlib/stats-base-dists-t-cdf'],
      '@stdlib/stats-base-dists-t-quantile',
    ],
    types: ['src/worker', 'src/dataset'],
  },
  'src/truth': {
    values: [
      ...['src/kernel', 'src/worker', 'src/workload', 'src/results', 'src/lab'],
      ...['zod', 'yaml', 'node:*'],
    ],
  },
  'src/report': { values: ['src/results', 'cli-table3'], types: ['src/lab', 'src/truth'] },
  'src/cli': { values: ['src/lab', 'src/truth', 'src/live', 'src/report', 'yargs', 'cli-progress', 'node:*'] },
};

/** What single files may import besides: a path or a folder with its slash. Each with the reason. */
const FILES: readonly (Rule & { readonly path: string; readonly reason: string })[] = [
  { path: 'src/kernel/rng.ts', values: ['seedrandom'], reason: 'the one home of randomness' },
  { path: 'src/kernel/distribution.ts', values: ['d3-random'], reason: 'the one home of sampling' },
  { path: 'src/workload/arrival-times.ts', values: ['d3-random'], reason: 'gaps are summed before they are rounded' },
  { path: 'src/workload/byte-source.ts', values: ['node:fs', 'node:zlib'], reason: 'a trace reader' },
  { path: 'src/report/browser/chart.ts', values: ['uplot'], reason: 'the charts of a report' },
  { path: 'src/report/browser/main.ts', values: ['uplot/dist/uPlot.min.css'], reason: 'their style' },
  { path: 'policies/config.ts', values: ['zod'], reason: 'building blocks of configuration' },
  { path: 'policies/schema.ts', values: ['zod'], reason: 'the policies: block' },
  { path: 'policies/entry.ts', values: [], types: ['zod'], reason: 'a policy entry holds its schema' },
];

/** A role's `config.ts` in policies is part of policies/config.ts, split by role. */
const ROLE_CONFIG = /^policies\/[a-z-]+\/config\.ts$/;

/** Room of a path; undefined for tests and tools, which may import anything. */
export function roomOf(path: string): string | undefined {
  if (path.startsWith('policies/')) return 'policies';
  const match = /^(src\/[a-z-]+)\//.exec(path);
  return match?.[1];
}

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
  readonly position: number;
}

/** Every import, export-from and import() of a file; a relative target is resolved to a path without .ts. */
function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const name = specifier.text;
    const target = name.startsWith('.') ? posix.join(posix.dirname(source.path), name).replace(/\.[jt]s$/, '') : name;
    found.push({ target, typeOnly, position: specifier.getStart(source.tree) });
  };
  walk(source.tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importsTypesOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (isDynamicImport(node)) add(node.arguments[0], false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
  });
  return found;
}

function importsTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  if (clause.name !== undefined || bindings === undefined || ts.isNamespaceImport(bindings)) return false;
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function covers(allowed: string, target: string): boolean {
  if (allowed.endsWith('*')) return target.startsWith(allowed.slice(0, -1));
  return target === allowed || target.startsWith(`${allowed}/`);
}

/** Imports that the table does not allow. */
export function checkImports(source: Source): Violation[] {
  const room = roomOf(source.path);
  if (room === undefined) return [];
  const rule = ROOMS[room];
  if (rule === undefined) return [`${source.path}:1: the import table has no room ${room}`];
  const rules: Rule[] = [rule, ...FILES.filter((file) => file.path === source.path)];
  if (ROLE_CONFIG.test(source.path)) rules.push({ values: ['zod'] });
  const values = [room, ...rules.flatMap((each) => each.values)];
  const types = rules.flatMap((each) => each.types ?? []);
  return importsOf(source).flatMap(({ target, typeOnly, position }) => {
    if (values.some((allowed) => covers(allowed, target))) return [];
    if (!types.some((allowed) => covers(allowed, target))) {
      return [violation(source, position, `${room} may not import ${target}`)];
    }
    return typeOnly ? [] : [violation(source, position, `${room} may import ${target} by type only`)];
  });
}

/** Exceptions of the table that no file needs any more. */
export function staleImportExceptions(sources: readonly Source[]): string[] {
  return FILES.flatMap(({ path, values, types }) => {
    const source = sources.find((each) => each.path === path);
    const targets = source === undefined ? [] : importsOf(source).map((each) => each.target);
    const stale = [...values, ...(types ?? [])].filter((name) => !targets.some((target) => covers(name, target)));
    return stale.map((name) => `${path}: ${name}`);
  });
}

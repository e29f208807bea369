/**
 * What keeps a run reproducible: outside the real host no clock, timer, unseeded draw or locale; in the synchronous
 * rooms no promise either. Names are matched in the syntax tree, so comments and texts may say them.
 */
import ts from 'typescript';
import { roomOf } from './imports.ts';
import { isDynamicImport, violation, walk, type Source, type Violation } from './source.ts';

const SYNCHRONOUS = new Set(['policies', 'src/kernel', 'src/gateway', 'src/dataset', 'src/worker', 'src/sim']);
const REAL_HOST = /^(src|test)\/(live|cli)\/|^test\/bench\//;

interface Exception {
  readonly path: string;
  readonly name: string;
  readonly reason: string;
}

const STANDS_IN = 'puts traps in the place of ambient names to show that no run touches them';
/** Files that need a banned name, with the reason. One that needs it no longer is reported by `staleExceptions`. */
const EXCEPTIONS: readonly Exception[] = [
  ...['performance', 'crypto', 'Intl', 'Date.now', 'new Date', 'Math.random', 'setTimeout'].map((name) => {
    return { path: 'test/sim/ambient.test.ts', name, reason: STANDS_IN };
  }),
];

const GLOBALS = new Set([
  ...['performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
  ...['clearTimeout', 'clearInterval', 'clearImmediate', 'crypto', 'Intl'],
]);
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ['now'],
  Math: ['random'],
  process: ['hrtime', 'uptime', 'cpuUsage', 'resourceUsage', 'nextTick'],
};
const METHODS = /^(toLocale\w*|localeCompare|random(Bytes|Int|UUID|Fill|FillSync)|getRandomValues)$/;
const MODULES = /^(node:)?(timers|perf_hooks)(\/.*)?$/;
const CRYPTO = /^(node:)?crypto$/;

interface Found {
  readonly name: string;
  readonly position: number;
}

/** Member read from an identifier: `a.b` or `a['b']`. */
function member(node: ts.Node): { object: string; property: string } | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    return { object: ts.isIdentifier(node.expression) ? node.expression.text : '', property: node.name.text };
  }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    const object = ts.isIdentifier(node.expression) ? node.expression.text : '';
    return { object, property: node.argumentExpression.text };
  }
  return undefined;
}

/** True for an identifier that names a value of its own: no member, key, parameter or declaration. */
function isFreeName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent) || ts.isBindingElement(parent)) return parent.name !== node;
  return !ts.isClassElement(parent) && !ts.isTypeElement(parent) && !ts.isParameter(parent);
}

function clockOrDraw(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node) && GLOBALS.has(node.text) && isFreeName(node)) return node.text;
  const read = member(node);
  if (read !== undefined) {
    if (METHODS.test(read.property)) return read.property;
    if (MEMBERS[read.object]?.includes(read.property)) return `${read.object}.${read.property}`;
    if (read.object === 'globalThis' && GLOBALS.has(read.property)) return read.property;
  }
  const made = ts.isNewExpression(node) || ts.isCallExpression(node);
  if (made && ts.isIdentifier(node.expression) && node.expression.text === 'Date') return 'new Date';
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer !== undefined) {
    const from = ts.isIdentifier(node.initializer) ? (MEMBERS[node.initializer.text] ?? []) : [];
    const names = node.name.elements.map((element) => (element.propertyName ?? element.name).getText());
    return names.find((name) => from.includes(name));
  }
  return undefined;
}

function bannedImport(node: ts.Node): string | undefined {
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return undefined;
  const name = node.moduleSpecifier.text;
  if (MODULES.test(name)) return name;
  if (!CRYPTO.test(name)) return undefined;
  const bindings = node.importClause?.namedBindings;
  if (bindings === undefined || ts.isNamespaceImport(bindings)) return name;
  const names = bindings.elements.map((element) => (element.propertyName ?? element.name).text);
  return names.find((each) => METHODS.test(each) || each === 'webcrypto');
}

function promise(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node)) return 'await';
  if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return 'for await';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (isDynamicImport(node)) return 'import()';
  if (ts.isIdentifier(node) && /^Promise(Like)?$/.test(node.text) && isFreeName(node)) return node.text;
  return undefined;
}

function bannedNames(source: Source): Found[] {
  if (REAL_HOST.test(source.path) || !source.path.endsWith('.ts')) return [];
  const synchronous = SYNCHRONOUS.has(roomOf(source.path) ?? '');
  const found: Found[] = [];
  walk(source.tree, (node) => {
    const name = clockOrDraw(node) ?? bannedImport(node) ?? (synchronous ? promise(node) : undefined);
    if (name !== undefined) found.push({ name, position: node.getStart(source.tree) });
  });
  return found;
}

/** Names that the source's room may not use, without those that its exceptions allow. */
export function checkPurity(source: Source, exceptions = EXCEPTIONS): Violation[] {
  const allowed = exceptions.filter((exception) => exception.path === source.path).map((exception) => exception.name);
  return bannedNames(source)
    .filter(({ name }) => !allowed.includes(name))
    .map(({ name, position }) => violation(source, position, `${name}: a run depends on its inputs alone`));
}

/** Exceptions that no source needs. */
export function staleExceptions(sources: readonly Source[], exceptions = EXCEPTIONS): string[] {
  const needed = new Set(sources.flatMap((source) => bannedNames(source).map(({ name }) => `${source.path}: ${name}`)));
  return exceptions.map(({ path, name }) => `${path}: ${name}`).filter((exception) => !needed.has(exception));
}

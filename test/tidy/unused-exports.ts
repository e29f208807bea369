/**
 * Exports that nobody uses. Tests, re-exports and the package's entry points count as use, and for a type so does its
 * own file, since who calls a function may want to name what it takes and answers.
 */
import { posix } from 'node:path';
import ts from 'typescript';
import { isDynamicImport, violation, walk, type Source, type Violation } from './source.ts';

interface Exported {
  readonly name: string;
  readonly position: number;
}

/** Names that a file exports itself, without types that it uses itself. */
function exportsOf(source: Source): Exported[] {
  const found: Exported[] = [];
  for (const statement of source.tree.statements) {
    const add = (node: ts.Node) => {
      found.push({ name: node.getText(source.tree), position: node.getStart(source.tree) });
    };
    if (ts.isExportDeclaration(statement)) {
      if (statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause)) {
        for (const element of statement.exportClause.elements) add(element.name);
      }
      continue;
    }
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (!modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)) continue;
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) add(declaration.name);
    } else if ('name' in statement && statement.name !== undefined) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      const name = statement.name as ts.Node;
      if (!isType || mentions(source, name.getText(source.tree)) < 2) add(name);
    }
  }
  return found;
}

/** How often a name stands in a file, its declaration included. */
function mentions(source: Source, name: string): number {
  let count = 0;
  walk(source.tree, (node) => {
    if (ts.isIdentifier(node) && node.text === name) count++;
  });
  return count;
}

/** `file#name` for each name taken from a file, `file#*` where all may be. */
function usesOf(source: Source): string[] {
  const found: string[] = [];
  const resolve = (specifier: ts.Node): string | undefined => {
    if (!ts.isStringLiteralLike(specifier) || !specifier.text.startsWith('.')) return undefined;
    return posix.join(posix.dirname(source.path), specifier.text).replace(/\.[jt]s$/, '.ts');
  };
  const use = (specifier: ts.Node | undefined, names: readonly string[]) => {
    const path = specifier === undefined ? undefined : resolve(specifier);
    if (path !== undefined) found.push(...names.map((name) => `${path}#${name}`));
  };
  walk(source.tree, (node) => {
    if (ts.isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings;
      if (bindings === undefined) return;
      const all = ts.isNamespaceImport(bindings);
      use(node.moduleSpecifier, all ? ['*'] : bindings.elements.map((each) => (each.propertyName ?? each.name).text));
    } else if (ts.isExportDeclaration(node)) {
      const clause = node.exportClause;
      const named = clause !== undefined && ts.isNamedExports(clause);
      use(node.moduleSpecifier, named ? clause.elements.map((each) => (each.propertyName ?? each.name).text) : ['*']);
    } else if (isDynamicImport(node)) {
      use(node.arguments[0], ['*']);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      use(node.argument.literal, node.qualifier === undefined ? ['*'] : [node.qualifier.getText(source.tree)]);
    }
  });
  return found;
}

/** Unused exports of the sources that are not entry points. Bench modules export `run` to their runner. */
export function checkUnusedExports(sources: readonly Source[], entryPoints: readonly string[]): Violation[] {
  const used = new Set(sources.flatMap(usesOf));
  return sources.flatMap((source) => {
    if (entryPoints.includes(source.path) || used.has(`${source.path}#*`)) return [];
    return exportsOf(source)
      .filter(({ name }) => !used.has(`${source.path}#${name}`))
      .filter(({ name }) => !(source.path.endsWith('.bench.ts') && name === 'run'))
      .map(({ name, position }) => violation(source, position, `${name} is exported and nobody imports it`));
  });
}

/** Sources of the built files that package.json names in `exports` and `bin`. */
export function entryPointsOf(packageText: string): string[] {
  const built = [...packageText.matchAll(/"(?:\.\/)?dist\/([^"]+?)(?<!\.d)\.[jt]s"/g)];
  return [...new Set(built.map((match) => `${match[1]}.ts`))];
}

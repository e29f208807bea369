/** What the checkers read: each file's path from the root, its text and its syntax tree. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export interface Source {
  /** From the root of the repository, with '/'. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** `path:line: what is wrong`. */
export type Violation = string;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Not ours, or made by a command. */
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git']);

/** Paths of all files under `folder`, from the root. */
export function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !SKIPPED.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : entry.isFile() ? [path] : [];
    });
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function parse(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

export function violation(source: Source, position: number, message: string): Violation {
  return `${source.path}:${source.tree.getLineAndCharacterOfPosition(position).line + 1}: ${message}`;
}

/** Calls `visit` for each node of the tree, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

export function isDynamicImport(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

/**
 * Plants a fault in a copy of a core's or a policy's sources, in memory: each edit replaces one piece of text that must
 * occur exactly once, so a mutant that no longer fits its source fails instead of passing for a healthy one.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import ts from 'typescript';

const packages = createRequire(import.meta.url) as (name: string) => Record<string, unknown>;
const ROOT = resolve(import.meta.dirname, '../..');

export interface Edit {
  /** Path from the root of the repository. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The exports of `entry` with the edits made to it and to what it imports. */
export function planted(entry: string, edits: readonly Edit[]): Readonly<Record<string, unknown>> {
  const loaded = new Map<string, Record<string, unknown>>();
  const load = (path: string): Record<string, unknown> => {
    const known = loaded.get(path);
    if (known !== undefined) return known;
    const exports: Record<string, unknown> = {};
    loaded.set(path, exports);
    const require = (name: string) => (name.startsWith('.') ? load(resolve(dirname(path), name)) : packages(name));
    const run = compileFunction(compiled(path, edits), ['require', 'exports'], { filename: path });
    Reflect.apply(run, undefined, [require, exports]);
    return exports;
  };
  return load(join(ROOT, entry));
}

/** Compiled sources by their text: all but the edited files of a mutant are those of the last. */
const compiledBefore = new Map<string, string>();

function compiled(path: string, edits: readonly Edit[]): string {
  let source = readFileSync(path, 'utf8');
  for (const { file, from, to } of edits) {
    if (file !== relative(ROOT, path)) continue;
    const parts = source.split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places that read: ${from}`);
    source = parts.join(to);
  }
  let output = compiledBefore.get(source);
  if (output === undefined) {
    output = ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.CommonJS, verbatimModuleSyntax: false },
    }).outputText;
    compiledBefore.set(source, output);
  }
  return output;
}

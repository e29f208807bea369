/**
 * Loads an ES module that a user wrote: policies, invariants. Path and content hash name it, plain data, so that any
 * thread or process can load the same one again; the hash is of the file alone, what it imports does not count. Nothing
 * here is remembered between calls but what node remembers of modules it has loaded.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AmbientUse, watchedLoad } from './ambient-traps.ts';
import { hashOfFile } from './canonical-hash.ts';
import { reasonOf, ScenarioError, shownValue } from './scenario-error.ts';

/** Which file, and what was in it. */
export interface ModuleFile {
  /** Absolute. */
  readonly path: string;
  /** Hexadecimal SHA-256 of its bytes. */
  readonly hash: string;
}

export interface UserModule {
  readonly file: ModuleFile;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** What messages say of a module: the flag that names it, and what is allowed. */
export interface ModuleKind {
  readonly flag: string;
  readonly form: string;
}

const EXTENSIONS = ['.mjs', '.js', '.ts', '.mts'];

/** `file` is relative to the working folder. Rejects with ScenarioError. */
export async function loadUserModule(file: string, kind: ModuleKind): Promise<UserModule> {
  const path = resolve(file);
  const hash = hashOf(file, path, kind);
  return { file: { path, hash }, exports: await imported(file, path, kind) };
}

function hashOf(file: string, path: string, { flag, form }: ModuleKind): string {
  if (!EXTENSIONS.includes(extname(path))) {
    throw new ScenarioError([`${flag}: value ${shownValue(file)}; allowed ${form}`]);
  }
  let reason: string;
  try {
    if (statSync(path).isFile()) return hashOfFile(path);
    reason = 'it is no regular file';
  } catch (error) {
    reason = reasonOf(error);
  }
  throw new ScenarioError([`${flag}: value ${shownValue(file)}: ${reason}; allowed ${form}`]);
}

async function imported(file: string, path: string, { form }: ModuleKind): Promise<Readonly<Record<string, unknown>>> {
  await import('./own-package.ts');
  try {
    const url = pathToFileURL(path).href;
    return await watchedLoad(url, () => import(/* @vite-ignore */ url) as Promise<Record<string, unknown>>);
  } catch (error) {
    const place = error instanceof SyntaxError ? syntaxErrorPlace(path) : '';
    throw new ScenarioError([`${file}${place}: ${loadFailure(error)}; allowed ${form}`]);
  }
}

function loadFailure(error: unknown): string {
  if (!(error instanceof Error)) return `loading it threw ${String(error)}`;
  if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return `node ${process.version} does not load TypeScript by itself`;
  }
  const frame = /^ +(at (?!.*\(node:)(?!.*\/ambient-traps\.)(?!Object\.apply ).*)$/m.exec(error.stack ?? '')?.[1];
  const isResolution = (error as NodeJS.ErrnoException).code?.startsWith('ERR_') === true;
  const place = error instanceof SyntaxError || isResolution || frame === undefined ? '' : ` ${frame}`;
  const said = error instanceof AmbientUse ? `it called ${error.what}` : `${error.name}: ${error.message}`;
  return `cannot be loaded: ${said}${place}`;
}

/** `:LINE`, which the error of an import does not tell; '' when node finds none either. */
function syntaxErrorPlace(path: string): string {
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' });
  const [line = ''] = stderr.split('\n');
  return line.startsWith(path) ? (/:\d+$/.exec(line)?.[0] ?? '') : '';
}

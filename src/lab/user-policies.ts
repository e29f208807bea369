/**
 * `--policies FILE`: an ES module of the user's own that exports `policies: PolicyEntry[]`. Its entries join the
 * shipped ones for the scenarios loaded with them, and each policy they make is guarded (guarded-policy.ts). Nothing
 * here is remembered between calls but what node remembers of modules it has loaded.
 *
 * A run is given path and content hash, plain data, and loads the file again by itself: so that it runs alike in this
 * process, in the fresh one of `--check-determinism` and in a worker thread. The hash is of the file alone; what it
 * imports does not count.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type PolicyEntry, policyEntries } from '../../policies/index.ts';
import { hashOfFile } from './canonical-hash.ts';
import { entryIssues, strictEntry } from './entry-issues.ts';
import { guardedEntry } from './guarded-policy.ts';
import { reasonOf, ScenarioError, shownValue } from './scenario-error.ts';

/** Which file, and what was in it. */
export interface PolicyFile {
  /** Absolute. */
  readonly path: string;
  /** Hexadecimal SHA-256 of its bytes. */
  readonly hash: string;
}

export interface UserPolicies {
  readonly file: PolicyFile;
  /** The shipped entries, then those of the file, guarded. */
  readonly entries: readonly PolicyEntry[];
}

const EXTENSIONS = ['.mjs', '.js', '.ts', '.mts'];
const FORM = 'an ES module (.mjs, .js) that exports policies: PolicyEntry[]';

/** Loads and checks a policy file; relative to the working folder. Rejects with ScenarioError. */
export async function loadUserPolicies(file: string): Promise<UserPolicies> {
  const path = resolve(file);
  const hash = hashOf(file, path);
  const { policies } = await imported(file, path);
  if (!Array.isArray(policies)) {
    const given = policies === undefined ? 'no export named policies' : 'the export policies is no array';
    throw new ScenarioError([`${file}: ${given}; allowed ${FORM}`]);
  }
  const list = policies as readonly unknown[];
  const issues = list.flatMap((entry, i) => entryIssues(entry, `${file}: policies[${i}]`, list.slice(0, i)));
  if (issues.length > 0) throw new ScenarioError(issues);
  const own = (list as readonly PolicyEntry[]).map((entry) => guardedEntry(strictEntry(entry)));
  return { file: { path, hash }, entries: [...policyEntries, ...own] };
}

/** The entries a run was resolved with. Rejects with ScenarioError, also when the file has changed since. */
export async function entriesOfFile(file: PolicyFile | undefined): Promise<readonly PolicyEntry[]> {
  if (file === undefined) return policyEntries;
  const loaded = await loadUserPolicies(file.path);
  if (loaded.file.hash === file.hash) return loaded.entries;
  throw new ScenarioError([`${file.path}: changed since the scenario was resolved; run again`]);
}

function hashOf(file: string, path: string): string {
  if (!EXTENSIONS.includes(extname(path))) {
    throw new ScenarioError([`--policies: value ${shownValue(file)}; allowed ${FORM}`]);
  }
  let reason: string;
  try {
    if (statSync(path).isFile()) return hashOfFile(path);
    reason = 'it is no regular file';
  } catch (error) {
    reason = reasonOf(error);
  }
  throw new ScenarioError([`--policies: value ${shownValue(file)}: ${reason}; allowed ${FORM}`]);
}

async function imported(file: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  await import('./own-package.ts');
  try {
    return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    const place = error instanceof SyntaxError ? syntaxErrorPlace(path) : '';
    throw new ScenarioError([`${file}${place}: ${loadFailure(error)}; allowed ${FORM}`]);
  }
}

function loadFailure(error: unknown): string {
  if (!(error instanceof Error)) return `loading it threw ${String(error)}`;
  if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return `node ${process.version} does not load TypeScript by itself`;
  }
  const frame = /^ +(at (?!.*\(node:).*)$/m.exec(error.stack ?? '')?.[1];
  const isResolution = (error as NodeJS.ErrnoException).code?.startsWith('ERR_') === true;
  const place = error instanceof SyntaxError || isResolution || frame === undefined ? '' : ` ${frame}`;
  return `cannot be loaded: ${error.name}: ${error.message}${place}`;
}

/** `:LINE`, which the error of an import does not tell; '' when node finds none either. */
function syntaxErrorPlace(path: string): string {
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' });
  const [line = ''] = stderr.split('\n');
  return line.startsWith(path) ? (/:\d+$/.exec(line)?.[0] ?? '') : '';
}

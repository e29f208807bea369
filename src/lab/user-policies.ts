/**
 * `--policies FILE`: an ES module of the user's own that exports `policies: PolicyEntry[]`. Its entries join the
 * shipped ones for the scenarios loaded with them, and each policy they make is guarded (guarded-policy.ts).
 *
 * A run is given path and content hash, plain data, and loads the file again by itself: so that it runs alike in this
 * process, in the fresh one of `--check-determinism` and in a worker thread.
 */
import { type PolicyEntry, policyEntries } from '../../policies/index.ts';
import { entryIssues, strictEntry } from './entry-issues.ts';
import { guardedEntry } from './guarded-policy.ts';
import { ScenarioError } from './scenario-error.ts';
import { loadUserModule, type ModuleFile } from './user-module.ts';

/** Which file, and what was in it. */
export type PolicyFile = ModuleFile;

export interface UserPolicies {
  readonly file: PolicyFile;
  /** The shipped entries, then those of the file, guarded. */
  readonly entries: readonly PolicyEntry[];
}

const FORM = 'an ES module (.mjs, .js) that exports policies: PolicyEntry[]';

/** Loads and checks a policy file; relative to the working folder. Rejects with ScenarioError. */
export async function loadUserPolicies(file: string): Promise<UserPolicies> {
  const { file: loaded, exports } = await loadUserModule(file, { flag: '--policies', form: FORM });
  const { policies } = exports;
  if (!Array.isArray(policies)) {
    const given = policies === undefined ? 'no export named policies' : 'the export policies is no array';
    throw new ScenarioError([`${file}: ${given}; allowed ${FORM}`]);
  }
  return { file: loaded, entries: withOwnPolicies(policies, file) };
}

/**
 * The shipped entries and these, checked and guarded; `where` names them in messages. Throws ScenarioError.
 */
export function withOwnPolicies(list: readonly unknown[], where: string): readonly PolicyEntry[] {
  const issues = list.flatMap((entry, i) => entryIssues(entry, `${where}: policies[${i}]`, list.slice(0, i)));
  if (issues.length > 0) throw new ScenarioError(issues);
  const own = (list as readonly PolicyEntry[]).map((entry) => guardedEntry(strictEntry(entry)));
  return [...policyEntries, ...own];
}

/** The entries a run was resolved with. Rejects with ScenarioError, also when the file has changed since. */
export async function entriesOfFile(file: PolicyFile | undefined): Promise<readonly PolicyEntry[]> {
  if (file === undefined) return policyEntries;
  const loaded = await loadUserPolicies(file.path);
  if (loaded.file.hash === file.hash) return loaded.entries;
  throw new ScenarioError([`${file.path}: changed since the scenario was resolved; run again`]);
}

/**
 * `--invariants FILE`: an ES module of the user's own that exports `invariants: Invariant[]`, held beside those that
 * come with Spillway. A user's file is JavaScript: none of what the types promise holds until it is looked at here.
 */
import type { WatchedRole } from './invariants/invariant.ts';
import { invariants as shipped } from './invariants/catalogue.ts';
import type { Invariant } from './invariants/invariant.ts';
import { PORT } from './policy-port.ts';
import { ScenarioError, shownValue } from './scenario-error.ts';
import { loadUserModule, type ModuleFile } from './user-module.ts';

const FORM = 'an ES module (.mjs, .js) that exports invariants: Invariant[]';
const VERDICTS = ['broken', 'unfinished', 'metastable'];
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

export interface UserInvariants {
  readonly file: ModuleFile;
  readonly invariants: readonly Invariant[];
}

/** Loads and checks a file of invariants; relative to the working folder. Rejects with ScenarioError. */
export async function loadUserInvariants(file: string): Promise<UserInvariants> {
  const { file: loaded, exports } = await loadUserModule(file, { flag: '--invariants', form: FORM });
  const { invariants } = exports;
  if (!Array.isArray(invariants)) {
    const given = invariants === undefined ? 'no export named invariants' : 'the export invariants is no array';
    throw new ScenarioError([`${file}: ${given}; allowed ${FORM}`]);
  }
  const list = invariants as readonly unknown[];
  const issues = list.flatMap((each, i) => invariantIssues(each, `${file}: invariants[${i}]`, list.slice(0, i)));
  if (issues.length > 0) throw new ScenarioError(issues);
  return { file: loaded, invariants: list as readonly Invariant[] };
}

function invariantIssues(given: unknown, where: string, earlier: readonly unknown[]): string[] {
  if (!isObject(given)) return [`${where}: value ${shown(given)}; allowed an object with name, promise, watch`];
  const { name, promise, verdict, hears, watch } = given;
  const isTaken = [...shipped, ...earlier].some((other) => isObject(other) && other['name'] === name);
  return [
    ...unless(typeof name === 'string' && NAME.test(name), `${where}.name`, name, 'lower-case letters, digits and -'),
    ...unless(!isTaken, `${where}.name`, name, 'a name that no other invariant has'),
    ...unless(typeof promise === 'string' && promise.trim() !== '', `${where}.promise`, promise, 'one sentence'),
    ...unless(
      verdict === undefined || VERDICTS.includes(verdict as string),
      `${where}.verdict`,
      verdict,
      VERDICTS.join(', '),
    ),
    ...unless(hears === undefined || Array.isArray(hears), `${where}.hears`, hears, "a list such as ['router.pick']"),
    ...(Array.isArray(hears) ? hears.flatMap((each, i) => hearsIssues(each, `${where}.hears[${i}]`)) : []),
    ...unless(
      typeof watch === 'function',
      `${where}.watch`,
      watch,
      'a function (scenario, report) that answers a watcher',
    ),
  ];
}

function hearsIssues(method: unknown, where: string): string[] {
  const [role = '', name = ''] = typeof method === 'string' ? method.split('.') : [];
  const known = { ...PORT, callRetry: PORT.retry } as Readonly<Record<WatchedRole, object>>;
  const isKnown = Object.hasOwn(known, role) && (Object.hasOwn(known[role as WatchedRole], name) || OPTIONAL.has(name));
  return unless(isKnown, where, method, "role.method of the port, such as 'queue.offer'");
}

/** Methods that a policy may leave out. */
const OPTIONAL: ReadonlySet<string> = new Set([
  ...['granted', 'firstToken', 'settled'],
  ...['discovered', 'configured', 'reported', 'statusChanged', 'reportsEnded'],
]);

function unless(isRight: boolean, where: string, value: unknown, allowed: string): string[] {
  return isRight ? [] : [`${where}: ${value === undefined ? 'missing' : `value ${shown(value)}`}; allowed ${allowed}`];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === 'function' ? 'a function' : shownValue(value);
}

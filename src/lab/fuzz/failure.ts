/**
 * What was wrong with one run, whoever found it: an invariant, the guard of a policy, an assert, the second history.
 */
import { InvariantError } from '../../kernel/assert.ts';
import type { BrokenPromise, CheckedRun } from '../checked-run.ts';
import { PolicyFault } from '../guarded-policy.ts';
import type { WatchedRole } from '../invariants/invariant.ts';
import type { AskedLast } from './last-call.ts';
import type { ResolvedScenario } from '../resolve.ts';

/** In words: `broken` a promise, `unfinished`, `metastable`, two histories of one seed, a `hang` of the machine. */
export type FailureVerdict = BrokenPromise['verdict'] | 'nondeterminism' | 'hang';

export interface Failure {
  readonly verdict: FailureVerdict;
  /** Name of the invariant. */
  readonly invariant: string;
  readonly promise: string;
  readonly message: string;
  /** What the policy at fault was asked, in words. */
  readonly input?: string | undefined;
  /** Virtual time, microseconds; -1: the message says it. */
  readonly at: number;
  readonly request?: number | undefined;
  readonly row?: number | undefined;
  /** Failures of one signature are one finding: the invariant, and the policy where it is known. */
  readonly signature: string;
}

/** Invariants that are found to be broken by other means than watching. */
const PORT_KEPT = {
  invariant: 'policies-keep-the-port',
  promise: 'No policy throws, answers outside its port, changes what it is shown, or reads a clock or draws unseeded.',
} as const;
const CORES_HOLD = {
  invariant: 'cores-hold',
  promise: 'What cores, keepers and workers assert of themselves holds.',
} as const;
const ONE_HISTORY = {
  invariant: 'one-history',
  promise: 'One scenario and seed is one history: no policy remembers earlier runs or looks at its process.',
} as const;
const NO_HANG = {
  invariant: 'no-hang',
  promise: 'No policy keeps the machine busy without an answer.',
} as const;

/**
 * The failure of a run; undefined: none. A policy at fault comes first, then promises in the order of their breaking.
 */
export function failureOf(run: CheckedRun, world: ResolvedScenario): Failure | undefined {
  return failuresOf(run, world)[0];
}

/** All of them, in that order. */
export function failuresOf({ broken, fault }: CheckedRun, world: ResolvedScenario): Failure[] {
  const promises = broken.map((each) => brokenPromise(each, world));
  if (fault === undefined) return promises;
  if (!(fault instanceof PolicyFault)) return [...promises, assertBroken(fault)];
  const { message, input } = fault;
  const who = / (threw|answered|called|changed) /.exec(message)?.index ?? message.length;
  const signature = message.slice(0, who);
  return [{ verdict: 'broken', ...PORT_KEPT, message, input, at: -1, signature }, ...promises];
}

function brokenPromise(
  { invariant, promise, verdict, message, at, request, row, role }: BrokenPromise,
  world: ResolvedScenario,
): Failure {
  const policy = policyOf(world, role);
  const signature = policy === undefined ? invariant : `${invariant}: ${policy}`;
  return { verdict, invariant, promise, message, at, request, row, signature };
}

function assertBroken(fault: unknown): Failure {
  const said = fault instanceof Error ? fault.message : 'a run threw what is no error';
  const message = fault instanceof InvariantError ? said : `${said} (a bug of ours)`;
  const signature = `${CORES_HOLD.invariant}: ${said.replace(/[\d.]+/g, '#')}`;
  return { verdict: 'broken', ...CORES_HOLD, message, at: -1, signature };
}

/** Two runs of one scenario in one process differ. */
export function twoHistories(first: string, second: string): Failure {
  const message = `the digest is ${first}, and ${second} when it is run again`;
  return { verdict: 'nondeterminism', ...ONE_HISTORY, message, at: -1, signature: ONE_HISTORY.invariant };
}

/** The run made no progress for so many seconds; `last`: what was under way then, where it is known. */
export function hanging(seconds: number, last?: AskedLast): Failure {
  const who = last === undefined ? 'the run made no progress' : `${last.who} did not answer`;
  const message = `${who} for ${seconds} s and was ended`;
  return { verdict: 'hang', ...NO_HANG, message, input: last?.input, at: -1, signature: NO_HANG.invariant };
}

/** Whether a smaller scenario fails as the one that was found; its policies may be others. */
export function isSameFailure(found: Failure, other: Failure | undefined): boolean {
  if (other?.invariant !== found.invariant) return false;
  const isNamed = found.invariant === PORT_KEPT.invariant || found.invariant === CORES_HOLD.invariant;
  return !isNamed || other.signature === found.signature;
}

/** `queue fifo`; undefined: the role is not known. */
function policyOf({ policies }: ResolvedScenario, role: WatchedRole | undefined): string | undefined {
  switch (role) {
    case undefined:
      return undefined;
    case 'gate':
      return `gate ${policies.gates.map(({ name }) => name).join(', ')}`;
    case 'retry-budget':
      return `retry-budget ${policies.retryBudget.name}`;
    default:
      return `${role} ${policies[role]?.name ?? 'none'}`;
  }
}

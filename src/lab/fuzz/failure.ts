/**
 * What was wrong with one run, whoever found it: an invariant, the guard of a policy, an assert, the second history.
 */
import { InvariantError } from '../../kernel/assert.ts';
import type { BrokenPromise, CheckedRun } from '../checked-run.ts';
import { PolicyFault } from '../guarded-policy.ts';
import type { WatchedRole } from '../invariants/invariant.ts';
import type { ResolvedScenario } from '../resolve.ts';

/** In words: `broken` a promise, `unfinished`, `metastable`, two histories of one seed, a `hang` of the machine. */
export type FailureVerdict = BrokenPromise['verdict'] | 'nondeterminism' | 'hang';

export interface Failure {
  readonly verdict: FailureVerdict;
  /** Name of the invariant. */
  readonly invariant: string;
  readonly promise: string;
  readonly message: string;
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
  promise: 'No policy throws, answers outside its port, or changes what it is shown.',
} as const;
const CORES_HOLD = {
  invariant: 'cores-hold',
  promise: 'What cores, keepers and workers assert of themselves holds.',
} as const;
const ONE_HISTORY = {
  invariant: 'one-history',
  promise: 'One scenario and seed is one history: no policy reads a clock, draws unseeded or remembers earlier runs.',
} as const;
const NO_HANG = {
  invariant: 'no-hang',
  promise: 'No policy keeps the machine busy without an answer.',
} as const;

/**
 * The failure of a run; undefined: none. A policy at fault comes first, then promises in the order of their breaking.
 */
export function failureOf({ broken, fault }: CheckedRun, world: ResolvedScenario): Failure | undefined {
  const [first] = broken;
  if (fault instanceof PolicyFault) {
    const { message } = fault;
    const who = / (threw|answered) /.exec(message)?.index ?? message.length;
    return { verdict: 'broken', ...PORT_KEPT, message, at: -1, signature: message.slice(0, who) };
  }
  if (first !== undefined) {
    const { invariant, promise, verdict, message, at, request, row, role } = first;
    const policy = policyOf(world, role);
    const signature = policy === undefined ? invariant : `${invariant}: ${policy}`;
    return { verdict, invariant, promise, message, at, request, row, signature };
  }
  if (fault === undefined) return undefined;
  const message = fault instanceof Error ? fault.message : 'a run threw what is no error';
  const isAssert = fault instanceof InvariantError;
  const signature = `${CORES_HOLD.invariant}: ${message.replace(/[\d.]+/g, '#')}`;
  return {
    verdict: 'broken',
    ...CORES_HOLD,
    message: isAssert ? message : `${message} (a bug of ours)`,
    at: -1,
    signature,
  };
}

/** Two runs of one scenario in one process differ. */
export function twoHistories(first: string, second: string): Failure {
  const message = `the digest is ${first}, and ${second} when it is run again`;
  return { verdict: 'nondeterminism', ...ONE_HISTORY, message, at: -1, signature: ONE_HISTORY.invariant };
}

/** The run made no progress for so many seconds. */
export function hanging(seconds: number): Failure {
  const message = `the run made no progress for ${seconds} s and was ended`;
  return { verdict: 'hang', ...NO_HANG, message, at: -1, signature: NO_HANG.invariant };
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

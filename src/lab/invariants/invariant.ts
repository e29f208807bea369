/**
 * What an invariant is: a promise that holds in every run whatever the scenario, and how it is watched. A watcher hears
 * the run's journal, what policies were asked and answered, the requests that are over, and the end; it says what
 * it found wrong. It must not change what it is shown, nor keep it: records are used again. Throwing says the same as
 * `report`, with the error's message, so that a user's own invariant may use any assertion library.
 */
import type { DropRule } from '../../dataset/types.ts';
import type { PolicyRole, TaskFailure } from '../../../policies/index.ts';
import type { RequestRecord } from '../../results/record.ts';
import type { ResolvedScenario } from '../resolve.ts';
import type { RunOutcome, TapEntry } from '../run-types.ts';
import type { RequestFacts } from './ledger.ts';

/** A role of a policy; `callRetry` is the retry policy of a dataset's calls. */
export type WatchedRole = PolicyRole | 'callRetry';

/** A question to a policy and its answer. */
export interface PolicyCall {
  /** Virtual time, microseconds. */
  readonly at: number;
  readonly role: WatchedRole;
  /** Name of the policy. */
  readonly policy: string;
  readonly method: string;
  /** As the policy got them, `now` included. */
  readonly args: readonly unknown[];
  readonly answer: unknown;
}

/** A policy whose calls are heard, before the first of them. */
export interface MadePolicy {
  readonly role: WatchedRole;
  /** Name of the policy. */
  readonly policy: string;
  /** Whether it has a method of this name: some are optional. */
  readonly has: (method: string) => boolean;
}

/** A dataset lost a row. */
export interface RowDrop {
  /** Virtual time, microseconds. */
  readonly at: number;
  /** In the whole dataset. */
  readonly row: number;
  readonly rule: DropRule;
  /** Of the task that decided it. */
  readonly last: TaskFailure | undefined;
}

/** What was found wrong. */
export interface Violation {
  /** Virtual time, microseconds. */
  readonly at: number;
  /** A sentence: who did what, with the values that show it. */
  readonly message: string;
  /** Id of the request it is about. */
  readonly request?: number | undefined;
  /** Row of the dataset it is about. */
  readonly row?: number | undefined;
  /** Role of the policy that did it, where that is known. */
  readonly role?: WatchedRole | undefined;
}

/** Every member is optional. Times never decrease from call to call. */
export interface Watcher {
  /** An entry of the journal. `request` is what was known before it of the request it is about. */
  entry?(entry: TapEntry, request: RequestFacts | undefined): void;
  /** A policy was made in a role of which the invariant `hears` something. */
  made?(policy: MadePolicy): void;
  /** Of the methods that the invariant `hears`. */
  call?(call: PolicyCall): void;
  rowDropped?(drop: RowDrop): void;
  /** A request is over for its client. */
  record?(record: RequestRecord): void;
  /** The run is over, and was not interrupted. */
  end?(outcome: RunOutcome): void;
}

export type Report = (violation: Violation) => void;

export interface Invariant {
  /** Lower-case letters, digits and -. */
  readonly name: string;
  /** What it promises: one sentence. */
  readonly promise: string;
  /** What a violation is: a bug (exit code 3), a run that does not end (5), one that does not recover (6). */
  readonly verdict?: 'broken' | 'unfinished' | 'metastable' | undefined;
  /** Methods of policies that its watchers want to hear of. */
  readonly hears?: readonly `${WatchedRole}.${string}`[] | undefined;
  /** A watcher for one run. */
  watch(scenario: ResolvedScenario, report: Report): Watcher;
}

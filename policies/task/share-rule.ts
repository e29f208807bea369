/**
 * What a share rule sees and answers: may a task that finds all it needs take it, or must its group leave it to
 * others?
 */
import type { Contention } from './contention.ts';
import type { Needs, SchedulableTask, TaskLease, TaskVerdict } from './types.ts';

export interface Holdings {
  /** Tasks of the group that hold a lease, by its key. */
  running(group: string): number;
  leased(group: string, resource: string): number;
  limit(resource: string): number;
}

export interface ShareRule {
  /** Asked only of a task for which every resource has enough. No state change. */
  verdict(task: SchedulableTask, holdings: Holdings, contention: Contention): TaskVerdict;
  /** The task was leased on this verdict. */
  granted(task: SchedulableTask, verdict: TaskVerdict & { allowed: true }): void;
  /** Once for each lease. */
  released(lease: TaskLease): void;
  /** What each group owes, by group key and then by resource, without zeros. */
  debts(): ReadonlyMap<string, Needs>;
  checkInvariants(holdings: Holdings): void;
}

/**
 * Share rule: a group keeps to its admitted limit while others press, and is free otherwise. Intuition: the limit is
 * twice what its endpoint serves at once, enough to keep it busy; more would only hold slots in front of it.
 * Regimes: alone, a group takes all there is; with peers, the one that came first keeps what it has until it ends.
 * Limits: nothing is given back early, so long tasks of an early group delay its peers by their own length; groups
 * without a limit are never held.
 *
 * Source: DataDesigner scheduling/task_policies.py 99517abc (strict); not used in its production.
 */
import type { Contention } from './contention.ts';
import type { Holdings, ShareRule } from './share-rule.ts';
import type { Needs, SchedulableTask, TaskVerdict } from './types.ts';

const NONE: ReadonlyMap<string, Needs> = new Map();

export class Strict implements ShareRule {
  verdict(task: SchedulableTask, holdings: Holdings, contention: Contention): TaskVerdict {
    const { group } = task.plan;
    const running = holdings.running(group.key);
    if (running < group.admittedLimit) return { allowed: true, shares: [] };
    const pressure = contention.pressure(task);
    if (pressure.length === 0) return { allowed: true, shares: [] };
    const { admittedLimit } = group;
    return { allowed: false, denial: { reason: 'group-cap', by: 'admitted-limit', admittedLimit, running, pressure } };
  }

  granted(): void {}

  released(): void {}

  debts(): ReadonlyMap<string, Needs> {
    return NONE;
  }

  checkInvariants(): void {}
}

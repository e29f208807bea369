/**
 * Share rule: each group has a share of each resource it needs, in proportion to the weights of those who compete
 * for it now; what nobody presses for it may borrow beyond the share, up to a ceiling, and owes it until as much of
 * its own is released. While peers press, a group that owes gets nothing more of that resource, and nobody exceeds
 * the share.
 *
 * Regimes: everyone busy, everyone at the share. One group alone has half as its share and borrows the rest, but for
 * `reserve`, which is kept for a group that may come; with small limits a reserve is dear: of 2 places it left 1, so
 * that an endpoint ran one request at a time (upstream until #810). When a peer arrives it waits for releases, not
 * for the debt: borrowed tasks run on.
 *
 * Limits: debt is counted per group and resource, not per lease, so any release of the group repays. Shares round up
 * by default and may add up to more than there is; then the fair order decides. A task that needs more than its
 * group's whole share waits until nobody presses, or, beyond share and ceiling, for ever; the resolver's tasks need
 * 1 of each. Debt never exceeds what the group holds, so a group that holds nothing owes nothing and is never held
 * back for long.
 *
 * Source: DataDesigner scheduling/task_policies.py 99517abc (bounded borrow), replayed by test/conformance.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { BoundedBorrowConfig } from './config.ts';
import { type Contention, shareWeight } from './contention.ts';
import type { Holdings, ShareRule } from './share-rule.ts';
import type { Loan, Needs, SchedulableTask, ShareAssessment, TaskGroup, TaskLease, TaskVerdict } from './types.ts';

export type BorrowSettings = Pick<
  BoundedBorrowConfig,
  'ceiling' | 'ceilings' | 'reserveRatio' | 'reserveMin' | 'reserveMax' | 'shareRounding' | 'repay'
>;

export class BoundedBorrow implements ShareRule {
  readonly #settings: BorrowSettings;
  readonly #ceilings = new Map<string, Map<string, number>>();
  /** By group key, then resource; no zeros. */
  readonly #debts = new Map<string, Map<string, number>>();

  constructor(settings: BorrowSettings) {
    this.#settings = settings;
    for (const { group, resource, ceiling } of settings.ceilings) {
      const ofGroup = this.#ceilings.get(group) ?? new Map<string, number>();
      this.#ceilings.set(group, ofGroup.set(resource, ceiling));
    }
  }

  verdict(task: SchedulableTask, holdings: Holdings, contention: Contention): TaskVerdict {
    const { group, needs } = task.plan;
    if (group.admittedLimit === Infinity) return { allowed: true, shares: [] };
    const pressure = contention.pressure(task);
    const shares: ShareAssessment[] = [];
    for (const [resource, needed] of needs) {
      const leased = holdings.leased(group.key, resource);
      const share = this.#share(group, resource, holdings.limit(resource), contention);
      const debt = this.#debt(group.key, resource);
      const excess = Math.max(0, leased + needed - share);
      if (pressure.includes(resource)) {
        if (debt > 0) {
          return { allowed: false, denial: { reason: 'borrow-debt', by: 'debt', resource, debt, share } };
        }
        if (excess > 0) {
          const compared = { resource, leased, needed, share, pressure };
          return { allowed: false, denial: { reason: 'group-cap', by: 'share', ...compared } };
        }
      }
      const loan = excess === 0 ? undefined : this.#loan(group, resource, Math.min(needed, excess), holdings, share);
      if (loan !== undefined && debt + loan.borrowed > loan.ceiling) {
        const { borrowed, ceiling } = loan;
        const compared = { resource, debt, needed, borrowed, ceiling, share };
        return { allowed: false, denial: { reason: 'borrow-debt', by: 'ceiling', ...compared } };
      }
      shares.push({ resource, leased, needed, share, debt, loan });
    }
    return { allowed: true, shares };
  }

  granted({ plan }: SchedulableTask, { shares }: TaskVerdict & { allowed: true }): void {
    for (const { resource, debt, loan } of shares) {
      if (loan !== undefined) this.#owe(plan.group.key, resource, debt + loan.borrowed);
    }
  }

  released({ plan }: TaskLease): void {
    if (this.#settings.repay === 'never') return;
    const { key } = plan.group;
    for (const [resource, amount] of plan.needs) this.#owe(key, resource, this.#debt(key, resource) - amount);
  }

  debts(): ReadonlyMap<string, Needs> {
    return this.#debts;
  }

  checkInvariants(holdings: Holdings): void {
    for (const [group, owed] of this.#debts) {
      assert(owed.size > 0, 'who owes nothing is no debtor');
      for (const [resource, debt] of owed) {
        const covered = this.#settings.repay === 'never' || debt <= holdings.leased(group, resource);
        assert(debt > 0 && covered, 'a group owes no more than it holds');
      }
    }
  }

  #debt(group: string, resource: string): number {
    return this.#debts.get(group)?.get(resource) ?? 0;
  }

  #owe(group: string, resource: string, debt: number): void {
    const owed = this.#debts.get(group) ?? new Map<string, number>();
    if (debt > 0) this.#debts.set(group, owed.set(resource, debt));
    else if (owed.delete(resource) && owed.size === 0) this.#debts.delete(group);
  }

  /** Alone, as if one peer of the same weight were there. */
  #share(group: TaskGroup, resource: string, limit: number, contention: Contention): number {
    const weight = shareWeight(group);
    const competing = contention.hasPeers(group, resource) ? contention.weight(group, resource) : 2 * weight;
    const exact = (limit * weight) / competing;
    const rounded = this.#settings.shareRounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
    return Math.min(Math.max(1, rounded), group.admittedLimit, limit);
  }

  #loan(group: TaskGroup, resource: string, borrowed: number, holdings: Holdings, share: number): Loan {
    const own = this.#ceilings.get(group.key)?.get(resource);
    if (own !== undefined) return { borrowed, ceiling: own, source: 'group-resource', reserved: 0 };
    const { ceiling, reserveRatio, reserveMin, reserveMax } = this.#settings;
    if (ceiling !== undefined) return { borrowed, ceiling, source: 'default', reserved: 0 };
    const limit = holdings.limit(resource);
    const reserved = Math.min(reserveMax, Math.max(reserveMin, Math.ceil(limit * reserveRatio)));
    return { borrowed, ceiling: Math.max(0, limit - reserved - share), source: 'dynamic', reserved };
  }
}

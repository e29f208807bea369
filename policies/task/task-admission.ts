/**
 * Decides whether a task may start now: every resource it needs must have enough left, and then the share rule
 * (strict.ts, bounded-borrow.ts) must agree. A lease takes all of a task's needs at once or nothing; nothing ever
 * waits in here, and a lease has no deadline, so the caller must release what it was granted.
 *
 * Regimes: with room and no rivals every task goes. At a limit, tasks that lack a resource stay in the queue, where
 * they hide the rest of their own group only. Bounding tasks by the same number as the requests of their endpoint
 * (`request:` resources) keeps the waiting here, where nothing expires, instead of in request admission, where it
 * does: DataDesigner pull 730. Limits: there is no reservation for a task that needs much of a resource, so smaller
 * ones may pass it for ever.
 *
 * Source: DataDesigner scheduling/task_admission.py 99517abc, replayed by test/conformance. Releases compare the
 * lease with the one granted, and give back what was granted, whatever the copy says.
 */
import { assert } from '../../src/kernel/assert.ts';
import { LeaseBook } from '../admission/lease-book.ts';
import type { ReleaseAnswer, ReleaseRefusal } from '../admission/types.ts';
import { Contention } from './contention.ts';
import type { Holdings, ShareRule } from './share-rule.ts';
import type {
  GroupUsage,
  MissingResource,
  Needs,
  SchedulableTask,
  TaskAdmission,
  TaskDenial,
  TaskDenialReason,
  TaskLease,
  TaskVerdict,
} from './types.ts';

export interface LeasingOptions {
  /** Tells this keeper's leases from those of one before it; 0 by default. */
  readonly generation?: number;
  /** Released leases remembered to tell a duplicate release. */
  readonly releasedHistory?: number;
}

interface Usage {
  running: number;
  readonly leased: Map<string, number>;
}

export class LeasingTaskAdmission implements TaskAdmission, Holdings {
  readonly #limits: Needs;
  readonly #available: Map<string, number>;
  readonly #rule: ShareRule;
  readonly #leases: LeaseBook<TaskLease>;
  /** By group key; no zeros. */
  readonly #usage = new Map<string, Usage>();
  /** Of `#contentionOf`, until a lease is granted or settled. */
  #contention: Contention | undefined;
  #contentionOf: readonly SchedulableTask[] = [];

  constructor(limits: Needs, rule: ShareRule, { generation = 0, releasedHistory = 8192 }: LeasingOptions = {}) {
    for (const limit of limits.values()) assert(limit > 0, 'a resource limit is more than 0');
    this.#limits = new Map(limits);
    this.#available = new Map(limits);
    this.#rule = rule;
    this.#leases = new LeaseBook(generation, releasedHistory, (given, granted) => given.task === granted.task);
  }

  verdict(task: SchedulableTask, heads: readonly SchedulableTask[]): TaskVerdict {
    const missing = this.#missing(task);
    if (missing.length > 0) return { allowed: false, denial: { reason: 'no-capacity', by: 'resources', missing } };
    return this.#rule.verdict(task, this, this.#contentionAmong(heads));
  }

  eligible(task: SchedulableTask, heads: readonly SchedulableTask[]): boolean {
    return this.#fits(task) && this.#rule.verdict(task, this, this.#contentionAmong(heads)).allowed;
  }

  tryAcquire(task: SchedulableTask, heads: readonly SchedulableTask[]): TaskLease | TaskDenial {
    const verdict = this.verdict(task, heads);
    if (!verdict.allowed) return verdict.denial;
    const { id, plan } = task;
    let usage = this.#usage.get(plan.group.key);
    if (usage === undefined) {
      usage = { running: 0, leased: new Map() };
      this.#usage.set(plan.group.key, usage);
    }
    usage.running++;
    for (const [resource, amount] of plan.needs) {
      this.#available.set(resource, this.available(resource) - amount);
      usage.leased.set(resource, (usage.leased.get(resource) ?? 0) + amount);
    }
    this.#rule.granted(task, verdict);
    this.#contention = undefined;
    return this.#leases.grant((lease, generation) => ({ id: lease, generation, task: id, plan }));
  }

  release(given: TaskLease): ReleaseAnswer {
    const lease = this.#leases.settle(given);
    if (typeof lease === 'string') return lease;
    const { group, needs } = lease.plan;
    const usage = this.#usage.get(group.key);
    assert(usage !== undefined, 'a group with a lease is in use');
    usage.running--;
    for (const [resource, amount] of needs) {
      this.#available.set(resource, this.available(resource) + amount);
      const left = (usage.leased.get(resource) ?? 0) - amount;
      if (left > 0) usage.leased.set(resource, left);
      else usage.leased.delete(resource);
    }
    if (usage.running === 0) this.#usage.delete(group.key);
    this.#rule.released(lease);
    this.#contention = undefined;
    return 'released';
  }

  explainBlocked(heads: readonly SchedulableTask[]): ReadonlyMap<TaskDenialReason, number> {
    const counts = new Map<TaskDenialReason, number>();
    for (const head of heads) {
      const verdict = this.verdict(head, heads);
      if (!verdict.allowed) counts.set(verdict.denial.reason, (counts.get(verdict.denial.reason) ?? 0) + 1);
    }
    return counts;
  }

  limit(resource: string): number {
    return this.#limits.get(resource) ?? 0;
  }

  available(resource: string): number {
    return this.#available.get(resource) ?? 0;
  }

  resources(): readonly string[] {
    return [...this.#limits.keys()];
  }

  running(group: string): number {
    return this.#usage.get(group)?.running ?? 0;
  }

  leased(group: string, resource: string): number {
    return this.#usage.get(group)?.leased.get(resource) ?? 0;
  }

  usage(): ReadonlyMap<string, GroupUsage> {
    const usage = new Map<string, GroupUsage>();
    const debts = this.#rule.debts();
    for (const key of [...this.#usage.keys(), ...debts.keys()]) {
      const { running = 0, leased } = this.#usage.get(key) ?? {};
      usage.set(key, { running, leased: new Map(leased), debt: new Map(debts.get(key)) });
    }
    return usage;
  }

  held(): { readonly leased: number } {
    return { leased: this.#leases.size };
  }

  leakCounts(): Readonly<Record<ReleaseRefusal, number>> {
    return this.#leases.refused();
  }

  checkInvariants(): void {
    const out = new Map<string, number>();
    for (const { plan } of this.#leases.leases()) {
      for (const [resource, amount] of plan.needs) out.set(resource, (out.get(resource) ?? 0) + amount);
    }
    for (const [resource, limit] of this.#limits) {
      const available = this.available(resource);
      assert(available >= 0, 'no more of a resource is leased than there is');
      assert(limit - available === (out.get(resource) ?? 0), 'the leases account for what is not available');
    }
    let running = 0;
    for (const usage of this.#usage.values()) running += usage.running;
    this.#rule.checkInvariants(this);
    assert(running === this.#leases.size, 'the groups count the leases that are out');
  }

  #fits({ plan }: SchedulableTask): boolean {
    for (const [resource, amount] of plan.needs) if (this.available(resource) < amount) return false;
    return true;
  }

  #missing({ plan }: SchedulableTask): readonly MissingResource[] {
    const missing: MissingResource[] = [];
    for (const [resource, needed] of plan.needs) {
      const available = this.available(resource);
      if (available < needed) missing.push({ resource, needed, available });
    }
    return missing;
  }

  #contentionAmong(heads: readonly SchedulableTask[]): Contention {
    if (this.#contention === undefined || this.#contentionOf !== heads) {
      this.#contention = new Contention(heads.filter((head) => this.#fits(head)));
      this.#contentionOf = heads;
    }
    return this.#contention;
  }
}

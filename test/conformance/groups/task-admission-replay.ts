/**
 * Replays one recorded sequence into queue, admission and share rule, and says what it observed in the words of the
 * record. Resources keep the record's names. The finish tags and the virtual time of the fair queue are not visible
 * from outside: the order of the groups stands for them.
 */
import { BoundedBorrow, type BorrowSettings } from '../../../policies/task/bounded-borrow.ts';
import { FairTaskQueue } from '../../../policies/task/fair-task-queue.ts';
import { Strict } from '../../../policies/task/strict.ts';
import { LeasingTaskAdmission } from '../../../policies/task/task-admission.ts';
import type {
  Loan,
  SchedulableTask,
  TaskDenial,
  TaskLease,
  TaskPlan,
  TaskVerdict,
} from '../../../policies/task/types.ts';
import type { BorrowRecord, Op, SequenceLine, State } from './task-admission-records.ts';

const snake = (text: string) => text.replaceAll('-', '_');

/** What the variants differ in, beyond what a sequence says itself. */
export interface ReplayVariant {
  readonly emptiedGroup: 'leaves' | 'stays';
  readonly reserveMin: number;
}

export class TaskReplay {
  readonly #plans: readonly TaskPlan[];
  readonly #queue: FairTaskQueue<SchedulableTask>;
  readonly #admission: LeasingTaskAdmission;
  readonly #leases: TaskLease[] = [];
  #probes = 0;

  constructor(head: SequenceLine, variant: ReplayVariant) {
    this.#plans = head.groups.map(({ weight, admitted_limit, request }, i) => ({
      group: { key: String(i), weight, admittedLimit: admitted_limit ?? Infinity },
      needs: new Map(Object.entries(request)),
      calls: undefined,
    }));
    this.#queue = new FairTaskQueue(variant.emptiedGroup);
    const rule =
      head.bounded_borrow === null ? new Strict() : new BoundedBorrow(settingsOf(head.bounded_borrow, variant));
    this.#admission = new LeasingTaskAdmission(new Map(Object.entries(head.resource_limits)), rule);
  }

  apply(op: Op): unknown {
    const result = this.#perform(op);
    this.#queue.checkInvariants();
    this.#admission.checkInvariants();
    return result;
  }

  state(): State {
    const usage = this.#admission.usage();
    const running = keysOf(usage).filter((key) => usage.get(key)?.running !== 0);
    const byGroup = (pick: (key: string) => unknown) => Object.fromEntries(running.map((key) => [key, pick(key)]));
    const heads = this.#queue.heads();
    return {
      available: Object.fromEntries(this.#admission.resources().map((key) => [key, this.#admission.available(key)])),
      leased_by_group: byGroup((key) => Object.fromEntries(usage.get(key)?.leased ?? [])),
      running: byGroup((key) => usage.get(key)?.running),
      debt: keysOf(usage).flatMap((key) => {
        return [...(usage.get(key)?.debt ?? [])].sort(byName).map((owed) => [Number(key), ...owed]);
      }),
      queued: Object.fromEntries(this.#queue.queuedByGroup()),
      demand: Object.fromEntries(this.#queue.demand()),
      heads: Object.fromEntries(heads.map(({ id, plan }) => [plan.group.key, id])),
      order: heads.map(({ plan }) => Number(plan.group.key)),
      leak_counters: leaks(this.#admission),
    };
  }

  #perform(op: Op): unknown {
    switch (op.kind) {
      case 'init':
        return undefined;
      case 'enqueue':
        return { accepted: this.#enqueue(op.items) };
      case 'dispatch':
        return this.#dispatch(op.max);
      case 'release':
        return this.#release(op.lease, op.mutate ?? undefined);
      case 'discard':
        this.#queue.discard(op.task);
        return undefined;
      case 'discard_group':
        this.#queue.discardGroup(String(op.group));
        return undefined;
      case 'select_then_mutate_then_commit':
        return this.#mutateSelected(op);
      case 'probe':
        return this.#probe(op.group);
      default:
        op satisfies never;
        throw new Error(`unknown op ${JSON.stringify(op)}`);
    }
  }

  #task(id: string, group: number): SchedulableTask {
    return { id, plan: this.#plans[group] as TaskPlan };
  }

  #enqueue(items: readonly (readonly [string, number])[]): readonly string[] {
    return this.#queue.enqueue(items.map(([id, group]) => this.#task(id, group))).map(({ id }) => id);
  }

  #select() {
    return this.#queue.select((task) => this.#admission.eligible(task, this.#queue.heads()));
  }

  #dispatch(max: number) {
    const dispatched: unknown[] = [];
    for (;;) {
      if (dispatched.length === max) return { dispatched, stopped: 'max' };
      if (this.#queue.size === 0) return { dispatched, stopped: 'queue_empty' };
      const heads = this.#queue.heads();
      const picked = this.#select();
      if (picked === undefined) {
        const reasons = [...this.#admission.explainBlocked(heads)].map(([reason, count]) => [snake(reason), count]);
        const why = { queued: this.#queue.size, reasons: Object.fromEntries(reasons) as State };
        return { dispatched, stopped: 'blocked', ...why };
      }
      const lease = this.#admission.tryAcquire(picked.task, heads);
      if ('reason' in lease) throw new Error(`${picked.task.id} was eligible, but denied: ${lease.by}`);
      if (!this.#queue.commit(picked)) throw new Error(`${picked.task.id} was not committed`);
      dispatched.push([picked.task.id, Number(picked.task.plan.group.key), this.#leases.length]);
      this.#leases.push(lease);
    }
  }

  #release(index: number, mutate: string | undefined) {
    const lease = mutated(this.#leases[index] as TaskLease, mutate);
    const answer = this.#admission.release(lease);
    return { released: answer === 'released', reason: snake(answer) };
  }

  #mutateSelected(op: Op & { kind: 'select_then_mutate_then_commit' }) {
    const picked = this.#select();
    if (op.mutation === 'enqueue') this.#enqueue([op.arg]);
    else this.#queue.discard(op.arg);
    return { selected: picked?.task.id ?? null, committed: picked !== undefined && this.#queue.commit(picked) };
  }

  #probe(group: number) {
    const task = this.#task(`probe ${this.#probes++}`, group);
    const heads = this.#queue.heads();
    const verdict = this.#admission.verdict(task, heads);
    if (verdict.allowed !== this.#admission.eligible(task, heads)) throw new Error('verdict and eligible disagree');
    return probed(verdict);
  }
}

function keysOf(map: ReadonlyMap<string, unknown>): string[] {
  return [...map.keys()].sort();
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}

/** Counters that are not 0. */
function leaks(admission: LeasingTaskAdmission): State {
  const counts = Object.entries(admission.leakCounts()).filter(([, count]) => count > 0);
  return Object.fromEntries(counts.map(([reason, count]) => [snake(reason), count]));
}

function mutated(lease: TaskLease, mutate: string | undefined): TaskLease {
  switch (mutate) {
    case undefined:
    case 'duplicate':
      return lease;
    case 'foreign_generation':
      return { ...lease, generation: lease.generation + 1 };
    case 'unknown_id':
      return { ...lease, id: lease.id + 1e9 };
    case 'stale_item':
      return { ...lease, task: `${lease.task} of another` };
    default:
      throw new Error(`unknown mutation of a lease: ${mutate}`);
  }
}

function probed(verdict: TaskVerdict): State {
  if (!verdict.allowed) {
    return { allowed: false, reason: snake(verdict.denial.reason), diagnostics: diagnostics(verdict.denial) };
  }
  const { shares } = verdict;
  if (shares.length === 0) return { allowed: true, diagnostics: {} };
  const rows = shares.map(({ resource, leased, needed, share, debt, loan }) => {
    return [resource, { admitted: leased, requested: needed, strict_share: share, debt, ...borrowing(loan) }] as const;
  });
  const borrowed = shares.flatMap(({ resource, loan }) => (loan === undefined ? [] : [[resource, loan.borrowed]]));
  return { allowed: true, diagnostics: { by_resource: Object.fromEntries(rows), borrow_resources: borrowed } };
}

function borrowing(loan: Loan | undefined): State {
  if (loan === undefined) return {};
  const { ceiling, source, reserved } = loan;
  const dynamic = source === 'dynamic' ? { reserved_slots: reserved, borrow_slots: ceiling } : {};
  return { ceiling, ceiling_source: snake(source), ...dynamic };
}

function diagnostics(denial: TaskDenial): State {
  switch (denial.by) {
    case 'resources': {
      const rows = denial.missing.map(({ resource, needed, available }) => {
        return [resource, { requested: needed, available }] as const;
      });
      return { missing_resources: Object.fromEntries(rows) };
    }
    case 'admitted-limit': {
      const { admittedLimit, running, pressure } = denial;
      return { admitted_limit: admittedLimit, leased_count: running, pressure_resources: [...pressure].sort() };
    }
    case 'share': {
      const { resource, leased, needed, share, pressure } = denial;
      const common = { resource, requested: needed, strict_share: share };
      return { ...common, admitted: leased, pressure_resources: [...pressure].sort() };
    }
    case 'debt':
      return { resource: denial.resource, debt: denial.debt, strict_share: denial.share };
    case 'ceiling': {
      const { resource, debt, needed, borrowed, ceiling, share } = denial;
      return { resource, debt, requested: needed, new_debt: borrowed, ceiling, strict_share: share };
    }
    default:
      return denial satisfies never;
  }
}

function settingsOf(record: BorrowRecord, { reserveMin }: ReplayVariant): BorrowSettings {
  return {
    ceiling: record.default_borrow_ceiling ?? undefined,
    ceilings: record.borrow_ceiling_by_group_resource.map(([group, resource, ceiling]) => {
      return { group: String(group), resource, ceiling };
    }),
    reserveRatio: record.dynamic_borrow_reserve_fraction,
    reserveMin,
    reserveMax: record.dynamic_borrow_max_reserved_slots,
    shareRounding: record.strict_share_rounding === 'ceil' ? 'up' : 'down',
    repay: record.repay_on_withheld_peer_pressure ? 'on-release' : 'never',
  };
}


/** Groups, tasks and the dispatch pass of the tests of task scheduling. */
import { BoundedBorrow } from '../../../policies/task/bounded-borrow.ts';
import { boundedBorrowConfig, type BoundedBorrowConfig } from '../../../policies/task/config.ts';
import type { ShareRule } from '../../../policies/task/share-rule.ts';
import { LeasingTaskAdmission } from '../../../policies/task/task-admission.ts';
import { boundedBorrow } from '../../../policies/task/task-scheduling.ts';
import type {
  SchedulableTask,
  TaskAdmission,
  TaskLease,
  TaskPlan,
  TaskQueue,
} from '../../../policies/task/types.ts';

export type Amounts = Readonly<Record<string, number>>;

export function plan(key: string, needs: Amounts, { weight = 1, admittedLimit = 100 } = {}): TaskPlan {
  return { group: { key, weight, admittedLimit }, needs: new Map(Object.entries(needs)), calls: undefined };
}

export function task(id: string, of: TaskPlan): SchedulableTask {
  return { id, plan: of };
}

/** `count` tasks of the plan, named `<key>0`, `<key>1` and so on. */
export function tasks(of: TaskPlan, count: number): SchedulableTask[] {
  return Array.from({ length: count }, (_, i) => task(`${of.group.key}${i}`, of));
}

/** Settings of a variant, and fields that win over them. */
export function borrowConfig(variant: string, fields: Partial<BoundedBorrowConfig> = {}): BoundedBorrowConfig {
  return { ...boundedBorrowConfig.parse({ name: 'bounded-borrow', ...boundedBorrow.variants[variant] }), ...fields };
}

export function borrowing(fields: Partial<BoundedBorrowConfig> = {}): ShareRule {
  return new BoundedBorrow(borrowConfig('head', fields));
}

export function admissionOf(limits: Amounts, rule: ShareRule): LeasingTaskAdmission {
  return new LeasingTaskAdmission(new Map(Object.entries(limits)), rule);
}

/** Selects, leases and commits until nothing is eligible or `max` are started. */
export function dispatch(queue: TaskQueue<SchedulableTask>, admission: TaskAdmission, max = Infinity): TaskLease[] {
  const leases: TaskLease[] = [];
  while (leases.length < max) {
    const heads = queue.heads();
    const picked = queue.select((candidate) => admission.eligible(candidate, heads));
    if (picked === undefined) break;
    const lease = admission.tryAcquire(picked.task, heads);
    if ('reason' in lease) throw new Error(`${picked.task.id} was eligible, yet denied by ${lease.by}`);
    if (!queue.commit(picked)) throw new Error(`${picked.task.id} was not committed`);
    leases.push(lease);
  }
  return leases;
}

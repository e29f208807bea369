/** Wrong keepers of the batch core: request admission, its fair queue, task leases. */
import { AdaptiveAdmission } from '../../policies/admission/adaptive-admission.ts';
import type { RequestAdmissionConfig } from '../../policies/admission/config.ts';
import { type EmptiedGroup, FairQueue } from '../../policies/admission/fair-queue.ts';
import { BoundedBorrow } from '../../policies/task/bounded-borrow.ts';
import type { FairTaskQueue } from '../../policies/task/fair-task-queue.ts';
import type { LeasingTaskAdmission } from '../../policies/task/task-admission.ts';
import type { Edit } from '../harness/gateway-planted.ts';
import {
  admissionFairnessProperty,
  admissionProperty,
  spuriousWakeProperty,
} from '../harness/policies/admission-property.ts';
import { fairnessProperty, fairQueueProperty } from '../harness/policies/fair-queue-property.ts';
import { TASK_MAKERS, taskFairnessProperty, taskProperty } from '../harness/policies/task-property.ts';
import { borrowConfig } from '../policies/task/tasks.ts';
import { edit, edited, type Family, family } from './family.ts';

const limitFile = 'admission/resource-limit.ts';

function wrongAdmission(...edits: readonly Edit[]) {
  const Wrong = edited<typeof AdaptiveAdmission>('admission/adaptive-admission.ts', 'AdaptiveAdmission', ...edits);
  return (config: RequestAdmissionConfig) => new Wrong(config);
}

const real = (config: RequestAdmissionConfig) => new AdaptiveAdmission(config);

/** The book of leases forgets that one was given back. */
const takenTwice = [
  edit('admission/lease-book.ts', "has(given.id) ? 'duplicate'", 'has(given.id) ? given'),
  edit('admission/lease-book.ts', "    assert(!this.#released.has(id), 'a lease was released twice');\n", ''),
];

const admissions = family('request admission', admissionProperty, real, [
  {
    name: 'a lease is granted to one who was shed',
    make: wrongAdmission(
      edit('admission/wait-list.ts', 'undefined : this.leave(item);', 'undefined : this.#waiters.get(item);'),
    ),
    ...{ runs: 40, commands: 6 },
  },
  {
    name: 'deadlines of waits are not enforced',
    make: wrongAdmission(
      edit('admission/wait-list.ts', '    if (deadlineAt < Infinity) this.#deadlines.set(item, deadlineAt);\n', ''),
    ),
    ...{ runs: 40, commands: 6 },
  },
  {
    name: 'a lease cancelled before it was taken is never given back',
    make: wrongAdmission(
      edit('admission/adaptive-admission.ts', "      this.#settle(lease, 'local-cancelled', 0);\n", ''),
    ),
    ...{ runs: 400, commands: 6 },
  },
  {
    name: 'a lease given back twice is taken twice',
    make: wrongAdmission(...takenTwice),
    ...{ runs: 100, commands: 6 },
  },
  {
    name: 'a lease with another limit than it was granted at is taken back',
    make: wrongAdmission(
      edit('admission/lease-book.ts', 'return this.#same(given, granted) ?', 'return true ?'),
    ),
    ...{ runs: 200, commands: 8 },
  },
  {
    name: 'the most generous alias decides the cap of an endpoint',
    make: wrongAdmission(edit('admission/endpoint.ts', 'Math.min(...this.#caps', 'Math.max(...this.#caps')),
    ...{ runs: 100, commands: 8 },
  },
  {
    name: 'cool-downs are ignored',
    make: wrongAdmission(edit(limitFile, 'this.#limit ? this.#blockedUntil', 'this.#limit ? -Infinity')),
    ...{ runs: 40, commands: 6 },
  },
  {
    name: 'a Retry-After of the provider is ignored',
    make: wrongAdmission(
      edit(limitFile, '(retryAfterUs > 0 ? Math.min(retryAfterUs, retryAfterMax) : cooldown)', 'cooldown'),
    ),
    ...{ runs: 100, commands: 6 },
  },
  {
    name: 'a limit that was cut never recovers',
    make: wrongAdmission(edit(limitFile, 'Math.min(effectiveMax, this.#limit + increaseStep)', 'this.#limit')),
    ...{ runs: 100, commands: 6 },
  },
]);

const wakes = family('wakes decide nothing', spuriousWakeProperty, real, [
  {
    name: 'the startup ramp moves when somebody looks (DataDesigner polls)',
    make: wrongAdmission(
      edit(limitFile, 'this.#lastOutcome = outcome;\n    this.endRamp(now);', 'this.#lastOutcome = outcome;'),
      edit(limitFile, 'const blocked = now', 'this.endRamp(now);\n    const blocked = now'),
    ),
    ...{ runs: 400, commands: 12 },
  },
]);

const queueFile = 'admission/fair-queue.ts';
const advanced = '    group.tag = this.#virtualTime + 1 / Math.max(group.weight, 1);\n';
/** Its turn never moves it back. */
const firstForEver = [
  edit(queueFile, advanced, ''),
  edit(queueFile, 'group.sequence = this.#sequence++;', 'if (group.sequence === 0) group.sequence = ++this.#sequence;'),
];

const endpoints = family('an endpoint is shared', admissionFairnessProperty, real, [
  { name: 'the first resource starves the others', make: wrongAdmission(...firstForEver), runs: 40, commands: 16 },
]);

function wrongQueue(...edits: readonly Edit[]) {
  const Wrong = edited<typeof FairQueue>(queueFile, 'FairQueue', ...edits);
  return (emptied: EmptiedGroup) => new Wrong(emptied) as never;
}

const anyQueue = (emptied: EmptiedGroup) => new FairQueue(emptied) as never;

const fairQueues = family('fair queue', fairQueueProperty, anyQueue, [
  {
    name: 'a head that may not go blocks the groups behind it',
    make: wrongQueue(
      edit(
        queueFile,
        'if (head !== undefined && eligible(head.item)) return head.item;',
        'if (head !== undefined) return eligible(head.item) ? head.item : undefined;',
      ),
    ),
    ...{ runs: 40, commands: 4 },
  },
]);

const shares = family('fair shares', fairnessProperty, anyQueue, [
  { name: 'a tenant starves behind the first', make: wrongQueue(...firstForEver), runs: 20, commands: 1 },
  {
    name: 'weights are ignored',
    make: wrongQueue(edit(queueFile, '1 / Math.max(group.weight, 1)', '1')),
    ...{ runs: 20, commands: 1 },
  },
  {
    name: 'a group that idled catches up on all it missed',
    make: wrongQueue(edit(queueFile, advanced, '    group.tag += 1 / Math.max(group.weight, 1);\n')),
    ...{ runs: 100, commands: 30 },
  },
]);

type TaskQueueClass = typeof FairTaskQueue;
const taskQueue = (file: string, from: string, to: string) =>
  edited<TaskQueueClass>('task/fair-task-queue.ts', 'FairTaskQueue', edit(file, from, to));
const StaleQueue = taskQueue('task/fair-task-queue.ts', 'if (revision !== this.#revision) return false;', '');
const TwiceAdmission = edited<typeof LeasingTaskAdmission>(
  'task/task-admission.ts',
  'LeasingTaskAdmission',
  ...takenTwice,
);
const UnfairQueue = edited<TaskQueueClass>('task/fair-task-queue.ts', 'FairTaskQueue', ...firstForEver);

const tasks = family('task scheduling', taskProperty, TASK_MAKERS, [
  {
    name: 'a task lease given back twice is taken twice',
    make: { ...TASK_MAKERS, admission: (limits, rule) => new TwiceAdmission(limits, rule) },
    ...{ runs: 100, commands: 6 },
  },
  {
    name: 'a selection from before a change is committed',
    make: { ...TASK_MAKERS, queue: (emptied) => new StaleQueue(emptied) },
    ...{ runs: 100, commands: 4 },
  },
  {
    name: 'what was borrowed is never repaid',
    make: { ...TASK_MAKERS, rule: () => new BoundedBorrow(borrowConfig('head', { repay: 'never' })) },
    ...{ runs: 100, commands: 6 },
  },
]);

const taskShares = family('no group of tasks starves', taskFairnessProperty, TASK_MAKERS, [
  {
    name: 'the first group goes on as long as it has tasks',
    make: { ...TASK_MAKERS, queue: (emptied) => new UnfairQueue(emptied) },
    ...{ runs: 400, commands: 60 },
  },
]);

export const batchFamilies: readonly Family[] = [
  ...[admissions, wakes, endpoints, fairQueues, shares, tasks, taskShares],
];

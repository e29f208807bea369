/** What task scheduling keeps under any commands: queue, leases and shares together, and that no group starves. */
import fc from 'fast-check';
import type { EmptiedGroup } from '../../../policies/admission/fair-queue.ts';
import { BoundedBorrow } from '../../../policies/task/bounded-borrow.ts';
import { FairTaskQueue } from '../../../policies/task/fair-task-queue.ts';
import type { ShareRule } from '../../../policies/task/share-rule.ts';
import { Strict } from '../../../policies/task/strict.ts';
import { LeasingTaskAdmission } from '../../../policies/task/task-admission.ts';
import type { Needs, SchedulableTask, TaskLease, TaskPlan } from '../../../policies/task/types.ts';
import { borrowConfig, dispatch, plan, task } from '../../policies/task/tasks.ts';
import { claim, claimEqual } from '../claim.ts';

const RESOURCES = ['submission', 'llm-wait', 'request:p/m'] as const;

type Rule = 'strict' | 'head' | 'fixed' | 'no-loans';

interface GroupSpec {
  /**
   * How many of RESOURCES its tasks need, one of each: who needs one needs those before it, as the resolver's tasks
   * do.
   */
  readonly depth: number;
  readonly weight: number;
  readonly admittedLimit: number;
}
interface WorldSpec {
  readonly groups: readonly GroupSpec[];
  readonly limits: readonly [number, number, number];
  readonly rule: Rule;
  readonly emptied: 'leaves' | 'stays';
}

const world: fc.Arbitrary<WorldSpec> = fc.record({
  groups: fc.array(
    fc.record({
      depth: fc.integer({ min: 1, max: 3 }),
      weight: fc.constantFrom(0.5, 1, 2, 5),
      admittedLimit: fc.constantFrom(1, 2, 4, Infinity),
    }),
    { minLength: 1, maxLength: 5, size: 'max' },
  ),
  limits: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 })),
  rule: fc.constantFrom('strict', 'head', 'fixed', 'no-loans'),
  emptied: fc.constantFrom('leaves', 'stays'),
});

type Command =
  | { readonly kind: 'enqueue'; readonly group: number; readonly count: number }
  | { readonly kind: 'dispatch'; readonly max: number }
  | { readonly kind: 'release' | 'forge' | 'discard' | 'disturb'; readonly nth: number }
  | { readonly kind: 'again'; readonly nth: number }
  | { readonly kind: 'discard group'; readonly group: number };

const nth = fc.nat({ max: 40 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('enqueue' as const), group: nth, count: fc.nat({ max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('dispatch' as const), max: fc.constantFrom(1, 3, Infinity) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), nth }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('forge', 'discard', 'disturb', 'again'), nth }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('discard group' as const), group: nth }) },
);

function plansOf({ groups }: WorldSpec): TaskPlan[] {
  return groups.map(({ depth, weight, admittedLimit }, i) => {
    const needs = Object.fromEntries(RESOURCES.slice(0, depth).map((resource) => [resource, 1]));
    return plan(`g${i}`, needs, { weight, admittedLimit });
  });
}

/** Who is under test. */
export interface TaskMakers {
  queue(emptied: EmptiedGroup): FairTaskQueue<SchedulableTask>;
  admission(limits: Needs, rule: ShareRule): LeasingTaskAdmission;
  rule(kind: Rule): ShareRule;
}

export const TASK_MAKERS: TaskMakers = {
  queue: (emptied) => new FairTaskQueue(emptied),
  admission: (limits, rule) => new LeasingTaskAdmission(limits, rule),
  rule: (kind) => {
    if (kind === 'strict') return new Strict();
    return new BoundedBorrow(kind === 'no-loans' ? borrowConfig('head', { ceiling: 0 }) : borrowConfig(kind));
  },
};

/** Drives queue and admission and keeps its own books of where every task is. */
class Harness {
  readonly plans: readonly TaskPlan[];
  readonly #limits: ReadonlyMap<string, number>;
  readonly queue: FairTaskQueue<SchedulableTask>;
  readonly #admission: LeasingTaskAdmission;
  /** Ids by group, oldest first. */
  readonly #queued: string[][];
  readonly #running: TaskLease[] = [];
  readonly #released: TaskLease[] = [];
  #names = 0;
  #forged = 0;

  constructor(spec: WorldSpec, makers: TaskMakers) {
    this.plans = plansOf(spec);
    this.#queued = this.plans.map(() => []);
    this.#limits = new Map(RESOURCES.map((resource, i) => [resource, spec.limits[i] as number]));
    this.queue = makers.queue(spec.emptied);
    this.#admission = makers.admission(this.#limits, makers.rule(spec.rule));
  }

  get running(): readonly TaskLease[] {
    return this.#running;
  }

  queuedOf(group: number): number {
    return this.#queued[group]?.length ?? 0;
  }

  run(step: Command): void {
    switch (step.kind) {
      case 'enqueue':
        for (let i = 0; i < step.count; i++) this.enqueue(step.group % this.plans.length);
        break;
      case 'dispatch':
        this.dispatch(step.max);
        break;
      case 'release':
        if (this.#running.length > 0) this.release(step.nth % this.#running.length);
        break;
      case 'forge':
        this.#forge(step.nth);
        break;
      case 'discard':
        this.#discard(step.nth);
        break;
      case 'disturb':
        this.#disturb(step.nth);
        break;
      case 'again':
        this.#enqueueAgain(step.nth);
        break;
      case 'discard group':
        this.#discardGroup(step.group % this.plans.length);
        break;
      default:
        step satisfies never;
    }
    this.check();
  }

  enqueue(group: number): void {
    const id = `t${this.#names++}`;
    claim(this.queue.enqueue([task(id, this.plans[group] as TaskPlan)]).length === 1, 'a new task is accepted');
    this.#queued[group]?.push(id);
  }

  dispatch(max: number): readonly TaskLease[] {
    const leases = dispatch(this.queue, this.#admission, max);
    for (const lease of leases) {
      const oldest = this.#queued[this.plans.indexOf(lease.plan)]?.shift();
      claim(oldest === lease.task, 'whoever is started is the oldest of its group');
      this.#running.push(lease);
    }
    return leases;
  }

  release(index: number): void {
    const [lease] = this.#running.splice(index, 1) as [TaskLease];
    claim(this.#admission.release(lease) === 'released', 'a lease is released once');
    this.#released.push(lease);
  }

  /** Everything that waits is served or, if asked, discarded; afterwards nothing is held. */
  drain(): void {
    for (let left = this.queue.size + this.#running.length; left > 0; left--) {
      this.dispatch(Infinity);
      if (this.#running.length > 0) this.release(0);
      else claim(this.queue.size === 0, 'tasks wait while nothing runs');
    }
    this.check();
    claimEqual([this.queue.held(), this.#admission.held()], [{ waiting: 0 }, { leased: 0 }], 'held at the end');
    const left = [this.#admission.usage().size, this.queue.demand().size, this.queue.heads().length];
    claimEqual(left, [0, 0, 0], 'usage, demand and heads at the end');
    const leaks = Object.values(this.#admission.leakCounts()).reduce((sum, count) => sum + count, 0);
    claimEqual(leaks, this.#forged, 'releases refused');
  }

  check(): void {
    this.queue.checkInvariants();
    this.#admission.checkInvariants();
    const queued = this.#queued.reduce((sum, group) => sum + group.length, 0);
    claim(this.queue.size === queued, 'what was enqueued waits until it is started or discarded');
    claim(this.#admission.held().leased === this.#running.length, 'what was started runs until it is released');
    for (const [resource, limit] of this.#limits) {
      const out = this.#running.filter((lease) => lease.plan.needs.has(resource)).length;
      claim(out <= limit, 'no limit is exceeded');
      claim(this.#admission.available(resource) === limit - out, 'all that is not leased is available');
    }
    for (const { debt, leased } of this.#admission.usage().values()) {
      for (const [resource, owed] of debt) {
        claim(owed > 0 && owed <= (leased.get(resource) ?? 0), 'a debt is positive and covered by what is held');
      }
    }
  }

  #forge(index: number): void {
    const out = this.#running[index % Math.max(1, this.#running.length)];
    const old = this.#released[index % Math.max(1, this.#released.length)];
    const forgeries: [TaskLease | undefined, string][] = [
      [out && { ...out, generation: 1 }, 'wrong-controller-generation'],
      [out && { ...out, task: 'another' }, 'stale-lease'],
      [out && { ...out, id: 1e9 }, 'unknown-lease'],
      [old, 'duplicate'],
    ];
    for (const [lease, answer] of forgeries) {
      if (lease === undefined) continue;
      claim(this.#admission.release(lease) === answer, 'a forgery is told by its kind');
      this.#forged++;
    }
  }

  #discard(index: number): void {
    const group = this.#queued[index % this.plans.length] ?? [];
    const at = index % Math.max(1, group.length);
    const [id] = group.splice(at, 1);
    claim(this.queue.discard(id ?? 'nobody') === (id !== undefined), 'what waits can be discarded, once');
  }

  /** A commit after a change is refused, and is no change itself. */
  #disturb(index: number): void {
    const picked = this.queue.select(() => true);
    const before = this.queue.size;
    if (index % 2 === 0) this.enqueue(index % this.plans.length);
    else this.#discard(index);
    if (picked === undefined || this.queue.size === before) return;
    claim(!this.queue.commit(picked), 'a selection from before a change is refused');
  }

  #enqueueAgain(index: number): void {
    const group = index % this.plans.length;
    const id = this.#queued[group]?.[0];
    if (id === undefined) return;
    claim(this.queue.enqueue([task(id, this.plans[group] as TaskPlan)]).length === 0, 'a task waits once');
  }

  #discardGroup(group: number): void {
    const waiting = this.#queued[group]?.splice(0) ?? [];
    claim(this.queue.discardGroup(`g${group}`) === waiting.length, 'a discarded group goes as a whole');
    claim(!waiting.some((id) => this.queue.has(id)), 'nothing of a discarded group is left');
  }
}

/** No task is lost, no limit exceeded, and nothing held in the end. */
export function taskProperty(makers: TaskMakers) {
  return fc.property(world, fc.array(command, { maxLength: 60, size: 'max' }), (spec, steps) => {
    const harness = new Harness(spec, makers);
    for (const step of steps) harness.run(step);
    harness.drain();
  });
}

/** A group that waits is served within a bound while all others always wait too. */
export function taskFairnessProperty(makers: TaskMakers) {
  const ends = fc.array(fc.nat({ max: 3 }), { maxLength: 400, size: 'max' });
  return fc.property(world, ends, (spec, releases) => {
    const harness = new Harness(spec, makers);
    const bounds = harness.plans.map(({ group }) => boundOf(spec, group.weight));
    const waited = harness.plans.map(() => 0);
    for (const last of releases) {
      for (const group of harness.plans.keys()) if (harness.queuedOf(group) === 0) harness.enqueue(group);
      const [lease] = harness.dispatch(1);
      for (let i = lease === undefined ? 0 : 3; i <= last && harness.running.length > 0; i++) harness.release(0);
      if (lease === undefined) continue;
      for (const [group, turns] of waited.entries()) {
        waited[group] = harness.plans[group] === lease.plan ? 0 : turns + 1;
        claim(turns < (bounds[group] as number), 'a group waits for more turns than are due', group, turns);
      }
    }
  });
}

/**
 * Turns that others may take while a group waits: each other has turns in proportion to the weights, and one more;
 * and for each of these turns all leases may have to end, oldest first, while groups that need less go on.
 */
function boundOf({ groups, limits }: WorldSpec, weight: number): number {
  const turns = groups.reduce((sum, other) => sum + Math.ceil(Math.max(1, other.weight) / Math.max(1, weight)) + 1, 0);
  return turns * (limits[0] + 1);
}

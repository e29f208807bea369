/**
 * The port of task scheduling: which generation task the dataset core may start now, and in what order the others
 * wait. A task *needs* amounts of named resources for as long as it runs; a task lease holds them. Nothing waits in
 * the admission keeper: what waits is in the task queue, and the core's dispatch pass asks both,
 *
 *     const heads = queue.heads();
 *     const admissible = (task) => admission.eligible(task, heads);
 *     const advised = (task) => advisory?.passes(now, task, heads, admissible) ?? true;
 *     const picked = queue.select((task) => admissible(task) && advised(task));
 *     if (picked !== undefined) { lease = admission.tryAcquire(picked.task, heads); queue.commit(picked); }
 *
 * until nothing is selected. No answer depends on time, so no method takes `now` except the advisory's.
 */
import type {
  EndpointSnapshot,
  PressureSnapshot,
  ReleaseAnswer,
  ReleaseRefusal,
  Resource,
} from '../admission/types.ts';
import type { Micros } from '../types.ts';

/** Every task takes one of these. */
export const SUBMISSION = 'submission';
/** Every task that calls a model takes one of these. */
export const LLM_WAIT = 'llm-wait';

/** Amounts by resource, each a whole number ≥ 1. A resource that has no limit has nothing to give. */
export type Needs = ReadonlyMap<string, number>;

export type GeneratorKind = 'local' | 'model' | 'custom-model';

/** Tasks that share a place in the fair order and a bound on how many run. */
export interface TaskGroup {
  /** Kind, identity and columns, joined by slashes; equal keys are one group. */
  readonly key: string;
  /** > 0: turns in the fair order and share of contested resources are in proportion to it. */
  readonly weight: number;
  /** Tasks of the group that may run whatever the others want; Infinity: the share rule never holds it back. */
  readonly admittedLimit: number;
}

/** What all tasks of one generator have in common. */
export interface TaskPlan {
  readonly group: TaskGroup;
  readonly needs: Needs;
  /** What its calls ask request admission for; undefined when it calls no known model. */
  readonly calls: Resource | undefined;
}

export interface SchedulableTask {
  /** Unique among the tasks queued or leased. */
  readonly id: string;
  readonly plan: TaskPlan;
}

/** How a column's values are made, as its author declares it. */
export interface GeneratorView {
  readonly kind: GeneratorKind;
  /** For a model: provider, model, and what kind of call it is; else free text. */
  readonly identity: readonly string[];
  /** Parallel calls its endpoint allows it, the least over its aliases; ≥ 1. */
  readonly weight: number;
  /** What it fills, in one task; generators of different columns are different groups. */
  readonly columns: readonly string[];
}

/** A task's right to what it needs. A value: see `ReleaseRefusal` for what a copy or a second release gets. */
export interface TaskLease {
  /** Counted from 0 in order of grant, within the keeper's generation. */
  readonly id: number;
  readonly generation: number;
  readonly task: string;
  readonly plan: TaskPlan;
}

/** Why a task may not go now. `by` names the rule, the numbers are what it compared. */
export type TaskDenial =
  | { readonly reason: 'no-capacity'; readonly by: 'resources'; readonly missing: readonly MissingResource[] }
  | {
      readonly reason: 'group-cap';
      readonly by: 'admitted-limit';
      readonly admittedLimit: number;
      readonly running: number;
      /** Resources that others want and could have. */
      readonly pressure: readonly string[];
    }
  | {
      readonly reason: 'group-cap';
      readonly by: 'share';
      readonly resource: string;
      readonly leased: number;
      readonly needed: number;
      readonly share: number;
      readonly pressure: readonly string[];
    }
  | {
      readonly reason: 'borrow-debt';
      readonly by: 'debt';
      readonly resource: string;
      readonly debt: number;
      readonly share: number;
    }
  | {
      readonly reason: 'borrow-debt';
      readonly by: 'ceiling';
      readonly resource: string;
      readonly debt: number;
      readonly needed: number;
      readonly borrowed: number;
      readonly ceiling: number;
      readonly share: number;
    };
export type TaskDenialReason = TaskDenial['reason'];

export interface MissingResource {
  readonly resource: string;
  readonly needed: number;
  readonly available: number;
}

/** What the share rule made of one resource a task needs. */
export interface ShareAssessment {
  readonly resource: string;
  readonly leased: number;
  readonly needed: number;
  readonly share: number;
  readonly debt: number;
  /** What the task takes beyond the share; undefined when it stays within. */
  readonly loan: Loan | undefined;
}
/** Becomes debt when the task is let in. */
export interface Loan {
  readonly borrowed: number;
  readonly ceiling: number;
  /** Whether the ceiling is set for group and resource, for all, or what share and `reserved` leave of the limit. */
  readonly source: 'group-resource' | 'default' | 'dynamic';
  /** Of a dynamic ceiling; else 0. */
  readonly reserved: number;
}
export type TaskVerdict =
  | { readonly allowed: true; readonly shares: readonly ShareAssessment[] }
  | { readonly allowed: false; readonly denial: TaskDenial };

/** What one group holds. */
export interface GroupUsage {
  readonly running: number;
  /** Amounts by resource, without zeros. */
  readonly leased: Needs;
  /** What of it is beyond the group's share, by resource, without zeros. */
  readonly debt: Needs;
}

/**
 * Keeper: who holds how much of each resource. `heads` is what waits first in each group, as `TaskQueue.heads`
 * answers.
 */
export interface TaskAdmission {
  verdict(task: SchedulableTask, heads: readonly SchedulableTask[]): TaskVerdict;
  /** `verdict` without the numbers. No state change. */
  eligible(task: SchedulableTask, heads: readonly SchedulableTask[]): boolean;
  /** Asks again and leases all the task needs, or nothing. */
  tryAcquire(task: SchedulableTask, heads: readonly SchedulableTask[]): TaskLease | TaskDenial;
  release(lease: TaskLease): ReleaseAnswer;
  /** Heads by the reason that holds them back. */
  explainBlocked(heads: readonly SchedulableTask[]): ReadonlyMap<TaskDenialReason, number>;
  /** 0 for a resource that has no limit. */
  limit(resource: string): number;
  available(resource: string): number;
  resources(): readonly string[];
  /** By group key; groups that hold and owe nothing are left out. */
  usage(): ReadonlyMap<string, GroupUsage>;
  held(): { readonly leased: number };
  /** Releases refused so far, by reason. */
  leakCounts(): Readonly<Record<ReleaseRefusal, number>>;
  checkInvariants(): void;
}

/** A selected task; valid until the queue changes. */
export interface Selection<Task> {
  readonly task: Task;
  readonly revision: number;
}

/** Keeper: what waits, in fair order over the groups and first in first out within each. */
export interface TaskQueue<Task extends SchedulableTask> {
  readonly size: number;
  has(id: string): boolean;
  /** Appends those not queued yet; answers them. A dispatched task may come back. */
  enqueue(tasks: Iterable<Task>): readonly Task[];
  /** Takes a task out wherever it stands; false when it is not queued. */
  discard(id: string): boolean;
  /** How many it took out. */
  discardGroup(key: string): number;
  /** The first head in fair order that is eligible. No state change. */
  select(eligible: (task: Task) => boolean): Selection<Task> | undefined;
  /** Takes the selected task out and moves its group back; false, and no change, if the queue changed since. */
  commit(selection: Selection<Task>): boolean;
  /** First of each group, in fair order. A fresh array after a change, the same one else. */
  heads(): readonly Task[];
  /** Tasks queued by group key, without zeros. */
  queuedByGroup(): ReadonlyMap<string, number>;
  /** What all queued tasks need together, by resource, without zeros. */
  demand(): Needs;
  held(): { readonly waiting: number };
  checkInvariants(): void;
}

/** What the advisory reads of request admission. */
export interface PressureSource {
  snapshot(now: Micros, resource: Resource): PressureSnapshot | undefined;
  endpoint(now: Micros, provider: string, model: string): EndpointSnapshot | undefined;
}

export type Pressure = 'endpoint-full' | 'cooldown' | 'waiters' | 'at-limit';

/** Decider: is a task's call likely to wait, while another task's would not? */
export interface PressureAdvisory {
  /** Undefined: no pressure, or nothing is known of the resource. */
  pressure(now: Micros, resource: Resource): Pressure | undefined;
  /**
   * True: let the task go first. `admissible` is asked of the heads of other groups; when none of those that are
   * could go without pressure, the task passes in spite of its own.
   */
  passes<Task extends SchedulableTask>(
    now: Micros,
    task: Task,
    heads: readonly Task[],
    admissible: (task: Task) => boolean,
  ): boolean;
}

/** What one dataset core schedules its tasks with. */
export interface TaskScheduler<Task extends SchedulableTask> {
  /** Of each generator, in the order given. */
  readonly plans: readonly TaskPlan[];
  readonly queue: TaskQueue<Task>;
  readonly admission: TaskAdmission;
  /** Undefined: off, or no source. */
  readonly advisory: PressureAdvisory | undefined;
  /**
   * After a pass that dispatched something, started tasks get to ask for request admission before the next decision.
   */
  readonly yieldAfterDispatch: boolean;
}

/** The role a `tasks` policy plays: one call for each dataset core. */
export interface TaskScheduling {
  schedule<Task extends SchedulableTask>(
    generators: readonly GeneratorView[],
    pressure?: PressureSource,
  ): TaskScheduler<Task>;
}

/**
 * The port of the dataset core: what it is given (columns, row groups, endpoints, policies), what it hands to its host
 * (effects) and what comes back. A *task* generates one cell, or one column of a whole row group; a *call* is one
 * attempt of a task at a model, and already holds its request-admission lease.
 */
import type { RequestAdmission, RequestLease, ReleaseOutcome, Resource } from '../../policies/admission/types.ts';
import type { GeneratorView, SchedulableTask, TaskScheduling } from '../../policies/task/types.ts';
import type { Micros, Retry, Salvage, TaskFailure } from '../../policies/types.ts';

/** One column of the dataset and how it is made. */
export interface ColumnPlan {
  readonly name: string;
  /** Names of the columns whose values its tasks read. */
  readonly dependsOn: readonly string[];
  readonly generator: GeneratorView;
  /** `cells`: one task a row; `row-group`: one task a row group, once all its open rows have what it depends on. */
  readonly extent: 'cells' | 'row-group';
  /**
   * The host prepares each task (effect `startTask`) and says when it asks for admission (input `ready`). Otherwise a
   * started task asks at once.
   */
  readonly prepares: boolean;
}

/** Rows that are admitted and checkpointed together. */
export interface RowGroupPlan {
  readonly id: number;
  readonly rows: number;
}

/** What an alias allows its endpoint; registered with request admission when the run begins. */
export interface EndpointPlan {
  readonly provider: string;
  readonly model: string;
  readonly alias: string;
  readonly limit: number;
}

export interface DatasetPlan {
  readonly columns: readonly ColumnPlan[];
  readonly rowGroups: readonly RowGroupPlan[];
  readonly endpoints: readonly EndpointPlan[];
}

/** Policies of one core; each object belongs to it alone. */
export interface DatasetPolicies {
  readonly admission: RequestAdmission;
  readonly tasks: TaskScheduling;
  readonly retry: Retry;
  readonly salvage: Salvage;
}

/**
 * queued → leased → (preparing) → waiting for request admission → calling ⇄ backing-off → done, deferred or dropped; a
 * deferred task is queued again by salvage.
 */
export type TaskState =
  | 'queued'
  | 'leased'
  | 'preparing'
  | 'waiting'
  | 'calling'
  | 'backing-off'
  | 'deferred'
  | 'done'
  | 'dropped'
  | 'cancelled';

/** Equal failures that followed each other are one link with a count, so that a chain stays short. */
export interface FailureLink {
  readonly failure: TaskFailure;
  readonly times: number;
  readonly firstAt: Micros;
  readonly lastAt: Micros;
}

export interface Task extends SchedulableTask {
  /** Unique in the run, counted from 0; names the task at request admission. */
  readonly number: number;
  /** Index into the plan's columns. */
  readonly column: number;
  /** Id of its row group. */
  readonly group: number;
  /** Within the group; -1 for a task of the whole group. */
  readonly row: number;
  readonly state: TaskState;
  /** Times it was started. */
  readonly starts: number;
  /** Calls made since it was last started. */
  readonly attempts: number;
  readonly deferrals: number;
  /** Cycles of salvage it was kept after. */
  readonly preservations: number;
  /** Every failure of a start so far, oldest first. */
  readonly failures: readonly FailureLink[];
}

/** One attempt of a task. The object is its identity: `end` is told which one ended. */
export interface Call {
  readonly id: number;
  readonly task: Task;
  /** Undefined when the generator calls no model that request admission knows. */
  readonly lease: RequestLease | undefined;
  readonly resource: Resource | undefined;
  /** 1 for the first attempt of this start. */
  readonly attempt: number;
}

/** How a call ended. */
export interface CallResult {
  /** Undefined when it succeeded. */
  readonly failure: TaskFailure | undefined;
  /** What its lease is released with. */
  readonly outcome: ReleaseOutcome;
  /** What a 429 asked for; -1 when nothing. */
  readonly retryAfterUs: Micros;
}

/**
 * Why a row was lost: a failure that cannot heal, one still there after the rounds, one kept for longer or more often
 * than the user allows, or the run ended before it.
 */
export type DropRule = 'unhealable' | 'after-rounds' | 'preserve-budget' | 'shutdown' | 'stopped';

/** Why a run ended. `unfinished`: nothing was left to do and a row group still open, which is a bug of a policy. */
export type DoneReason = 'finished' | 'unfinished' | 'early-shutdown' | 'stopped';

export type DatasetEffect =
  | { readonly kind: 'startTask'; readonly task: Task }
  | { readonly kind: 'call'; readonly call: Call }
  /** The task is over; its call, if one runs, is of no interest any more and its lease is released. */
  | { readonly kind: 'cancel'; readonly task: Task; readonly call: Call | undefined }
  | {
      readonly kind: 'row';
      readonly group: number;
      readonly row: number;
      readonly result: 'completed' | 'dropped';
      /** Of a dropped row. */
      readonly rule: DropRule | undefined;
      /** Failures of the task that decided it: for a completed row, of its last cell. */
      readonly reasons: readonly FailureLink[];
    }
  | { readonly kind: 'checkpoint'; readonly group: number; readonly kept: number; readonly dropped: number }
  | { readonly kind: 'done'; readonly reason: DoneReason };

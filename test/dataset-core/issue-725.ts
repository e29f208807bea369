/**
 * The shape that reproduces DataDesigner issue 725 (spec dataset-admission-salvage.md §7.4): 12 independent columns on
 * one endpoint, 128 rows in 4 groups of 32, 3 of them open, 32 requests and 128 tasks at once, 2 rounds of salvage.
 */
import { AdaptiveAdmission } from '../../policies/admission/adaptive-admission.ts';
import { requestAdmission } from '../../policies/admission/request-admission.ts';
import { datadesigner } from '../../policies/retry/datadesigner.ts';
import { rounds } from '../../policies/salvage/rounds.ts';
import { boundedBorrow } from '../../policies/task/task-scheduling.ts';
import { DatasetCore } from '../../src/dataset/dataset-core.ts';
import { DATASET_SETTINGS, type DatasetSettings } from '../../src/dataset/settings.ts';
import type { ColumnPlan, DatasetPlan } from '../../src/dataset/types.ts';
import { type CpuCosts, runOnCpu } from '../harness/dataset-cpu-host.ts';

export interface StallSet extends CpuCosts {
  readonly latencyUs: number;
  readonly timeoutUs: number;
}

export const SET_P: StallSet = {
  latencyUs: 15_600,
  timeoutUs: 30_300,
  selectionUs: 1050,
  bookkeepingUs: 916,
  queuedUs: 0.13,
  startUs: 300,
};
/** Written out in the spec. */
export const SET_P_94: StallSet = {
  latencyUs: 14_664,
  timeoutUs: 28_482,
  selectionUs: 987,
  bookkeepingUs: 861.04,
  queuedUs: 0.1222,
  startUs: 282,
};
export const SET_Q: StallSet = {
  latencyUs: 14_054,
  timeoutUs: 36_118.3,
  selectionUs: 1375.22,
  bookkeepingUs: 69.3658,
  queuedUs: 1.90415,
  startUs: 230.464,
};
export const NO_STALL: CpuCosts = { selectionUs: 0, bookkeepingUs: 0, queuedUs: 0, startUs: 0 };

const [COLUMNS, GROUPS, ROWS, CAP] = [12, 4, 32, 32];

function column(_: unknown, i: number): ColumnPlan {
  const name = `c${String(i).padStart(2, '0')}`;
  const generator = { kind: 'model', identity: ['p', 'm', 'chat'], weight: CAP, columns: [name] } as const;
  return { name, dependsOn: [], generator, extent: 'cells', prepares: false };
}

const PLAN: DatasetPlan = {
  columns: Array.from({ length: COLUMNS }, column),
  rowGroups: Array.from({ length: GROUPS }, (_, id) => ({ id, rows: ROWS })),
  endpoints: [{ provider: 'p', model: 'm', alias: 'a', limit: CAP }],
};

/** A variant, and settings in which a run departs from it. */
export interface Switches {
  readonly variant: 'baseline' | 'fixed' | 'head';
  readonly settings?: Partial<DatasetSettings>;
  readonly tasks?: Readonly<Record<string, unknown>>;
  readonly salvage?: Readonly<Record<string, unknown>>;
}

export function runIssue725(set: StallSet, { variant, settings, tasks, salvage }: Switches) {
  const head = requestAdmission.config.parse({ name: 'aimd', ...requestAdmission.variants['datadesigner-head'] });
  const admission = new AdaptiveAdmission({ ...head, waitTimeout: set.timeoutUs });
  const limits = { submission: 128, llmWait: 128 };
  const tasksConfig = { name: 'bounded-borrow', ...boundedBorrow.variants[variant], ...limits, ...tasks };
  const rng = () => 0;
  const policies = {
    admission,
    tasks: boundedBorrow.make(boundedBorrow.config.parse(tasksConfig), { rng }),
    retry: datadesigner.make(datadesigner.config.parse({ name: 'datadesigner', maxAttempts: 1 }), { rng }),
    salvage: rounds.make(rounds.config.parse({ name: 'rounds', ...rounds.variants[variant], ...salvage }), { rng }),
  };
  const core = new DatasetCore(PLAN, { ...DATASET_SETTINGS[variant], ...settings }, policies);
  const elapsedUs = runOnCpu(core, set.latencyUs, set);
  core.checkInvariants();
  const { rowsCompleted, rowsDropped } = core.counts();
  return {
    completed: rowsCompleted,
    dropped: rowsDropped,
    timeouts: admission.eventCounts()['wait-timeout'],
    waiters: core.observed().maxima.requestWaiters,
    dispatches: core.observed().events['worker-spawned'],
    elapsedSec: elapsedUs / 1e6,
  };
}

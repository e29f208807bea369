/**
 * Settings of the dataset core and the historic variants. Of the table of changes of DataDesigner pull 730 the core
 * alone decides row 8, a label. Rows 1, 3 and 4 are the salvage policy's (`queueTimeout`, `preserve`, `pacedBy`), 5, 6
 * and 7 the `tasks` policy's (`requestLimits`, `dispatchYield`). Row 2 never changes what happens and row 9 costs time
 * only.
 *
 * Source: NVIDIA-NeMo/DataDesigner async_scheduler.py 1baebd08 (baseline), 4fe479c1 (fixed), 99517abc (head).
 */

export interface ShutdownSettings {
  /** Failures over outcomes at which the run is shut down early, 0 to 1. */
  readonly errorRatio: number;
  /** Outcomes looked at; fewer than these never shut down. */
  readonly window: number;
}

export interface DatasetSettings {
  /** Row groups open at once. */
  readonly rowGroupsMax: number;
  /** Undefined: never. */
  readonly shutdown: ShutdownSettings | undefined;
  /** Row 8: what a pass that could start nothing is called when no head is held back by its group's cap. */
  readonly blockLabel: 'queue-empty-last' | 'queue-empty-first';
}

const HEAD: DatasetSettings = {
  rowGroupsMax: 3,
  shutdown: { errorRatio: 0.5, window: 10 },
  blockLabel: 'queue-empty-first',
};

export type DatasetVariant = 'spillway' | 'head' | 'fixed' | 'baseline';

export const DATASET_SETTINGS: Readonly<Record<DatasetVariant, DatasetSettings>> = {
  spillway: HEAD,
  head: HEAD,
  fixed: HEAD,
  baseline: { ...HEAD, blockLabel: 'queue-empty-last' },
};

/**
 * Settings of the dataset core and the historic variants. The core alone decides the rows 1, 3 (with the salvage
 * policy), 4 and 8 of the table of changes of DataDesigner pull 730; rows 5, 6 and 7 are settings of the `tasks` policy
 * (`requestLimits`, `dispatchYield`). Row 2 never changes what happens and row 9 costs time only.
 *
 * The default, `spillway`, is upstream's head with one repair: a task that is preserved again and again may be given a
 * deadline (`preserveForUs`) or a number of starts (`preserveStarts`). Upstream keeps it for ever, so an endpoint that
 * answers 429 for ever is a run that never ends.
 *
 * Source: NVIDIA-NeMo/DataDesigner async_scheduler.py 1baebd08 (baseline), 4fe479c1 (fixed), 99517abc (head).
 */
import type { Micros } from '../../policies/types.ts';

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
  /** Row 1: whether a wait too long for request admission is a cause of its own or looks like a slow provider. */
  readonly queueTimeout: 'own-cause' | 'provider-timeout';
  /** Row 4: whose cool-downs stretch the pause between cycles of salvage. */
  readonly pacedBy: 'preserved' | 'rate-limited';
  /** Row 8: what a pass that could start nothing is called when no head is held back by its group's cap. */
  readonly blockLabel: 'queue-empty-last' | 'queue-empty-first';
  /** From a task's first failure; kept no longer after the rounds. Infinity: for ever. */
  readonly preserveForUs: Micros;
  /** Starts of a task; kept no longer once it has had so many. Infinity: any number. */
  readonly preserveStarts: number;
}

const HEAD: DatasetSettings = {
  rowGroupsMax: 3,
  shutdown: { errorRatio: 0.5, window: 10 },
  queueTimeout: 'own-cause',
  pacedBy: 'preserved',
  blockLabel: 'queue-empty-first',
  preserveForUs: Infinity,
  preserveStarts: Infinity,
};

export type DatasetVariant = 'spillway' | 'head' | 'fixed' | 'baseline';

/** `spillway` equals `head` until the user sets a budget. */
export const DATASET_SETTINGS: Readonly<Record<DatasetVariant, DatasetSettings>> = {
  spillway: HEAD,
  head: HEAD,
  fixed: HEAD,
  baseline: { ...HEAD, queueTimeout: 'provider-timeout', pacedBy: 'rate-limited', blockLabel: 'queue-empty-last' },
};

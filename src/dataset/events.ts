/**
 * What the core did: a count of each kind of step, and each step to whoever listens. Kinds are upstream's scheduler
 * events (DataDesigner observability.py 99517abc).
 */
import type { Micros } from '../../policies/types.ts';
import type { Task } from './types.ts';

const DATASET_EVENTS = [
  'scheduler-job-started',
  'scheduler-job-completed',
  'scheduler-health-snapshot',
  'row-group-admitted',
  'row-group-checkpointed',
  'dependency-ready',
  'ready-enqueued',
  'selected',
  'admission-denied',
  'stale-selection',
  'request-pressure-advisory-skipped',
  'queue-drained',
  'queue-empty',
  'group-capped',
  'admission-blocked',
  'task-lease-acquired',
  'worker-spawned',
  'task-started',
  'retry-deferred',
  'non-retryable-dropped',
  'task-completed',
  'task-lease-released',
  'cancelled',
] as const;
export type DatasetEventKind = (typeof DATASET_EVENTS)[number];

/** Told each step as it happens; it must not enter the core. */
export type DatasetEventSink = (kind: DatasetEventKind, at: Micros, task: Task | undefined) => void;

export class DatasetEvents {
  readonly #sink: DatasetEventSink | undefined;
  readonly #counts = Object.fromEntries(DATASET_EVENTS.map((kind) => [kind, 0])) as Record<DatasetEventKind, number>;

  constructor(sink: DatasetEventSink | undefined) {
    this.#sink = sink;
  }

  emit(kind: DatasetEventKind, at: Micros, task?: Task): void {
    this.#counts[kind]++;
    this.#sink?.(kind, at, task);
  }

  counts(): Readonly<Record<DatasetEventKind, number>> {
    return { ...this.#counts };
  }
}

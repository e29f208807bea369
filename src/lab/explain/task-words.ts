/** Steps of a dataset's tasks in words, and the loss of a row. */
import type { RunOptions } from '../run-types.ts';

type Listener = NonNullable<RunOptions['tap']>;
type TaskStep = Parameters<NonNullable<Listener['taskStep']>>[0];
type Drop = Parameters<NonNullable<Listener['rowDropped']>>;

const STEPS: Partial<Readonly<Record<TaskStep['kind'], string>>> = {
  'ready-enqueued': 'has what it depends on and is queued',
  'request-pressure-advisory-skipped': 'is passed over, as its endpoint is under pressure',
  'stale-selection': 'was chosen too late and goes back',
  'task-lease-acquired': 'is chosen and gets a place',
  'task-started': 'starts',
  'retry-deferred': 'is deferred',
  'non-retryable-dropped': 'is given up',
  'task-completed': 'is complete',
  'cancelled': 'is cancelled',
};
/** Steps that a failure led to. */
const FAILED: ReadonlySet<string> = new Set(['retry-deferred', 'non-retryable-dropped']);

/** Undefined for steps that say nothing a reader of a story needs. */
export function stepInWords({ kind, task, column, failure }: TaskStep): string | undefined {
  const what = STEPS[kind];
  if (what === undefined) return undefined;
  const after = FAILED.has(kind) && failure !== undefined ? ` after ${failureInWords(failure)}` : '';
  return `task ${task} (column ${column}) ${what}${after}`;
}

export function dropInWords([, row, rule, last]: Drop): string {
  const after = last === undefined ? '' : `; its task failed last with ${failureInWords(last)}`;
  return `row ${row} is lost by the rule ${rule}${after}`;
}

function failureInWords({ reason, cause, status }: NonNullable<TaskStep['failure']>): string {
  return `${reason}, cause ${cause}${status === 0 ? '' : `, status ${status}`}`;
}

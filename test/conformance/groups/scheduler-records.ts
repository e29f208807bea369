/** Lines of scheduler_runs.jsonl as they are written: snake case, seconds. */

export type Variant = 'baseline' | 'fixed' | 'head';
export type Step = readonly [kind: string, status?: number | null, retryAfter?: number | null];

export interface Scenario {
  readonly id: number;
  readonly kind: string;
  readonly columns: readonly {
    readonly name: string;
    readonly provider: string;
    readonly model: string;
    readonly weight: number;
    readonly deps: readonly string[];
  }[];
  readonly row_groups: readonly (readonly [id: number, rows: number])[];
  readonly caps: readonly (readonly [provider: string, model: string, cap: number])[];
  readonly queue_wait_timeout: number | null;
  readonly cooldown_seconds: number;
  readonly scheduler: {
    readonly salvage_max_rounds: number;
    readonly max_in_flight_tasks: number;
    readonly max_model_task_admission: number;
    readonly max_concurrent_row_groups: number;
    readonly shutdown_error_rate: number;
    readonly shutdown_error_window: number;
    readonly disable_early_shutdown: boolean;
  };
  readonly script: Readonly<Record<string, readonly Step[]>>;
  readonly base_latency: Readonly<Record<string, number>>;
  readonly executor_max_retries: number;
  readonly executor_backoff_factor: number;
}

/** What is compared: each field as upstream wrote it. */
export interface Outcome {
  readonly result: Readonly<Record<string, unknown>>;
  readonly rows: readonly unknown[];
  readonly attempts: readonly (readonly unknown[])[];
  readonly dispatch_order: readonly unknown[];
  readonly scheduler_event_counts: Readonly<Record<string, number>>;
  readonly request_event_counts: Readonly<Record<string, number>>;
  readonly final_request_state: Readonly<Record<string, unknown>>;
  readonly retryable_outcome_counts: Readonly<Record<string, number>>;
}

export interface RunLine extends Outcome {
  readonly type: 'scheduler_run';
  readonly variant: Variant;
  readonly scenario: Scenario;
  readonly final_request_state_fields: readonly string[];
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  line: [
    ...['type', 'variant', 'scenario', 'result', 'rows', 'attempts', 'dispatch_order', 'scheduler_event_counts'],
    ...['request_event_counts', 'final_request_state', 'final_request_state_fields', 'retryable_outcome_counts'],
  ],
  scenario: [
    ...['id', 'kind', 'columns', 'row_groups', 'caps', 'queue_wait_timeout', 'cooldown_seconds', 'scheduler'],
    ...['script', 'base_latency', 'executor_max_retries', 'executor_backoff_factor'],
  ],
  scheduler: [
    ...['salvage_max_rounds', 'max_in_flight_tasks', 'max_model_task_admission', 'max_concurrent_row_groups'],
    ...['shutdown_error_rate', 'shutdown_error_window', 'disable_early_shutdown'],
  ],
  column: ['name', 'provider', 'model', 'weight', 'deps'],
};

/** Fields of the line that this reader does not know; they would go uncompared. */
export function unknownFields(line: RunLine): readonly string[] {
  const of = (name: string, value: object) => {
    return Object.keys(value).flatMap((key) => (FIELDS[name]?.includes(key) === true ? [] : [`${name}.${key}`]));
  };
  const { scenario } = line;
  return [
    ...of('line', line),
    ...of('scenario', scenario),
    ...of('scheduler', scenario.scheduler),
    ...scenario.columns.flatMap((column) => of('column', column)),
  ];
}

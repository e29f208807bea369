/** Lines of request_admission.jsonl as they are written: seconds, snake case, resources by index. */

export interface SequenceLine {
  readonly type: 'sequence';
  readonly seq: number;
  readonly class: string;
  readonly name?: string;
  readonly resources: readonly (readonly [provider: string, model: string, domain: string])[];
  readonly group_weights: readonly number[];
  readonly config: {
    readonly cooldown_seconds: number;
    readonly multiplicative_decrease_factor: number;
    readonly additive_increase_step: number;
    readonly successes_until_increase: number;
    readonly startup_ramp_seconds: number;
    readonly default_queue_wait_timeout_seconds: number | null;
    readonly initial_limits: readonly (readonly [resource: number, limit: number | null])[];
    readonly max_limit_clamps: readonly (readonly [resource: number, limit: number | null])[];
  };
}

export interface Release {
  readonly kind: 'release';
  readonly lease: number;
  readonly outcome: string;
  readonly retry_after_seconds?: number | null;
  readonly mutate?: string | null;
}
export interface TryAcquire {
  readonly kind: 'try_acquire';
  readonly resource: number;
}
export type Op =
  | Release
  | TryAcquire
  | {
      readonly kind: 'register';
      readonly provider: string;
      readonly model: string;
      readonly alias: string;
      readonly max_parallel_requests: number;
    }
  | { readonly kind: 'advance'; readonly dt: number }
  | {
      readonly kind: 'acquire';
      readonly waiter: number;
      readonly resource: number;
      readonly timeout_seconds: number | null;
    }
  | { readonly kind: 'cancel'; readonly waiter: number }
  | (Omit<Release, 'kind'> & { readonly kind: 'release_then_cancel'; readonly waiter: number })
  | { readonly kind: 'stall'; readonly dt: number; readonly then?: Release | TryAcquire | null };

/** Answer of a call, or end of a wait (then with waiter and t). */
export type Answer = Readonly<Record<string, unknown>>;
export type EventRow = readonly unknown[];
export type State = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface OpLine {
  readonly type: 'op';
  readonly seq: number;
  readonly i: number;
  readonly t: number;
  readonly op: Op;
  readonly result?: Answer;
  readonly completions?: readonly Answer[];
  readonly events?: readonly EventRow[];
  readonly snapshot_changes?: State;
  readonly global_changes?: State;
  readonly leak_counters?: Readonly<Record<string, number>>;
  readonly queued_total?: number;
}

export interface EndLine {
  readonly type: 'end';
  readonly seq: number;
  readonly t: number;
  readonly n_ops: number;
  readonly final_snapshot: State;
  readonly final_global: State;
  readonly final_leak_counters: Readonly<Record<string, number>>;
}

export interface Sequence {
  readonly head: SequenceLine;
  readonly ops: readonly OpLine[];
  readonly end: EndLine;
}

/** The sequences of the file's text. */
export function readSequences(text: string): readonly Sequence[] {
  const sequences: Sequence[] = [];
  let head: SequenceLine | undefined;
  let ops: OpLine[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const record = JSON.parse(line) as SequenceLine | OpLine | EndLine;
    if (record.type === 'sequence') [head, ops] = [record, []];
    else if (record.type === 'op') ops.push(record);
    else if (head !== undefined) sequences.push({ head, ops, end: record });
  }
  return sequences;
}

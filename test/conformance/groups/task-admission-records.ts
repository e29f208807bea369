/** Lines of task_admission.jsonl as they are written: snake case, groups by index. */

export type Amounts = Readonly<Record<string, number>>;

export interface GroupRecord {
  readonly kind: string;
  readonly identity: readonly string[];
  readonly weight: number;
  readonly admitted_limit: number | null;
  readonly request: Amounts;
}

export interface BorrowRecord {
  readonly default_borrow_ceiling: number | null;
  readonly dynamic_borrow_reserve_fraction: number;
  readonly dynamic_borrow_max_reserved_slots: number;
  readonly strict_share_rounding: 'ceil' | 'floor';
  readonly repay_on_withheld_peer_pressure: boolean;
  readonly borrow_ceiling_by_group_resource: readonly (readonly [group: number, resource: string, ceiling: number])[];
}

export interface SequenceLine {
  readonly type: 'sequence';
  readonly seq: number;
  readonly class: string;
  readonly groups: readonly GroupRecord[];
  readonly resource_limits: Amounts;
  readonly policy: 'strict' | 'bounded_borrow';
  readonly bounded_borrow: BorrowRecord | null;
}

type Item = readonly [task: string, group: number];
export type Op =
  | { readonly kind: 'init' }
  | { readonly kind: 'enqueue'; readonly items: readonly Item[] }
  | { readonly kind: 'dispatch'; readonly max: number }
  | { readonly kind: 'release'; readonly lease: number; readonly mutate?: string | null }
  | { readonly kind: 'discard'; readonly task: string }
  | { readonly kind: 'discard_group'; readonly group: number }
  | { readonly kind: 'select_then_mutate_then_commit'; readonly mutation: 'enqueue'; readonly arg: Item }
  | { readonly kind: 'select_then_mutate_then_commit'; readonly mutation: 'discard_selected'; readonly arg: string }
  | { readonly kind: 'probe'; readonly group: number };

export type State = Readonly<Record<string, unknown>>;

export interface OpLine {
  readonly type: 'op';
  readonly seq: number;
  readonly i: number;
  readonly op: Op;
  readonly result?: unknown;
  readonly state_changes?: State;
}

export interface EndLine {
  readonly type: 'end';
  readonly seq: number;
  readonly n_ops: number;
  readonly final_state: State;
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

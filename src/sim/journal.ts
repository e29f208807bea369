/**
 * The run's journal: every input of a core and every effect, in order, folded into the digest. Kernel events never
 * enter it, so that an engine which skips uneventful passes has the digest of one that steps. A tap may listen to a
 * window of entries, to show where two runs part.
 */
import type { TaskFailure } from '../../policies/types.ts';
import type { DatasetEventKind } from '../dataset/events.ts';
import type { DropRule } from '../dataset/types.ts';
import { Digest } from '../kernel/digest.ts';

/** Entry kinds; their numbers are part of the digest. */
export const ENTRY = [
  'gateway.arrive',
  'gateway.firstToken',
  'gateway.end',
  'gateway.abandon',
  'gateway.wake',
  'gateway.report',
  'gateway.workerStatus',
  'gateway.discovered',
  'effect.start',
  'effect.cancel',
  'effect.finish',
  'dataset.begin',
  'dataset.end',
  'dataset.wake',
  'effect.call',
  'effect.row',
  'effect.done',
  'attempt.tokens',
  'effect.cancelCall',
  'effect.checkpoint',
  'gateway.reportStamp',
] as const;
export type EntryName = (typeof ENTRY)[number];

const CODE = new Map<EntryName, number>(ENTRY.map((name, code) => [name, code]));

/** What the dataset core did with one of its tasks. */
export interface TaskStep {
  readonly at: number;
  readonly kind: DatasetEventKind;
  /** Its number, by which it asks for admission. */
  readonly task: number;
  readonly column: string;
  /** First of the rows it is for, in the whole dataset, and how many there are. */
  readonly row: number;
  readonly rows: number;
  /** Of its last start that failed. */
  readonly failure: TaskFailure | undefined;
}

/** Listens to the entries numbered from `from` up to, not including, `to`. */
export interface EntryTap {
  readonly from: number;
  readonly to: number;
  record(entry: {
    readonly index: number;
    readonly at: number;
    readonly kind: string;
    readonly first: number;
    readonly second: number;
    readonly request: number;
  }): void;
  /**
   * A dataset lost a row: by which rule, and after which failure of the task that decided it. Told before the entry of
   * its effect, and not hashed.
   */
  rowDropped?(at: number, row: number, rule: DropRule, last: TaskFailure | undefined): void;
  /** Steps of tasks, whether or not they lead to a call; not hashed. */
  taskStep?(step: TaskStep): void;
}

/** The number of an entry kind; look it up once. */
export function entryCode(name: EntryName): number {
  return CODE.get(name) as number;
}

export class Journal {
  readonly digest = new Digest();
  readonly #tap: EntryTap | undefined;

  constructor(tap?: EntryTap) {
    this.#tap = tap;
  }

  /** Undefined when nobody listens. */
  get taskStep(): ((step: TaskStep) => void) | undefined {
    const tap = this.#tap;
    return tap?.taskStep === undefined ? undefined : (step) => tap.taskStep?.(step);
  }

  rowDropped(at: number, row: number, rule: DropRule, last: TaskFailure | undefined): void {
    this.#tap?.rowDropped?.(at, row, rule, last);
  }

  /**
   * One entry: `first` and `second` are whole numbers of 32 bits (ids, codes, hashes). `request` is told to the tap and
   * not hashed: the request it is about, or -1.
   */
  note(code: number, at: number, first: number, second: number, request = -1): void {
    const tap = this.#tap;
    if (tap !== undefined) {
      const index = this.digest.entries;
      const kind = ENTRY[code] as string;
      if (index >= tap.from && index < tap.to) tap.record({ index, at, kind, first, second, request });
    }
    this.digest.entry(code, at, first, second);
  }
}

/**
 * The run's journal: every input of a core and every effect, in order, folded into the digest. Kernel events never
 * enter it, so that an engine which skips uneventful passes has the digest of one that steps. A tap may listen to a
 * window of entries, to show where two runs part.
 */
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
] as const;
export type EntryName = (typeof ENTRY)[number];

const CODE = new Map<EntryName, number>(ENTRY.map((name, code) => [name, code]));

/** Listens to the entries numbered from `from` up to, not including, `to`. */
export interface EntryTap {
  readonly from: number;
  readonly to: number;
  record(entry: { index: number; at: number; kind: string; first: number; second: number }): void;
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

  /** One entry: `first` and `second` are whole numbers of 32 bits (ids, codes, hashes). */
  note(code: number, at: number, first: number, second: number): void {
    const tap = this.#tap;
    if (tap !== undefined) {
      const index = this.digest.entries;
      if (index >= tap.from && index < tap.to) tap.record({ index, at, kind: ENTRY[code] as string, first, second });
    }
    this.digest.entry(code, at, first, second);
  }
}

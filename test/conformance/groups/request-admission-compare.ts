/**
 * Compares a replayed sequence with its record. Exact: answers, ends of waits with their instants, snapshots, endpoint
 * states, leak counters, queue length, and in classes without waiters the order of events. What the README leaves open:
 * the order of waits that end at one instant; the record that shows an event of a waiting acquire, since upstream keeps
 * it until that call ends, and the call may be another waiter's whose poll did the work: a difference is carried to a
 * later record and is settled whenever nobody waits; and in async_ramp the instant of a grant, which upstream makes at
 * the next poll.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { type Observed, Replay } from './request-admission.ts';
import type { Answer, EventRow, OpLine, Sequence, State } from './request-admission-records.ts';

/** Poll period of upstream, rounded up by its clock. */
const POLL_SECONDS = 0.05 + 2 ** -19;

export interface Tally {
  ops: number;
  answers: number;
  waitsEnded: number;
  events: number;
  /** Ops in which upstream showed an event later than it happened here. */
  eventsLate: number;
  /** async_ramp: grants that upstream made at a poll after the instant of growth. */
  grantsEarly: number;
  /** async_ramp: ops between such a grant here and there; states not compared. */
  statesLeftOut: number;
}

export class Comparison {
  readonly #sequence: Sequence;
  readonly #tally: Tally;
  readonly #replay: Replay;
  readonly #ordered: boolean;
  readonly #polled: boolean;
  #snapshots: State = {};
  #globals: State = {};
  #leaks: Readonly<Record<string, number>> = {};
  #queued = 0;
  /** Times shown upstream minus times emitted here, by event; only what is not 0. */
  readonly #owed = new Map<string, number>();
  /** Grants made here that upstream has yet to make, by waiter. */
  readonly #early = new Map<number, Answer>();

  constructor(sequence: Sequence, tally: Tally) {
    this.#sequence = sequence;
    this.#tally = tally;
    this.#replay = new Replay(sequence.head);
    this.#ordered = sequence.head.class.startsWith('sync_');
    this.#polled = sequence.head.class === 'async_ramp';
  }

  run(): void {
    const { ops, end } = this.#sequence;
    for (const line of ops) this.#compareOp(line);
    const final = { ops: end.n_ops, early: 0, states: [end.final_snapshot, end.final_global, end.final_leak_counters] };
    this.#same('final state', final, {
      ops: ops.length,
      early: this.#early.size,
      states: [this.#replay.snapshots(), this.#replay.globals(), this.#replay.leakCounters()],
    });
  }

  #compareOp(line: OpLine): void {
    const observed = this.#replay.apply(line);
    const where = `op ${line.i} ${JSON.stringify(line.op)}`;
    this.#tally.ops++;
    if (line.result !== undefined) this.#tally.answers++;
    this.#same(`${where}: result`, line.result && withoutLease(line.result), observed.result);
    this.#compareEnds(where, line, observed);
    this.#compareEvents(where, line.events ?? [], observed.events);
    this.#snapshots = { ...this.#snapshots, ...line.snapshot_changes };
    this.#globals = { ...this.#globals, ...line.global_changes };
    this.#leaks = line.leak_counters ?? this.#leaks;
    this.#queued = line.queued_total ?? this.#queued;
    if (this.#early.size > 0) {
      this.#tally.statesLeftOut++;
      return;
    }
    this.#same(`${where}: snapshots`, this.#snapshots, this.#replay.snapshots());
    this.#same(`${where}: endpoints`, this.#globals, this.#replay.globals());
    this.#same(`${where}: leak counters`, this.#leaks, this.#replay.leakCounters());
    this.#same(`${where}: waiters`, this.#queued, this.#replay.held().waiting);
  }

  #compareEnds(where: string, { completions = [] }: OpLine, observed: Observed): void {
    const mine = observed.completions.filter((end) => {
      const late = this.#polled && end['acquired_at'] !== undefined;
      if (late) this.#early.set(end['waiter'] as number, end);
      return !late;
    });
    const theirs = completions.filter((end) => {
      const early = this.#early.get(end['waiter'] as number);
      if (early === undefined) return true;
      this.#early.delete(end['waiter'] as number);
      this.#compareGrant(`${where}: polled grant`, withoutLease(end), early);
      return false;
    });
    this.#tally.waitsEnded += completions.length;
    this.#same(`${where}: waits ended`, theirs.map(withoutLease).sort(byEnd), mine.sort(byEnd));
  }

  #compareGrant(where: string, theirs: Answer, mine: Answer): void {
    const lateSeconds = (theirs['t'] as number) - (mine['t'] as number);
    if (lateSeconds > 0) this.#tally.grantsEarly++;
    expect(lateSeconds, `${this.#name(where)} is not before`).toBeGreaterThanOrEqual(0);
    expect(lateSeconds, `${this.#name(where)} is within one poll`).toBeLessThanOrEqual(POLL_SECONDS);
    this.#same(where, theirs, { ...mine, t: theirs['t'], acquired_at: theirs['acquired_at'] });
  }

  #compareEvents(where: string, theirs: readonly EventRow[], mine: readonly EventRow[]): void {
    this.#tally.events += theirs.length;
    if (this.#ordered) this.#same(`${where}: events`, theirs, mine);
    for (const row of theirs) this.#owe(row, 1);
    for (const row of mine) this.#owe(row, -1);
    if (this.#owed.size > 0) this.#tally.eventsLate++;
    const settled = this.#replay.held().waiting === 0 && this.#early.size === 0;
    if (settled) this.#same(`${where}: events, nobody waits`, [], [...this.#owed]);
    // Shown in excess of what was emitted: never, whoever waits, unless the grant here is still to be matched.
    if (this.#early.size === 0) this.#same(`${where}: events not emitted`, [], excess(this.#owed));
  }

  #owe(row: EventRow, count: 1 | -1): void {
    const key = JSON.stringify(row);
    const owed = (this.#owed.get(key) ?? 0) + count;
    if (owed === 0) this.#owed.delete(key);
    else this.#owed.set(key, owed);
  }

  #same(where: string, theirs: unknown, mine: unknown): void {
    if (!isDeepStrictEqual(mine, theirs)) expect(mine, this.#name(where)).toEqual(theirs);
  }

  #name(where: string): string {
    const { seq, name = '' } = this.#sequence.head;
    return `sequence ${seq} ${name} ${where}`;
  }
}

/** Which number the record gives a lease is its own affair. */
function withoutLease(answer: Answer): Answer {
  return Object.fromEntries(Object.entries(answer).filter(([key]) => key !== 'lease'));
}

function byEnd(a: Answer, b: Answer): number {
  return (a['t'] as number) - (b['t'] as number) || (a['waiter'] as number) - (b['waiter'] as number);
}

function excess(owed: ReadonlyMap<string, number>): unknown[] {
  return [...owed].filter(([, count]) => count > 0);
}

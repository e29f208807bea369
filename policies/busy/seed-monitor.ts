/**
 * The first busy monitor, with its defects, for runs that replay its incidents: one threshold on decode blocks, one
 * number a worker, recomputed on load reports only. A list of free workers is published when the busy set changes,
 * and is used for one thing: while it is empty, everything is refused. Busy workers are fed as long as one other is
 * free.
 *
 * What goes wrong (numbers of spec busy-threshold.md §2): a discovery makes every worker free until the busy set
 * changes (H1); sizes that change move no verdict (H2); evidence never ages (H3); after the reports end the last list
 * stands (H4); a size that vanishes forgets the load with it (H6); ranks overwrite each other (H13); workers that are
 * down count as free (H11). Upstream compares lists in hash order, we compare sets: its spurious publications are
 * left out.
 *
 * Source: ai-dynamo/dynamo lib/runtime/src/utils/worker_monitor.rs a5371bfc5 (#3458).
 */
import { refill } from '../refill.ts';
import type { Micros } from '../types.ts';
import type { BusyMonitor, BusyThresholds, RankLoad, WorkerPool } from './monitor.ts';

interface SeedState {
  /** -1: unknown; the next too. */
  active: number;
  total: number;
}

export class SeedMonitor implements BusyMonitor {
  readonly #threshold: number;
  readonly #states = new Map<number, SeedState>();
  #known: readonly number[] = [];
  #free: readonly number[] = [];
  #busy: ReadonlySet<number> = new Set();
  #ended = false;
  /** Times that a list of free workers was published. */
  publications = 0;

  constructor(thresholds: BusyThresholds) {
    this.#threshold = thresholds.decodeRatioMax;
  }

  discovered(_now: Micros, workers: readonly number[], reset: boolean): void {
    this.#known = [...workers];
    if (reset) this.#free = this.#known;
  }

  poolsChanged(_now: Micros, pools: ReadonlyMap<number, WorkerPool>): void {
    for (const worker of this.#states.keys()) {
      if ((pools.get(worker)?.kvTotalBlocks ?? -1) === -1) this.#states.delete(worker);
    }
    for (const [worker, { kvTotalBlocks }] of pools) {
      if (kvTotalBlocks !== -1) this.#stateOf(worker).total = kvTotalBlocks;
    }
  }

  loaded(_now: Micros, worker: number, _rank: number, load: RankLoad): void {
    if (this.#ended || load.decodeBlocks === -1) return;
    this.#stateOf(worker).active = load.decodeBlocks;
    const busy = new Set<number>();
    for (const [other, { active, total }] of this.#states) {
      if (active !== -1 && total > 0 && active > this.#threshold * total) busy.add(other);
    }
    if (busy.size === this.#busy.size && [...busy].every((other) => this.#busy.has(other))) return;
    this.#busy = busy;
    this.#free = this.#known.filter((other) => !busy.has(other));
    this.publications++;
  }

  loadsEnded(): void {
    this.#ended = true;
  }

  /** The threshold is fixed. */
  thresholdsChanged(): void {}

  granted(): void {}

  settled(): void {}

  allows(): boolean {
    return this.#free.length > 0 || this.#known.length === 0;
  }

  reconsiderAt(): Micros {
    return Infinity;
  }

  busy(): readonly number[] {
    return [...this.#busy].sort((a, b) => a - b);
  }

  /** As last published, dead workers included. */
  free(): readonly number[] {
    return this.#free;
  }

  #stateOf(worker: number): SeedState {
    let state = this.#states.get(worker);
    if (state === undefined) this.#states.set(worker, (state = { active: -1, total: -1 }));
    return state;
  }

  snapshot(): unknown {
    return [this.#states, this.#known, this.#free, this.#busy, this.#ended, this.publications];
  }

  restore(state: unknown): void {
    const [states, known, free, busy, ended, publications] = state as [
      ...[Map<number, SeedState>, readonly number[], readonly number[], ReadonlySet<number>],
      ...[boolean, number],
    ];
    refill(this.#states, states);
    this.#known = known;
    this.#free = free;
    this.#busy = busy;
    this.#ended = ended;
    this.publications = publications;
  }
}

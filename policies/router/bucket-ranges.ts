/**
 * Contiguous ranges of prompt size, one a worker in order, and how they follow the traffic: at first 4,096 characters
 * are divided evenly and the last range is open; a recut walks the sorted sizes of recent requests and ends a range
 * where it has gathered one worker's share of their sum. A recut changes nothing unless that share has more than
 * doubled or halved since the last.
 *
 * Source: smg policies/bucket.rs (Bucket) at 73da68ca9. `full-range` keeps its defect: when workers change, all 64-bit
 * numbers are divided, so that every real prompt falls into the first range until the next recut; those bounds are
 * BigInt, as no double holds them. `recut` ranges by the recent sizes at once and keeps the counts of those who stay.
 */
import { refill } from '../refill.ts';
import type { Micros } from '../types.ts';

const FIRST_SPAN = 4096;
const U64_MAX = (1n << 64n) - 1n;

/** Characters; inclusive. `to` is Infinity for the last. */
export interface SizeRange {
  readonly worker: number;
  readonly from: number | bigint;
  readonly to: number | bigint;
}

interface Recent {
  readonly at: Micros;
  readonly size: number;
  readonly worker: number;
}

export class BucketRanges {
  ranges: readonly SizeRange[] = [];
  /** Σ recent sizes, by worker. */
  readonly loads = new Map<number, number>();
  /** Σ recent sizes; requests older than the period leave at the next one. */
  total = 0;
  readonly #periodUs: Micros;
  readonly #whenFleetChanges: 'recut' | 'full-range';
  #workers: readonly number[] = [];
  /** Oldest first. Those before `#first` have left; they are dropped together, once they are more than the others. */
  readonly #recent: Recent[] = [];
  #first = 0;
  /** Mean load a worker at the last recut. */
  #share = 0;
  #divided = false;

  constructor(periodUs: Micros, whenFleetChanges: 'recut' | 'full-range') {
    this.#periodUs = periodUs;
    this.#whenFleetChanges = whenFleetChanges;
  }

  /** The whole set of workers, in the order of their ranges. */
  setWorkers(workers: readonly number[]): void {
    this.#workers = [...workers];
    const loads = workers.map((worker) => (this.#keepsLoads() ? (this.loads.get(worker) ?? 0) : 0));
    this.loads.clear();
    for (const [i, worker] of workers.entries()) this.loads.set(worker, loads[i] as number);
    if (workers.length === 0) this.ranges = [];
    else if (!this.#divided || (this.#keepsLoads() && this.#recent.length === 0)) this.ranges = evenly(workers);
    else if (this.#keepsLoads()) this.#cut(Math.floor(this.total / workers.length));
    else this.ranges = fullRange(workers);
    if (workers.length > 0) this.#divided = true;
  }

  /** A request of this size was sent to the worker. */
  post(now: Micros, size: number, worker: number): void {
    this.loads.set(worker, (this.loads.get(worker) ?? 0) + size);
    this.#expire(now);
    this.#recent.push({ at: now, size, worker });
    this.total += size;
  }

  /** Worker whose range has the size, or -1 without workers. */
  find(size: number): number {
    for (const { worker, to } of this.ranges) if (size <= to) return worker;
    return -1;
  }

  recut(): void {
    if (this.#recent.length === 0 || this.#workers.length === 0) return;
    for (const [worker, load] of this.loads) {
      if (load === 0 && !this.#workers.includes(worker)) this.loads.delete(worker);
    }
    const share = Math.floor(this.total / this.#workers.length);
    if (this.#share !== 0 && share <= 2 * this.#share && this.#share <= 2 * share) return;
    this.#cut(share);
  }

  snapshot(): unknown {
    const recent = this.#recent.slice(this.#first).map(({ at, size, worker }) => [at, size, worker]);
    return [this.ranges, this.loads, this.total, this.#workers, recent, this.#share, this.#divided];
  }

  restore(state: unknown): void {
    const [ranges, loads, total, workers, recent, share, divided] = state as [
      ...[readonly SizeRange[], Map<number, number>, number, readonly number[]],
      ...[[Micros, number, number][], number, boolean],
    ];
    this.ranges = ranges;
    refill(this.loads, loads);
    this.total = total;
    this.#workers = workers;
    for (const [at, size, worker] of recent) this.#recent.push({ at, size, worker });
    this.#share = share;
    this.#divided = divided;
  }

  #keepsLoads(): boolean {
    return this.#whenFleetChanges === 'recut';
  }

  #expire(now: Micros): void {
    for (let i = this.#first; i < this.#recent.length; i++) {
      const { at, size, worker } = this.#recent[i] as Recent;
      if (now - at <= this.#periodUs) break;
      this.#first++;
      this.total -= size;
      const load = this.loads.get(worker);
      if (load !== undefined) this.loads.set(worker, Math.max(0, load - size));
    }
    if (2 * this.#first <= this.#recent.length) return;
    this.#recent.splice(0, this.#first);
    this.#first = 0;
  }

  #cut(share: number): void {
    this.#share = share;
    const sizes = this.#recent.slice(this.#first).map(({ size }) => size);
    sizes.sort((a, b) => a - b);
    const ranges: SizeRange[] = [];
    let from = 0;
    let next = 0;
    for (const worker of this.#workers) {
      let to = from + share;
      let gathered = 0;
      while (next < sizes.length) {
        const size = sizes[next++] as number;
        gathered += size;
        if (gathered < share) continue;
        if (size > from) to = size;
        break;
      }
      if (ranges.length === this.#workers.length - 1) to = Infinity;
      ranges.push({ worker, from, to });
      from = to + 1;
    }
    this.ranges = ranges;
  }
}

function evenly(workers: readonly number[]): SizeRange[] {
  const gap = Math.floor(FIRST_SPAN / workers.length);
  return workers.map((worker, i) => {
    const last = i === workers.length - 1;
    return { worker, from: i * gap, to: last ? Infinity : (i + 1) * gap - 1 };
  });
}

function fullRange(workers: readonly number[]): SizeRange[] {
  const gap = U64_MAX / BigInt(workers.length);
  return workers.map((worker, i) => {
    const last = i === workers.length - 1;
    return { worker, from: BigInt(i) * gap, to: last ? Infinity : BigInt(i + 1) * gap - 1n };
  });
}

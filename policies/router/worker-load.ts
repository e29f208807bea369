/**
 * What a worker's data-parallel ranks last reported, taken together: waiting prompt tokens and generation
 * rates add up, KV usage is the mean of the ranks that report it. A field no rank reports counts as 0. The
 * sums are remade from the ranks in order of first report, so that equal reports give equal sums to the last
 * bit. Source: the per-rank sums of WorkerLoadResponse in smg (protocols, worker.rs).
 */
import { refill } from '../refill.ts';
import type { LoadReport, Micros } from '../types.ts';

export class WorkerLoad {
  readonly #byRank = new Map<number, LoadReport>();
  /** Of the latest report of any rank; -Infinity before the first. */
  reportedAt: Micros = -Infinity;
  waitingTokens = 0;
  tokensPerSec = 0;
  /** As reported, not clamped. */
  kvUsageRatio = 0;

  report(now: Micros, rank: number, report: LoadReport): void {
    this.reportedAt = report.stampedAt ?? now;
    this.#byRank.set(rank, report);
    this.#sum();
  }

  /** Forgets the ranks that no longer exist. */
  limitRanks(ranks: number): void {
    for (const rank of this.#byRank.keys()) if (rank >= ranks) this.#byRank.delete(rank);
    if (this.#byRank.size === 0) this.reportedAt = -Infinity;
    this.#sum();
  }

  #sum(): void {
    let usageSum = 0;
    let usageCount = 0;
    this.waitingTokens = 0;
    this.tokensPerSec = 0;
    for (const report of this.#byRank.values()) {
      if (report.prefillTokens !== -1) this.waitingTokens += report.prefillTokens;
      if (report.generatedTokensPerSec !== -1) this.tokensPerSec += report.generatedTokensPerSec;
      if (report.kvUsedBlocks === -1 || !(report.kvTotalBlocks > 0)) continue;
      usageSum += report.kvUsedBlocks / report.kvTotalBlocks;
      usageCount++;
    }
    this.kvUsageRatio = usageCount > 0 ? usageSum / usageCount : 0;
  }

  snapshot(): unknown {
    return [this.reportedAt, this.#byRank];
  }

  restore(state: unknown): void {
    const [reportedAt, byRank] = state as [Micros, Map<number, LoadReport>];
    this.reportedAt = reportedAt;
    refill(this.#byRank, byRank);
    this.#sum();
  }

  static restored(state: unknown): WorkerLoad {
    const load = new WorkerLoad();
    load.restore(state);
    return load;
  }
}

/** By worker, as a snapshot. */
export function loadStates(loads: ReadonlyMap<number, WorkerLoad>): [number, unknown][] {
  return [...loads].map(([worker, load]) => [worker, load.snapshot()]);
}

/** Fills an empty map with what `loadStates` answered. */
export function refillLoads(loads: Map<number, WorkerLoad>, states: readonly (readonly [number, unknown])[]): void {
  for (const [worker, state] of states) loads.set(worker, WorkerLoad.restored(state));
}

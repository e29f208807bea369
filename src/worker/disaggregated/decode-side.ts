/**
 * A decode engine and those on their way to it: who asks for its blocks (in order; nobody overtakes), and whose KV has
 * come and who waits for a place in its batch.
 */
import type { Engine } from '../engine.ts';
import type { PairJob } from './pair-job.ts';

export class DecodeSide<Owner> {
  readonly engine: Engine<PairJob<Owner>>;
  readonly asking = new Set<PairJob<Owner>>();
  readonly landed = new Set<PairJob<Owner>>();
  /** Jobs sent here that are not over. */
  jobs = 0;
  /** State of the engine's blocks when they were last asked for in vain; -1: ask. */
  #refusedAt = -1;

  constructor(engine: Engine<PairJob<Owner>>) {
    this.engine = engine;
  }

  ask(job: PairJob<Owner>): void {
    this.asking.add(job);
    if (this.asking.size === 1) this.#refusedAt = -1;
  }

  /** Who asked is gone; the next one may be content with less. */
  leave(job: PairJob<Owner>): void {
    this.asking.delete(job);
    this.#refusedAt = -1;
  }

  /** The next who gets blocks, and how much of its prompt was in the cache already; undefined: nobody now. */
  reserve(now: number): { readonly job: PairJob<Owner>; readonly cachedTokens: number } | undefined {
    const [job] = this.asking;
    if (job === undefined || this.engine.transferState().blockReturns === this.#refusedAt) return undefined;
    const cachedTokens = this.engine.reserve(now, job.decodeJob);
    if (cachedTokens < 0) {
      this.#refusedAt = this.engine.transferState().blockReturns;
      return undefined;
    }
    this.asking.delete(job);
    return { job, cachedTokens };
  }

  /** The next who gets a place in the batch. */
  nextToPlace(): PairJob<Owner> | undefined {
    const [job] = this.landed;
    return job !== undefined && this.engine.transferState().places > 0 ? job : undefined;
  }

  clear(): void {
    this.asking.clear();
    this.landed.clear();
    this.jobs = 0;
    this.#refusedAt = -1;
  }
}

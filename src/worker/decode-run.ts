/**
 * A planned stretch of passes in which the batch cannot change: every running sequence decodes, and nothing waiting
 * can be admitted before one of them ends (a head that does not fit now fits less with every block the batch
 * takes). Such a stretch needs no event per pass. The plan holds each pass's end, found with the very arithmetic
 * that single steps use, so a run that skips passes has the token times of one that steps through them, to the bit.
 */

/** Passes planned at most: bounds the work thrown away when an arrival cuts a plan short. */
const PASSES_MAX = 256;

/** What a plan starts from: the first pass, already scheduled and paid for. */
export interface RunStart {
  readonly startAt: number;
  readonly firstEndAt: number;
  /** Sequences in the batch. */
  readonly jobs: number;
  /** Σ context tokens at the end of the first pass. */
  readonly kvTokens: number;
  /** Passes until the first sequence ends. */
  readonly passesMax: number;
  /** KV blocks in use during the first pass. */
  readonly usedBlocks: number;
  /** Blocks that may still be taken. */
  readonly availableBlocks: number;
}

export class DecodeRun {
  readonly #blockTokens: number;
  /** Sequences by computed tokens modulo the block size, at the start: who needs a block in which pass. */
  readonly #phases: Int32Array;
  readonly #ends = new Float64Array(PASSES_MAX);
  readonly #used = new Float64Array(PASSES_MAX);
  #passes = 0;
  #done = 0;
  #startAt = 0;
  #jobs = 0;

  constructor(blockTokens: number) {
    this.#blockTokens = blockTokens;
    this.#phases = new Int32Array(blockTokens);
  }

  /** End of the last planned pass. */
  get endAt(): number {
    return this.#ends[this.#passes - 1] as number;
  }

  get jobs(): number {
    return this.#jobs;
  }

  /** Start of the last planned pass. */
  get lastStartAt(): number {
    return this.#passes === 1 ? this.#startAt : (this.#ends[this.#passes - 2] as number);
  }

  /** KV blocks in use during the last planned pass. */
  get lastUsedBlocks(): number {
    return this.#used[this.#passes - 1] as number;
  }

  /** A plan of one pass: the batch may change after it. */
  single(start: RunStart): void {
    this.#passes = 1;
    this.#done = 0;
    this.#startAt = start.startAt;
    this.#jobs = start.jobs;
    this.#ends[0] = start.firstEndAt;
    this.#used[0] = start.usedBlocks;
  }

  /** Declares one sequence with so many computed tokens, before `extend`. */
  addPhase(computed: number): void {
    (this.#phases[computed % this.#blockTokens] as number)++;
  }

  /**
   * Lengthens a single-pass plan while no sequence ends and blocks last. `durationUs(jobs, kvTokens)` prices a
   * pass.
   */
  extend(start: RunStart, durationUs: (jobs: number, kvTokens: number) => number): void {
    const { jobs } = start;
    const blockTokens = this.#blockTokens;
    const limit = Math.min(start.passesMax, PASSES_MAX);
    let available = start.availableBlocks;
    let used = start.usedBlocks;
    let kvTokens = start.kvTokens;
    let endAt = start.firstEndAt;
    let passes = 1;
    let phase = blockTokens - 1;
    while (passes < limit) {
      if (phase < 0) phase = blockTokens - 1;
      const taken = this.#phases[phase--] as number;
      if (taken > available) break;
      available -= taken;
      used += taken;
      kvTokens += jobs;
      endAt += durationUs(jobs, kvTokens);
      this.#ends[passes] = endAt;
      this.#used[passes++] = used;
    }
    this.#passes = passes;
    this.#phases.fill(0);
  }

  /** Makes the pass that runs at `now` (or ends then) the last one. */
  cutAt(now: number): void {
    let last = this.#done;
    while (last < this.#passes - 1 && (this.#ends[last] as number) < now) last++;
    this.#passes = last + 1;
  }

  /**
   * Passes over, in order, those that ended before `now`, the last planned one excepted; `each(startAt, endAt,
   * usedBlocks)` hears of every one. Answers how many.
   */
  advance(now: number, each: (startAt: number, endAt: number, usedBlocks: number) => void): number {
    const from = this.#done;
    while (this.#done < this.#passes - 1 && (this.#ends[this.#done] as number) < now) {
      const startAt = this.#done === 0 ? this.#startAt : (this.#ends[this.#done - 1] as number);
      each(startAt, this.#ends[this.#done] as number, this.#used[this.#done] as number);
      this.#done++;
    }
    return this.#done - from;
  }

  /** End of the last pass that `advance` passed over. */
  get doneAt(): number {
    return this.#ends[this.#done - 1] as number;
  }
}

/** A job inside the engine: how far it is computed, which KV blocks it holds, when its tokens came. */
import { mix32 } from '../kernel/rng.ts';
import type { JobInit, JobView } from './worker.ts';

const NO_CHAIN = new Int32Array(0);

export class Sequence<Owner> implements JobView<Owner> {
  readonly init: JobInit<Owner>;
  /** Unique in this engine; tags private blocks. */
  readonly uid: number;
  /** Tokens to generate: the job's, less what the model length forbids. */
  readonly outputLimit: number;
  generated = 0;
  computedTokens = 0;
  recomputedTokens = 0;
  cachedTokens = 0;
  admitted = false;

  /** Tokens whose KV is computed. */
  computed = 0;
  /** Blocks held, in order. After a preemption the list is kept as `lost`, to look for what is still resident. */
  blocks: number[] = [];
  lost: number[] = [];
  /** Full blocks already published or tagged. */
  published = 0;
  /** Most tokens ever computed at once, for counting recomputation. */
  computedPeak = 0;
  /** Tokens scheduled in the pass that runs now. */
  scheduled = 0;
  /** Given up while a pass runs: it leaves at the end of the pass. */
  cancelled = false;

  lastTokenAt = -1;
  /** Number of the pass in which it got its last token. */
  lastTokenPass = -1;
  /** Token-time hash of finished stretches, and the engine's running sum where the present stretch began. */
  hashSum = 0;
  hashFrom = 0;
  emitting = false;

  /** Hash of the content up to and including each known leading block of the trace's size. */
  readonly #chainLow: Int32Array;
  readonly #chainHigh: Int32Array;

  constructor(init: JobInit<Owner>, uid: number, outputLimit: number) {
    this.init = init;
    this.uid = uid;
    this.outputLimit = outputLimit;
    const ids = init.hashIds;
    this.#chainLow = ids.length === 0 ? NO_CHAIN : new Int32Array(ids.length);
    this.#chainHigh = ids.length === 0 ? NO_CHAIN : new Int32Array(ids.length);
    let low = 0x9e3779b9 | 0;
    let high = init.hashBlockTokens | 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      low = mix32(low ^ mix32(id)) | 0;
      high = mix32(high + mix32(id ^ 0x3c6ef372) + Math.floor(id / 0x1_0000_0000)) | 0;
      this.#chainLow[i] = low;
      this.#chainHigh[i] = high;
    }
  }

  /** Prompt and generated tokens. */
  get known(): number {
    return this.init.promptTokens + this.generated;
  }

  /** Every known token is computed, so that the next pass yields one more. */
  get ready(): boolean {
    return this.computed === this.known - 1 && this.generated > 0;
  }

  get tokenHash(): number {
    return this.hashSum;
  }

  /**
   * Content hash (53 bits) of engine block `index` of `blockTokens` tokens, or -1 when its content is this
   * sequence's own: it reaches past the blocks whose identity is known, or into generated tokens. A block takes the
   * chained hash of the trace block in which it ends, so equal hashes mean equal content whatever the two block
   * sizes are.
   */
  contentHash(index: number, blockTokens: number): number {
    const end = (index + 1) * blockTokens;
    if (end > this.init.promptTokens || this.init.hashBlockTokens === 0) return -1;
    const at = Math.floor((end - 1) / this.init.hashBlockTokens);
    if (at >= this.#chainLow.length) return -1;
    const low = mix32((this.#chainLow[at] as number) ^ Math.imul(index, 0x85ebca6b));
    const high = mix32((this.#chainHigh[at] as number) + index) >>> 11;
    return high * 0x1_0000_0000 + low;
  }
}

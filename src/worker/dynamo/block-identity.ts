/**
 * What the KV blocks of one sequence hold, as numbers that are equal exactly when the content up to a block's end is.
 * Leading prompt blocks of known content are hashed as a chain, so that a block names all that precedes it. Everything
 * else (prompts of unknown content, generated tokens) is the sequence's own and gets a number nobody shares: it can be
 * found again by that sequence only, after a preemption.
 */
import { mix32 } from '../../kernel/rng.ts';

/** Where a chain starts. The mocker salts its own hashes too; only equality matters here. */
const CHAIN_LOW = 0x9e3779b9;
const CHAIN_HIGH = 0x85ebca77;

export class BlockIdentity {
  readonly #blockTokens: number;
  readonly #promptTokens: number;
  readonly #hashBlockTokens: number;
  readonly #ownFrom: number;
  /** Two lanes of the chain, one entry for each known block of the trace's size. */
  readonly #low: Int32Array;
  readonly #high: Int32Array;

  /** `ownFrom`: numbers from it on belong to this sequence alone; ≥ 1. */
  constructor(
    prompt: { readonly promptTokens: number; readonly hashIds: readonly number[]; readonly hashBlockTokens: number },
    blockTokens: number,
    ownFrom: number,
  ) {
    const { hashIds, hashBlockTokens } = prompt;
    this.#blockTokens = blockTokens;
    this.#promptTokens = prompt.promptTokens;
    this.#hashBlockTokens = hashBlockTokens;
    this.#ownFrom = ownFrom;
    this.#low = new Int32Array(hashIds.length);
    this.#high = new Int32Array(hashIds.length);
    let low = mix32(CHAIN_LOW ^ hashBlockTokens);
    let high = mix32(CHAIN_HIGH + hashBlockTokens);
    hashIds.forEach((id, i) => {
      const word = mix32(id) ^ Math.floor(id / 0x1_0000_0000);
      low = mix32(low ^ word);
      high = mix32(Math.imul(high, 31) + word);
      this.#low[i] = low;
      this.#high[i] = high;
    });
  }

  /**
   * Number of block `index`, ≥ 0 (53 bits) for content that others may have, negative for its own. A block takes the
   * chain of the trace block in which it ends: the two block sizes need not divide each other.
   */
  hash(index: number): number {
    const end = (index + 1) * this.#blockTokens;
    const at = this.#hashBlockTokens === 0 ? Infinity : Math.floor((end - 1) / this.#hashBlockTokens);
    if (end > this.#promptTokens || at >= this.#low.length) return -(this.#ownFrom + index);
    const low = mix32((this.#low[at] as number) ^ Math.imul(index, 0x27d4eb2f));
    const high = mix32((this.#high[at] as number) + index) >>> 11;
    return high * 0x1_0000_0000 + low;
  }
}

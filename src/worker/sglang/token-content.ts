/**
 * What the tokens of one request are, as far as common prefixes need it. Its leading tokens may be known by blocks of a
 * trace: they are equal in two requests as long as the chained hashes of those blocks are. From there on (rest of the
 * prompt, generated tokens) the content is the request's own, and equal to nobody's.
 *
 * A chained hash stands for everything up to its block, so where two requests part is found by bisection.
 */
import { mix32 } from '../../kernel/rng.ts';
import type { JobInit } from '../worker.ts';

type Identity = Pick<JobInit<unknown>, 'promptTokens' | 'hashIds' | 'hashBlockTokens'>;

export class TokenContent {
  /** Leading tokens that others may have too. */
  readonly sharedTokens: number;
  readonly #uid: number;
  readonly #blockTokens: number;
  /** Two words of the chained hash of each block. */
  readonly #low: Int32Array;
  readonly #high: Int32Array;

  /** `uid` ≥ 0 is unique among the contents that are compared. */
  constructor({ promptTokens, hashIds, hashBlockTokens }: Identity, uid: number) {
    this.#uid = uid;
    this.#blockTokens = hashBlockTokens;
    this.sharedTokens = Math.min(promptTokens, hashIds.length * hashBlockTokens);
    const blocks = this.sharedTokens === 0 ? 0 : Math.ceil(this.sharedTokens / hashBlockTokens);
    this.#low = new Int32Array(blocks);
    this.#high = new Int32Array(blocks);
    let low = 0x9e3779b9 | 0;
    // Blocks of another size never have a hash in common with these.
    let high = hashBlockTokens | 0;
    for (let i = 0; i < blocks; i++) {
      const id = hashIds[i] as number;
      low = mix32(low ^ mix32(id)) | 0;
      high = mix32(high + mix32(id ^ 0x3c6ef372) + Math.floor(id / 0x1_0000_0000)) | 0;
      this.#low[i] = low;
      this.#high[i] = high;
    }
  }

  /**
   * Names page `index` of `pageTokens` tokens among all pages that may follow one prefix: ≥ 0 (53 bits) when others
   * may have the page, else negative.
   */
  pageKey(index: number, pageTokens: number): number {
    const end = (index + 1) * pageTokens;
    if (end > this.sharedTokens) return -1 - this.#uid;
    const at = Math.floor((end - 1) / this.#blockTokens);
    const low = mix32((this.#low[at] as number) ^ Math.imul(index, 0x85ebca6b));
    const high = mix32((this.#high[at] as number) + index) >>> 11;
    return high * 0x1_0000_0000 + low;
  }

  /** Leading tokens that the two have in common, `limit` at most. */
  commonTokens(other: TokenContent, limit: number): number {
    if (other === this) return limit;
    const shared = Math.min(limit, this.sharedTokens, other.sharedTokens);
    if (shared === 0) return 0;
    let equal = 0;
    let blocks = Math.ceil(shared / this.#blockTokens);
    while (equal < blocks) {
      const middle = (equal + blocks) >>> 1;
      if (this.#low[middle] === other.#low[middle] && this.#high[middle] === other.#high[middle]) equal = middle + 1;
      else blocks = middle;
    }
    return Math.min(shared, equal * this.#blockTokens);
  }
}

/**
 * Identities of a prompt's leading blocks: as the workload has them, or else from its tokens. Two blocks are one where
 * they and all before them hold the same tokens, as in the prefix cache; a last block that is not full has none.
 */

/** Tokens of a block. */
export const HASH_BLOCK_TOKENS = 16;

/** Gives blocks of tokens their identities, from 0 on in order of appearance. */
export class PromptBlocks {
  /** By the identity of the block before (−1: none) and the tokens. */
  readonly #ids = new Map<string, number>();

  idsOf(tokens: readonly number[]): number[] {
    const ids: number[] = [];
    let before = -1;
    for (let end = HASH_BLOCK_TOKENS; end <= tokens.length; end += HASH_BLOCK_TOKENS) {
      const key = `${before}/${tokens.slice(end - HASH_BLOCK_TOKENS, end).join()}`;
      const id = this.#ids.get(key) ?? this.#ids.size;
      this.#ids.set(key, id);
      ids.push(id);
      before = id;
    }
    return ids;
  }
}

/**
 * What a router may know of a prompt's content: its path, one number a block from the front. Equal numbers at equal
 * places, after equal numbers, mean equal content; the numbers are the host's block ids where it knows them, else the
 * prefix key alone, kept apart from block ids by its sign. An unknown prompt has an empty path and matches nothing.
 *
 * The blocks may cover less than the prompt: what is beyond them is shared with nobody. Where a host does not say how
 * many tokens a block has, `auto` takes the blocks for the whole prompt, which is too long for such a prompt; a block
 * size in the configuration is then nearer.
 */
import type { RequestView } from '../types.ts';

/** The request's path; `scratch` is used where the host gives none and is valid until the next call with it. */
export function promptPath(request: RequestView, scratch: number[]): readonly number[] {
  if (request.blockHashes.length > 0) return request.blockHashes;
  scratch.length = 0;
  if (request.prefixKey !== 0) scratch.push(-1 - request.prefixKey);
  return scratch;
}

/** Tokens that one block of the request stands for: as configured, as the host says, or as many as fill the prompt. */
export function tokensPerBlock(request: RequestView, configured: number | 'auto'): number {
  if (configured !== 'auto') return configured;
  if (request.blockTokens > 0) return request.blockTokens;
  return Math.max(1, request.promptTokens) / Math.max(1, request.blockHashes.length);
}

import { describe, expect, it } from 'vitest';
import { PromptBlocks } from '../../src/truth/prompt-blocks.ts';

/** A block of one token, again and again. */
function block(token: number): number[] {
  return Array.from({ length: 16 }, () => token);
}

describe('blocks of a prompt', () => {
  it('are one while they and all before them hold the same tokens', () => {
    const blocks = new PromptBlocks();
    expect(blocks.idsOf([...block(7), ...block(8)])).toEqual([0, 1]);
    expect(blocks.idsOf([...block(7), ...block(9)])).toEqual([0, 2]);
    expect(blocks.idsOf([...block(8)])).toEqual([3]);
    expect(blocks.idsOf([...block(7), ...block(8), ...block(8)])).toEqual([0, 1, 4]);
  });

  it('end with the last full one', () => {
    const blocks = new PromptBlocks();
    expect(blocks.idsOf(block(1).slice(1))).toEqual([]);
    expect(blocks.idsOf([...block(1), 1])).toEqual([0]);
  });
});

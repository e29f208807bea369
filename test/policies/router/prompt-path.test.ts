import { describe, expect, it } from 'vitest';
import { promptPath, tokensPerBlock } from '../../../policies/router/prompt-path.ts';
import { requestView } from '../views.ts';

describe('promptPath', () => {
  const path = (fields: Parameters<typeof requestView>[0], scratch: number[] = []) =>
    promptPath(requestView(fields), scratch);

  it('is the block ids, else the prefix key alone, else empty', () => {
    expect(path({ blockHashes: [3, 0, 7], prefixKey: 5 })).toEqual([3, 0, 7]);
    expect(path({ prefixKey: 5 }, [1, 2, 3])).toHaveLength(1);
    expect(path({}, [1, 2, 3])).toEqual([]);
  });

  it('keeps prefix keys apart from each other and from every block id', () => {
    const places = [1, 2, 3, 2 ** 32].map((prefixKey) => path({ prefixKey })[0] as number);
    expect(new Set(places).size).toBe(4);
    expect(Math.max(...places)).toBeLessThan(0);
  });
});

describe('tokensPerBlock', () => {
  const size = (configured: number | 'auto', blockTokens: number, promptTokens: number, blocks = 4) =>
    tokensPerBlock(requestView({ blockTokens, promptTokens, blockHashes: Array<number>(blocks).fill(1) }), configured);

  it.each([
    ['the configured size first', 32, 16, 1000, 32],
    ['what the host says', 'auto', 16, 1000, 16],
    ['as many as fill the prompt, if nobody says', 'auto', 0, 1000, 250],
    ['a part of one token for a prompt of unknown length', 'auto', 0, -1, 0.25],
  ] as const)('is %s', (_case, configured, blockTokens, promptTokens, tokens) => {
    expect(size(configured, blockTokens, promptTokens)).toBe(tokens);
  });

  it('is the whole prompt without blocks', () => {
    expect(size('auto', 0, 1000, 0)).toBe(1000);
  });
});

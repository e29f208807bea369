import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenContent } from '../../../src/worker/sglang/token-content.ts';
import { job } from '../shapes.ts';
import { pageTexts, tokenTexts } from './reference-tree.ts';

function content(uid: number, promptTokens: number, hashIds: readonly number[], hashBlockTokens = 4): TokenContent {
  return new TokenContent({ promptTokens, hashIds, hashBlockTokens }, uid);
}

describe('TokenContent', () => {
  it('has tokens in common up to the first block that differs', () => {
    const first = content(1, 100, [1, 2, 3, 4, 5]);
    expect(first.commonTokens(content(2, 100, [1, 2, 3, 9, 5]), 100)).toBe(12);
    expect(first.commonTokens(content(2, 100, [9, 2, 3, 4, 5]), 100)).toBe(0);
    expect(first.commonTokens(content(2, 100, [1, 2, 3, 4, 5]), 100)).toBe(20);
    expect(first.commonTokens(content(2, 100, [1, 2, 3, 4, 5]), 7)).toBe(7);
    expect(first.commonTokens(first, 1000)).toBe(1000);
  });

  it('shares nothing beyond the shorter prompt or the known blocks, and nothing between block sizes', () => {
    expect(content(1, 10, [1, 2, 3]).commonTokens(content(2, 11, [1, 2, 3]), 100)).toBe(10);
    expect(content(1, 10, [1]).commonTokens(content(2, 11, [1, 2]), 100)).toBe(4);
    expect(content(1, 8, [1, 2], 4).commonTokens(content(2, 8, [1, 2], 2), 100)).toBe(0);
    expect(content(1, 10, []).commonTokens(content(2, 10, []), 100)).toBe(0);
  });

  it('tells large ids apart by all their bits', () => {
    const high = 2 ** 40;
    expect(content(1, 8, [7, high]).commonTokens(content(2, 8, [7, high * 2]), 8)).toBe(4);
    expect(content(1, 8, [high]).commonTokens(content(2, 8, [0]), 8)).toBe(0);
  });

  it('names a page alike in two contents exactly when all tokens up to its end are alike', () => {
    const ids = fc.array(fc.nat({ max: 1 }), { maxLength: 6, size: 'max' });
    const one = fc.record({ promptTokens: fc.integer({ min: 1, max: 20 }), ids });
    const met = { alike: 0, different: 0 };
    const sizes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }));
    const property = fc.property(one, one, sizes, (a, b, [block, page]) => {
      const jobs = [job(1, a.promptTokens, 9, a.ids, block), job(2, b.promptTokens, 9, b.ids, block)] as const;
      const [left, right] = jobs.map((each, uid) => new TokenContent(each, uid)) as [TokenContent, TokenContent];
      const [texts, others] = jobs.map((each) => tokenTexts(each, 24)) as [string[], string[]];
      let common = 0;
      while (common < 24 && texts[common] === others[common]) common++;
      expect(left.commonTokens(right, 24)).toBe(common);
      for (let i = 0; i < pageTexts(texts, page).length; i++) {
        const alike = (i + 1) * page <= common;
        expect(left.pageKey(i, page) === right.pageKey(i, page)).toBe(alike);
        met[alike ? 'alike' : 'different']++;
      }
    });
    fc.assert(property, { seed: 20260813, numRuns: 2000 });
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(1000);
  });
});

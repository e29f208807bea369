/** What counts as tokens sent, until when, and which of two equals is taken. */
import { describe, expect, it } from 'vitest';
import { dpMinTokens, DpMinTokens, tokensOfWords } from '../../../policies/router/dp-min-tokens.ts';
import type { AttemptView } from '../../../policies/types.ts';
import { loadReport, requestView, workerView } from '../views.ts';

const make = (variant = '') =>
  new DpMinTokens(dpMinTokens.config.parse({ name: 'dp-min-tokens', ...dpMinTokens.variants[variant] }));

function granted(router: DpMinTokens, worker: number, promptTokens: number, id = 0): AttemptView {
  const request = requestView({ id, promptTokens });
  const attempt = { id, request, worker: workerView({ index: worker }), startedAt: 0 };
  router.granted(0, attempt);
  return attempt;
}

describe('tokensOfWords', () => {
  it.each([
    [0, 1],
    [1, 2],
    [3, 4],
    [10, 13],
    [100, 130],
  ])('takes %d words for %d tokens', (words, tokens) => {
    expect(tokensOfWords(words)).toBe(tokens);
  });
});

describe('DpMinTokens', () => {
  it.each([
    [-1, 1],
    [0, 1],
    [1, 1],
    [7, 7],
  ])('counts a prompt of %d tokens as %d, and takes as many back', (promptTokens, tokens) => {
    const router = make();
    granted(router, 0, 50);
    const attempt = granted(router, 0, promptTokens, 1);
    expect(router.tokens(0)).toBe(50 + tokens);
    router.settled(0, attempt);
    expect(router.tokens(0)).toBe(50);
  });

  it('takes the lowest index of equals, whatever the candidates’ order', () => {
    const candidates = [3, 1, 2].map((index) => workerView({ index }));
    const router = make();
    expect(router.pick(0, requestView(), candidates)).toBe(1);
    granted(router, 1, 5);
    expect(router.pick(0, requestView(), candidates)).toBe(2);
    granted(router, 2, 4);
    expect(router.pick(0, requestView(), candidates)).toBe(0);
    granted(router, 3, 6);
    expect(router.pick(0, requestView(), candidates)).toBe(2);
  });

  it('counts a lease on a worker that left until it ends, and never less than nothing', () => {
    const router = make();
    const attempt = granted(router, 0, 100);
    router.discovered(0, [1]);
    expect(router.tokens(0)).toBe(100);
    for (let times = 0; times < 2; times++) router.settled(0, attempt);
    expect(router.tokens(0)).toBe(0);
  });

  it('ignores reports', () => {
    const router = make();
    granted(router, 0, 100);
    router.reported(0, 0, 0, loadReport({ prefillTokens: 7 }));
    expect(router.tokens(0)).toBe(100);
  });
});

describe('DpMinTokens smg-2026-08-07', () => {
  it('adds to the last report, and forgets workers that left with what their ranks reported', () => {
    const router = make('smg-2026-08-07');
    for (const worker of [0, 1]) router.reported(0, worker, 0, loadReport({ prefillTokens: 7 }));
    granted(router, 0, 100);
    granted(router, 1, 100);
    router.discovered(0, [0]);
    expect([0, 1].map((worker) => router.tokens(worker))).toEqual([107, 0]);
    for (const worker of [0, 1]) router.reported(0, worker, 1, loadReport({ prefillTokens: 8 }));
    expect([0, 1].map((worker) => router.tokens(worker))).toEqual([15, 8]);
  });
});

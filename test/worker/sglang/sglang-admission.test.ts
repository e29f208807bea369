import { describe, expect, it } from 'vitest';
import type { SglangConfig } from '../../../src/worker/sglang/sglang-config.ts';
import { cancel, job, submit } from '../shapes.ts';
import { logOf, sglangConfig, tokenTimes } from './shapes.ts';

/** First tokens by owner. */
function firstTokens(config: SglangConfig, ...commands: Parameters<typeof tokenTimes>[1][]): Record<string, number> {
  const times = Object.entries(tokenTimes(config, ...commands));
  return Object.fromEntries(times.map(([owner, [first]]) => [owner, first as number]));
}

describe('SglangEngine: what fits', () => {
  const pool = sglangConfig({ blocks: 100 });

  it('admits beside another only what is strictly less than the rest of the pool', () => {
    // The first takes 50 + 20 and a page of 100, which leaves 29. The second needs 10 + 17 and a page, then 29.
    const first = submit(0, job(1, 50, 20));
    expect(firstTokens(pool, first, submit(0, job(2, 10, 17)))).toEqual({ 1: 760, 2: 760 });
    expect(firstTokens(pool, first, submit(0, job(2, 10, 18)))).toEqual({ 1: 650, 2: 650 + 210 });
  });

  it('reserves a share of the remaining output of those running', () => {
    // A ratio of 1: of the 50 tokens that are not in use 19 are reserved, which leaves 31.
    const careful = { ...pool, conservativeness: 2 };
    const first = submit(0, job(1, 50, 20));
    expect(firstTokens(careful, first, submit(0, job(2, 10, 19)))).toEqual({ 1: 650, 2: 860 });
    // With 20 it waits for all 19 decode passes, 110 + 51, 52, … 69 each.
    expect(firstTokens(careful, first, submit(0, job(2, 10, 20)))).toEqual({ 1: 650, 2: 650 + 3230 + 210 });
    // At 0.7, less what a pass decodes, 13.3 are reserved.
    expect(firstTokens(pool, first, submit(0, job(2, 10, 25)))).toEqual({ 1: 650, 2: 860 });
    expect(firstTokens(pool, first, submit(0, job(2, 10, 26)))).toEqual({ 1: 650, 2: 650 + 3230 + 210 });
  });

  it('reserves no more than the clip for one request', () => {
    const clipped = { ...pool, clipNewTokens: 5 };
    // 50 + 5 + 1 leaves 44, more than 38 + 5 and not more than 39 + 5.
    expect(firstTokens(clipped, submit(0, job(1, 50, 20)), submit(0, job(2, 37, 20)))).toEqual({ 1: 1057, 2: 1057 });
    expect(firstTokens(clipped, submit(0, job(1, 50, 20)), submit(0, job(2, 38, 20)))).toEqual({ 1: 650, 2: 1168 });
  });

  it('counts a page for each request, and prompts by whole pages', () => {
    const paged = sglangConfig({ blocks: 25, blockTokens: 4 });
    // 52 + 20 + 4 leave 24 of 100; the second needs 10 + 9 + 4, then 10 + 10 + 4.
    expect(firstTokens(paged, submit(0, job(1, 50, 20)), submit(0, job(2, 10, 9)))).toEqual({ 1: 760, 2: 760 });
    expect(firstTokens(paged, submit(0, job(1, 50, 20)), submit(0, job(2, 10, 10)))).toEqual({ 1: 650, 2: 860 });
  });

  it('counts what another uses as no room, and a prefix found in use as no need', () => {
    const ids = Array.from({ length: 10 }, (_, i) => i);
    const first = submit(0, job(1, 40, 20, ids));
    // From 540 on 40 pages are in use and 13.3 tokens reserved, which leaves 46.7: too little for 40 + 20 and a page.
    expect(firstTokens(pool, first, submit(1, job(2, 40, 20)))[2]).toBe(540 + 3040 + 540);
    expect(firstTokens(pool, first, submit(1, job(2, 40, 20, ids)))[2]).toBe(540 + 100 + 10 + 40);
  });

  it('asks for all of a prompt before its first chunk, or for the chunk alone', () => {
    const first = submit(0, job(1, 100, 20));
    const second = submit(0, job(2, 190, 1));
    const cut = sglangConfig({ blocks: 300 });
    // All passes of the first, then two of the second.
    expect(firstTokens(cut, first, second)).toEqual({ 1: 1200, 2: 1200 + 4180 + 1200 + 1190 });
    expect(firstTokens({ ...cut, reservation: 'chunk' }, first, second)).toEqual({ 1: 1200, 2: 1200 + 1200 + 1190 });
  });
});

describe('SglangEngine: who is tried', () => {
  const pool = sglangConfig({ blocks: 100 });

  it('stops at the first that does not fit', () => {
    const commands = [submit(0, job(1, 50, 5)), submit(0, job(2, 60, 5)), submit(0, job(3, 2, 1))];
    const times = firstTokens(pool, ...commands);
    // 650, four decode passes of 161 to 164, then the other two.
    expect(times).toEqual({ 1: 650, 2: 650 + 650 + 100 + 620 + 62, 3: 2082 });
  });

  it('tries nobody again before one of those running leaves', () => {
    const commands = [submit(0, job(1, 50, 5)), submit(1, job(2, 60, 5)), cancel(700, 2)];
    // What has come since would fit at once.
    expect(firstTokens(pool, ...commands, submit(750, job(3, 2, 1)))[3]).toBe(1300 + 122);
    expect(firstTokens(pool, submit(0, job(1, 50, 5)), submit(750, job(3, 2, 1)))[3]).toBe(811 + 122);
  });

  it('tries nobody again when prompts by whole pages have used up what was left', () => {
    const paged = sglangConfig({ blocks: 25, blockTokens: 4 });
    // 88 tokens less 13.3 are more than 41 + 29 + 4 and not more than 44 + 29 + 4. Later 1 + 1 + 4 would fit.
    const commands = [submit(0, job(1, 10, 20)), submit(1, job(2, 41, 29)), submit(300, job(3, 1, 1))];
    // It comes after all 19 decode passes of the first, 173, 175, … 209.
    expect(firstTokens(paged, ...commands)).toEqual({ 1: 210, 2: 761, 3: 761 + 3629 + 111 });
    const roomy = [submit(0, job(1, 10, 20)), submit(1, job(2, 41, 26)), submit(300, job(3, 1, 1))];
    expect(firstTokens(paged, ...roomy)[3]).toBe(761 + 111);
  });

  it('takes no more than there are slots, those with a prompt begun included', () => {
    const config = sglangConfig({ maxRunning: 2 });
    const commands = [submit(0, job(1, 5, 2)), submit(0, job(2, 5, 3)), submit(0, job(3, 5, 1))];
    // Both prompts 210, both decode 132, then the third 155 before the second decodes on.
    expect(tokenTimes(config, ...commands)).toEqual({ 1: [210, 342], 2: [210, 342, 614], 3: [497] });
  });

  it('tries the longest cached prefix first, and last who begins like one that waits', () => {
    const long = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const warm = submit(0, job(1, 40, 1, long));
    const busy = submit(1000, job(2, 5, 2));
    const waiting = [
      submit(1001, job(3, 40, 1)),
      submit(1001, job(4, 40, 1, long.slice(0, 5))),
      submit(1001, job(5, 40, 1, [20, 21, 22, 23, 24, 25, 26, 27])),
      submit(1001, job(6, 40, 1, [20, 21, 22, 23, 24, 25, 26, 27])),
      submit(1001, job(7, 40, 1, long)),
    ];
    const order = (config: SglangConfig): string[] => {
      const times = Object.entries(firstTokens(config, warm, busy, ...waiting));
      return times.sort((a, b) => a[1] - b[1]).map(([owner]) => owner);
    };
    const one = sglangConfig({ maxRunning: 1 });
    expect(order(one)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    // When 5 has its prompt cached, 6 finds all of it.
    expect(order({ ...one, order: 'lpm' })).toEqual(['1', '2', '7', '4', '3', '5', '6']);
    // With slots for all, one pass from 1155 on takes them in this order while its 100 tokens last: 1, 20, 40 and 39.
    const pass = { ...one, maxRunning: 8, order: 'lpm' } as const;
    const end = 1155 + 100 + 1000 + 159;
    expect(firstTokens(pass, warm, busy, ...waiting)).toMatchObject({ 7: end, 4: end, 3: end });
  });
});

describe('SglangEngine: what is refused', () => {
  it('refuses what could never be admitted alone, a page and a token in reserve', () => {
    const status = (config: SglangConfig, prompt: number, output: number): unknown =>
      logOf(config, submit(0, job(1, prompt, output)))[0]?.[3];
    const pool = sglangConfig({ blocks: 100 });
    expect([status(pool, 97, 9), status(pool, 98, 9)]).toEqual([0, 400]);
    expect([status(pool, 98, 0), status(pool, 99, 0)]).toEqual([0, 400]);
    const paged = sglangConfig({ blocks: 25, blockTokens: 4 });
    expect([status(paged, 94, 9), status(paged, 95, 9)]).toEqual([0, 400]);
    const short = sglangConfig({ maxModelTokens: 50 });
    expect([status(short, 49, 9), status(short, 50, 9), status(short, 50, 0)]).toEqual([0, 400, 0]);
  });

  it('ends generation where the pool or the model ends', () => {
    expect(tokenTimes(sglangConfig({ blocks: 20 }), submit(0, job(1, 10, 50)))[1]).toHaveLength(8);
    expect(tokenTimes(sglangConfig({ maxModelTokens: 15 }), submit(0, job(1, 10, 50)))[1]).toHaveLength(5);
  });

  it('refuses with 503 what would wait beyond the bound', () => {
    const commands = [0, 10, 20, 30].map((at, i) => submit(at, job(i, 5, 1)));
    const log = logOf(sglangConfig({ maxRunning: 1, maxWaiting: 2 }), ...commands);
    expect(log.filter(([kind]) => kind === 'submit').map((entry) => entry[3])).toEqual([0, 0, 0, 503]);
  });
});

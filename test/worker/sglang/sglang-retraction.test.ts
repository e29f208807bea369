import { describe, expect, it } from 'vitest';
import { job, submit } from '../shapes.ts';
import { planned, type SglangRun, sglangConfig } from './shapes.ts';

/** Admits carelessly: one token of output is reserved for a request, and next to nothing for those running. */
const careless = sglangConfig({ blocks: 20, clipNewTokens: 1, conservativeness: 0.1 });

function tokensOf(run: SglangRun): Record<number, number[]> {
  return Object.fromEntries(run.driver.run().tokens);
}

/** Tokens that a request computed a second time. */
function recomputed(run: SglangRun, owner: number): number {
  const end = run.driver.log.find(([kind, , of]) => kind === 'finished' && of === owner);
  return (JSON.parse(String(end?.[3])) as { recomputedTokens: number }).recomputedTokens;
}

describe('SglangEngine: retraction', () => {
  it('retracts the first of those with the fewest tokens when decoding finds no page', () => {
    const run = planned(careless, [submit(0, job(1, 6, 10)), submit(0, job(2, 6, 10))]);
    // Both prompts 232; both decode until 20 pages are in use. The first gives way with five tokens. It needs 7 of the
    // pool, too many until the other ends; that takes the cached prompt of the first at last, which then computes all
    // 11 tokens, 10 of them once more.
    expect(tokensOf(run)).toEqual({
      1: [232, 366, 502, 640, 780, 1616, 1738, 1861, 1985, 2110],
      2: [232, 366, 502, 640, 780, 901, 1023, 1146, 1270, 1395],
    });
    expect(run.engine.totals).toMatchObject({ preemptions: 1, recomputedTokens: 10, promptTokens: 12 });
  });

  it('keeps the prefix cached, and frees what was generated', () => {
    const run = planned(careless, [submit(0, job(1, 6, 10)), submit(0, job(2, 6, 7))]);
    // The other ends at 1023 before it needs the 6 cached pages: 5 of 11 tokens are computed, 4 of them again.
    expect(tokensOf(run)[1]).toEqual([232, 366, 502, 640, 780, 1184, 1306, 1429, 1553, 1678]);
    expect(run.engine.totals).toMatchObject({ preemptions: 1, recomputedTokens: 4 });
  });

  it('retracts a later one that has fewer tokens', () => {
    const later = [submit(0, job(1, 6, 12)), submit(170, job(2, 6, 12))];
    const run = planned(careless, later);
    run.driver.run();
    // The second has four tokens then, the first five: 6 + 3 of its 10 are computed again.
    expect(run.engine.totals.preemptions).toBe(1);
    expect([recomputed(run, 1), recomputed(run, 2)]).toEqual([0, 9]);
  });

  it('puts it before those that wait', () => {
    const slots = { ...careless, maxRunning: 2 };
    const run = planned(slots, [submit(0, job(1, 6, 10)), submit(0, job(2, 6, 7)), submit(1, job(3, 6, 1))]);
    const times = tokensOf(run);
    // 5 of its 11 tokens from 1023 on; the third, which would have fitted before it, fits only behind.
    expect([times[1]?.[5], times[3]?.[0]]).toEqual([1023 + 161, 1184 + 166]);
  });

  it('lets the last one running give way to a prompt that is cut', () => {
    // The first chunk of the second is admitted beside the first, which then finds no page for its next token.
    const config = sglangConfig({ blocks: 24, chunkedPrefillTokens: 5, clipNewTokens: 1, reservation: 'chunk' });
    const commands = [submit(0, job(1, 10, 10)), submit(1, job(2, 20, 1))];
    const run = planned({ ...config, conservativeness: 0.1 }, commands, true);
    const times = tokensOf(run);
    expect(times[1]).toHaveLength(10);
    expect(times[2]).toHaveLength(1);
    expect(run.engine.totals.preemptions).toBeGreaterThan(0);
  });
});

describe('SglangEngine: the ratio', () => {
  const wide = { blocks: 3000, maxPrefillTokens: 4000, chunkedPrefillTokens: 4000 };
  const config = sglangConfig({ ...wide, conservativeness: 2 });
  const long = submit(0, job(1, 100, 2000));

  it('decays with every decode pass and lets in what did not fit before', () => {
    // After n passes 2900 − n tokens are not in use, and (1 − 0.86 n ÷ 600) · (1999 − n) of them are reserved. 1002 are
    // needed: too many after 35 passes, at 9180, and not after 36, at 9426. Refused, it waits for the end of the other.
    const first = (at: number): number | undefined =>
      tokensOf(planned(config, [long, submit(at, job(2, 1000, 1))], true))[2]?.[0];
    expect(first(9179)).toBeGreaterThan(2_000_000);
    expect(first(9181)).toBe(9426 + 100 + 10_000 + 1000);
  });

  it('starts again when the engine was idle', () => {
    const before = submit(0, job(3, 10, 700));
    const at = 500_000;
    const second = [submit(at, job(1, 100, 2000)), submit(at + 1, job(2, 1000, 1))];
    const times = tokensOf(planned(config, [before, ...second], true));
    expect(times[3]?.at(-1)).toBeLessThan(at);
    expect(times[2]?.[0]).toBeGreaterThan(2_000_000);
  });
});

import { describe, expect, it } from 'vitest';
import { PHASE } from '../../../src/kernel/event-queue.ts';
import type { WorkerCommand } from '../../harness/worker-driver.ts';
import { cancel, job, submit } from '../shapes.ts';
import { logOf, planned, sglangConfig, tokenTimes } from './shapes.ts';

const read = (at: number): WorkerCommand => ({ kind: 'read', at });
const crash = (at: number): WorkerCommand => ({ kind: 'crash', at });

describe('SglangEngine: passes', () => {
  it('prefills, then decodes a token a pass', () => {
    expect(tokenTimes(sglangConfig(), submit(0, job(1, 5, 3)))[1]).toEqual([155, 155 + 116, 155 + 116 + 117]);
  });

  it('prefills together and decodes together', () => {
    const both = [submit(0, job(1, 5, 3)), submit(0, job(2, 3, 3))];
    expect(tokenTimes(sglangConfig(), ...both)).toEqual({ 1: [188, 318, 450], 2: [188, 318, 450] });
  });

  it('lets those running pause while a prompt is computed', () => {
    // The second comes in the midst of a decode pass; its prompt takes 133 from 271 on.
    const { driver, gaps } = planned(sglangConfig(), [submit(0, job(1, 5, 4)), submit(160, job(2, 3, 2))], true);
    driver.run();
    expect(gaps.sorted()).toEqual([[116, 1], [118, 1], [131, 1], [264, 1]]);
    const times = tokenTimes(sglangConfig(), submit(0, job(1, 5, 4)), submit(160, job(2, 3, 2)));
    expect(times).toEqual({ 1: [155, 271, 535, 653], 2: [404, 535] });
  });

  it('decodes in prefill passes when they are mixed', () => {
    const times = tokenTimes(sglangConfig({ mixedChunk: true }), submit(0, job(1, 5, 4)), submit(160, job(2, 3, 2)));
    expect(times).toEqual({ 1: [155, 271, 421, 553], 2: [421, 553] });
  });

  it('cuts a long prompt, and fills up its last pass with the next one', () => {
    const long = submit(0, job(1, 250, 1));
    expect(tokenTimes(sglangConfig(), long)).toEqual({ 1: [1200 + 1300 + 850] });
    // 50 and 50 of 60, with 250 + 50 tokens of context; then the other 10.
    expect(tokenTimes(sglangConfig(), long, submit(0, job(2, 60, 1)))).toEqual({ 1: [3900], 2: [3900 + 260] });
  });

  it('cuts at whole pages', () => {
    // Of a budget of 100 the first takes 12, three pages for its 10 tokens; of the other's 97 tokens 88 come with it.
    const times = tokenTimes(sglangConfig({ blockTokens: 4 }), submit(0, job(1, 10, 1)), submit(0, job(2, 97, 1)));
    expect(times).toEqual({ 1: [100 + 980 + 98], 2: [1178 + 100 + 90 + 97] });
  });

  it('computes an uncut prompt above the pass alone, and otherwise no more than fits', () => {
    const config = sglangConfig({ chunkedPrefillTokens: Infinity, maxPrefillTokens: 50 });
    const times = tokenTimes(config, submit(0, job(1, 80, 1)), submit(0, job(2, 30, 1)), submit(0, job(3, 21, 1)));
    expect(times).toEqual({ 1: [980], 2: [980 + 430], 3: [980 + 430 + 331] });
  });

  it('completes a request without output at the end of its prefill', () => {
    expect(logOf(sglangConfig(), submit(0, job(1, 5, 0)))).toEqual([
      ['submit', 0, 1, 0],
      ['finished', 155, 1, expect.stringContaining('"generated":0,"computedTokens":5,')],
    ]);
  });
});

describe('SglangEngine: prefix cache', () => {
  it('finds whole pages of a finished request, and computes one token at least', () => {
    const config = sglangConfig({ blockTokens: 4 });
    const first = submit(0, job(1, 10, 1, [1, 2, 3]));
    // 8 of 10 tokens found; then all 8 of 8 but the last page.
    expect(tokenTimes(config, first, submit(1000, job(2, 10, 1, [1, 2, 3])))[2]).toEqual([1000 + 100 + 20 + 10]);
    expect(tokenTimes(config, first, submit(1000, job(2, 8, 1, [1, 2])))[2]).toEqual([1000 + 100 + 40 + 8]);
    expect(tokenTimes(config, first, submit(1000, job(2, 10, 1, [1, 9, 3])))[2]).toEqual([1000 + 100 + 60 + 10]);
  });

  it('finds nothing of a prompt that is computed in the same pass, and keeps one copy', () => {
    const twins = [submit(0, job(1, 10, 2, [1, 2, 3])), submit(0, job(2, 10, 2, [1, 2, 3]))];
    const { driver, engine } = planned(sglangConfig({ blockTokens: 2 }), twins);
    driver.run(319);
    expect(engine.gauges().kvUsedBlocks).toBe(10);
    driver.run(320);
    expect(engine.gauges().kvUsedBlocks).toBe(5 + 2);
    expect(engine.totals.prefixHitTokens).toBe(0);
  });

  it('keeps nothing without it', () => {
    const config = sglangConfig({ blockTokens: 4, prefixCache: false });
    const twice = [submit(0, job(1, 10, 1, [1, 2, 3])), submit(1000, job(2, 10, 1, [1, 2, 3]))];
    expect(tokenTimes(config, ...twice)).toEqual({ 1: [210], 2: [1210] });
  });

  it('evicts cached pages for new ones', () => {
    const config = sglangConfig({ blocks: 30 });
    const first = [submit(0, job(1, 20, 1, [1, 2, 3, 4, 5])), submit(1000, job(2, 20, 1))];
    const times = tokenTimes(config, ...first, submit(2000, job(3, 20, 1, [1, 2, 3, 4, 5])));
    expect(times[3]).toEqual([2000 + 100 + 200 + 20]);
  });
});

describe('SglangEngine: cancel and crash', () => {
  it('lets a cancelled request keep its place until the pass ends', () => {
    const { driver, engine } = planned(sglangConfig(), [submit(0, job(1, 5, 3)), cancel(200, 1), read(200)], true);
    driver.run(200);
    expect(driver.log.at(-2)).toEqual(['cancel', 200, 1, expect.stringContaining('"generated":1,"computedTokens":6,')]);
    expect(engine.held()).toEqual({ running: 1, waiting: 0, kvBlocks: 6 });
    driver.run();
    expect(driver.now).toBe(271);
    expect(engine.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
  });

  it('keeps what a cancelled request computed in the cache', () => {
    const again = submit(1000, job(2, 12, 1, [1, 2, 3]));
    // Given up at 50, in the midst of its only pass.
    const times = tokenTimes(sglangConfig(), submit(0, job(1, 12, 3, [1, 2, 3])), cancel(50, 1), again);
    expect(times).toEqual({ 1: [], 2: [1000 + 100 + 10 + 12] });
  });

  it('answers a cancellation at the instant of the last token with nothing', () => {
    for (const phase of [PHASE.io, PHASE.arrival] as const) {
      const log = logOf(sglangConfig(), submit(0, job(1, 5, 3)), cancel(388, 1, phase));
      expect(log.map((entry) => entry.slice(0, 3))).toContainEqual(['finished', 388, 1]);
      expect(log.find(([kind]) => kind === 'cancel')).toEqual(['cancel', 388, 1, undefined]);
    }
  });

  it('loses everything in a crash, the cache and the pass that runs included', () => {
    const first = submit(0, job(1, 10, 5, [1, 2, 3]));
    const second = submit(50, job(2, 10, 1));
    const { driver, engine } = planned(sglangConfig({ maxRunning: 1 }), [first, second, crash(215)], true);
    driver.run(215);
    expect(driver.log.slice(-2).map((entry) => entry.slice(0, 3))).toEqual([['crash', 215, 1], ['crash', 215, 2]]);
    expect(engine.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
    expect(engine.nextAt()).toBe(Infinity);
    const again = submit(300, job(3, 10, 1, [1, 2, 3]));
    expect(tokenTimes(sglangConfig(), first, crash(215), again)[3]).toEqual([300 + 210]);
  });
});

describe('SglangEngine: slow-down and pause', () => {
  it('stretches the passes begun from then on and no other', () => {
    for (const fastForward of [false, true]) {
      const commands: WorkerCommand[] = [submit(0, job(1, 5, 5)), { kind: 'slow', at: 50, factor: 2 }];
      commands.push({ kind: 'slow', at: 400, factor: 1 });
      const { driver, gaps } = planned(sglangConfig(), commands, fastForward);
      expect(driver.run().log.at(-1)?.slice(0, 3)).toEqual(['finished', 155 + 232 + 234 + 118 + 119, 1]);
      expect(gaps.sorted()).toEqual([[118, 1], [119, 1], [232, 1], [234, 1]]);
    }
  });

  it('stands still in a pause, in the midst of a pass or between two', () => {
    const paused = (at: number): number[] | undefined =>
      tokenTimes(sglangConfig(), submit(0, job(1, 5, 3)), { kind: 'pause', at, forUs: 70 })[1];
    expect(paused(200)).toEqual([155, 341, 458]);
    expect(paused(155)).toEqual([225, 341, 458]);
    expect(paused(0)).toEqual([225, 341, 458]);
  });
});

describe('SglangEngine: what it shows', () => {
  it('gauges what is in use, not what is cached', () => {
    for (const fastForward of [false, true]) {
      const commands = [submit(0, job(1, 5, 9)), submit(50, job(2, 9, 1)), read(300), read(2000)];
      const { driver, engine } = planned(sglangConfig({ maxRunning: 1 }), commands, fastForward);
      const fixed = { kvTotalBlocks: 400, maxBatchedTokens: 100, maxRunning: 1 };
      driver.run(60);
      const begun = { running: 1, waiting: 1, kvUsedBlocks: 5, decodeBlocks: 0, waitingPromptTokens: 9, ...fixed };
      expect(engine.gauges()).toEqual(begun);
      driver.run(300);
      expect(engine.gauges()).toEqual({ ...begun, kvUsedBlocks: 7, decodeBlocks: 7 });
      driver.run(2000);
      const rest = { running: 0, waiting: 0, kvUsedBlocks: 0, decodeBlocks: 0, waitingPromptTokens: 0, ...fixed };
      expect(engine.gauges()).toEqual(rest);
    }
  });

  it('integrates blocks, running, waiting and busy time', () => {
    for (const fastForward of [false, true]) {
      const commands = [submit(0, job(1, 5, 3)), submit(50, job(2, 3, 1))];
      const { driver, engine } = planned(sglangConfig({ maxRunning: 1 }), commands, fastForward);
      driver.run();
      // 5, 6 and 7 pages for 155, 116 and 117; then 3 for 133. The second waits from 50 until 388.
      expect(engine.totals).toEqual({
        iterations: 4, preemptions: 0, promptTokens: 8, prefixHitTokens: 0, generatedTokens: 4, recomputedTokens: 0,
        busyUs: 521, runningUs: 521, waitingUs: 338, kvBlockUs: 5 * 155 + 6 * 116 + 7 * 117 + 3 * 133, kvBlocksMax: 7,
      });
    }
  });

  it('refuses sizes that are no whole pages', () => {
    expect(() => planned(sglangConfig({ blockTokens: 3 }), [])).toThrow('multiple of the page');
    const small = sglangConfig({ blockTokens: 4, chunkedPrefillTokens: Infinity, maxPrefillTokens: 3 });
    expect(() => planned(small, [])).toThrow('less than a page');
  });
});

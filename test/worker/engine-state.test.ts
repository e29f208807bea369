import { describe, expect, it } from 'vitest';
import { cancel, engineConfig, job, logOf, planned, submit, tokenTimes } from './shapes.ts';
import type { WorkerCommand } from '../harness/worker-driver.ts';

const both = [submit(0, job(1, 5, 3)), submit(0, job(2, 3, 3))];
const crash = (at: number): WorkerCommand => ({ kind: 'crash', at });
const read = (at: number): WorkerCommand => ({ kind: 'read', at });
const slow = (at: number, factor: number): WorkerCommand => ({ kind: 'slow', at, factor });

describe('Engine: crash', () => {
  it('answers every job, running or waiting, and holds nothing', () => {
    const commands = [...both, submit(0, job(3, 2, 1)), crash(200)];
    const { driver, engine } = planned(engineConfig({ maxRunning: 2 }), commands, true);
    driver.run();
    expect(driver.log.filter(([kind]) => kind === 'crash').map((entry) => entry[2])).toEqual([1, 2, 3]);
    expect(engine.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
    expect(engine.nextAt()).toBe(Infinity);
    const none = { running: 0, waiting: 0, kvUsedBlocks: 0, decodeBlocks: 0, waitingPromptTokens: 0 };
    expect(engine.gauges()).toMatchObject(none);
  });

  it('loses the pass that runs, also one that ends at that instant', () => {
    for (const [at, generated] of [[187, 0], [188, 0], [189, 1], [318, 1], [319, 2]] as const) {
      const log = logOf(engineConfig(), ...both, crash(at));
      expect(log.at(-1)).toEqual(['crash', at, 2, expect.stringContaining(`"generated":${generated},`)]);
    }
  });

  it('answers no job that was cancelled before', () => {
    const log = logOf(engineConfig(), ...both, cancel(200, 1), crash(210));
    expect(log.filter(([kind]) => kind === 'crash').map((entry) => entry[2])).toEqual([2]);
  });

  it('serves again afterwards, with an empty cache', () => {
    const first = submit(0, job(1, 10, 1, [1, 2, 3]));
    const times = tokenTimes(engineConfig(), first, crash(1000), submit(1000, job(2, 10, 1, [1, 2, 3])));
    expect(times).toEqual({ 1: [210], 2: [1210] });
    expect(tokenTimes(engineConfig(), ...both, crash(200), submit(300, job(3, 5, 2)))[3]).toEqual([455, 571]);
  });
});

describe('Engine: slow-down', () => {
  it('stretches the passes begun from then on and no other', () => {
    for (const fastForward of [false, true]) {
      const commands = [submit(0, job(1, 5, 5)), slow(50, 2), slow(400, 1)];
      const { driver, gaps } = planned(engineConfig(), commands, fastForward);
      // 155; twice 116; twice 117, begun before 400; then 118 and 119.
      expect(driver.run().log.at(-1)?.slice(0, 3)).toEqual(['finished', 155 + 232 + 234 + 118 + 119, 1]);
      expect(gaps.sorted()).toEqual([[118, 1], [119, 1], [232, 1], [234, 1]]);
    }
  });

  it('holds for the pass that begins at its instant', () => {
    expect(tokenTimes(engineConfig(), submit(0, job(1, 5, 3)), slow(271, 3))[1]).toEqual([155, 271, 271 + 351]);
    expect(tokenTimes(engineConfig(), submit(9, job(1, 5, 1)), slow(9, 2))[1]).toEqual([9 + 310]);
  });
});

describe('Engine: pause', () => {
  const pause = (at: number, forUs: number): WorkerCommand => ({ kind: 'pause', at, forUs });

  it('prolongs the pass that runs, and the gap of its tokens, by the time stood still', () => {
    for (const fastForward of [false, true]) {
      const commands = [submit(0, job(1, 5, 5)), pause(200, 1000)];
      const { driver, gaps, engine } = planned(engineConfig(), commands, fastForward);
      // 155; 116 with 1000 in its midst; 117, 118, 119.
      expect(driver.run().log.at(-1)?.slice(0, 3)).toEqual(['finished', 1155 + 116 + 117 + 118 + 119, 1]);
      expect(gaps.sorted()).toEqual([[117, 1], [118, 1], [119, 1], [1116, 1]]);
      expect(engine.totals.busyUs).toBe(1155 + 116 + 117 + 118 + 119);
    }
  });

  it('keeps back a pass that is due, and one that ends at its instant', () => {
    expect(tokenTimes(engineConfig(), submit(0, job(1, 5, 2)), pause(0, 70))[1]).toEqual([70 + 155, 70 + 271]);
    expect(tokenTimes(engineConfig(), submit(0, job(1, 5, 2)), pause(155, 70))[1]).toEqual([155 + 70, 271 + 70]);
  });

  it('ends with a crash', () => {
    const commands = [...both, pause(100, 5000), crash(200), submit(300, job(3, 5, 2))];
    expect(tokenTimes(engineConfig(), ...commands)[3]).toEqual([455, 571]);
  });
});

describe('Engine: what it shows', () => {
  it('gauges running, waiting and KV blocks as they are during a pass', () => {
    for (const fastForward of [false, true]) {
      const commands = [submit(0, job(1, 5, 3)), submit(50, job(2, 9, 1)), read(300)];
      const { driver, engine } = planned(engineConfig({ maxRunning: 1 }), commands, fastForward);
      driver.run(60);
      const config = { kvTotalBlocks: 100, maxBatchedTokens: 100, maxRunning: 1 };
      const waiting = { running: 1, waiting: 1, waitingPromptTokens: 9, ...config };
      expect(engine.gauges()).toEqual({ ...waiting, kvUsedBlocks: 2, decodeBlocks: 0 });
      driver.run(300);
      expect(engine.gauges()).toEqual({ ...waiting, kvUsedBlocks: 2, decodeBlocks: 2 });
      driver.run(450);
      const last = { running: 1, waiting: 0, waitingPromptTokens: 0, ...config };
      expect(engine.gauges()).toEqual({ ...last, kvUsedBlocks: 3, decodeBlocks: 0 });
    }
  });

  it('shows a block taken in the midst of a stretch as soon as the pass that takes it began', () => {
    // Token 9 needs the third block: computed in the pass from 388 + 118 on.
    const { driver, engine } = planned(engineConfig(), [submit(0, job(1, 5, 9))], true);
    const used = [506, 507, 508].map((at) => {
      driver.plan(read(at)).run(at);
      return engine.gauges().kvUsedBlocks;
    });
    expect(used).toEqual([2, 3, 3]);
  });

  it('counts what preempted requests will compute again among the waiting prompt tokens', () => {
    const tight = engineConfig({ blocks: 4, blockTokens: 2, prefixCache: false });
    const { driver, engine } = planned(tight, [submit(0, job(1, 2, 5)), submit(0, job(2, 2, 5))], true);
    driver.run(398);
    expect(engine.gauges()).toMatchObject({ running: 1, waiting: 1, waitingPromptTokens: 5, kvUsedBlocks: 3 });
  });

  it('integrates blocks, running, waiting and busy time', () => {
    for (const fastForward of [false, true]) {
      const commands = [submit(0, job(1, 5, 3)), submit(50, job(2, 3, 1))];
      const { driver, engine } = planned(engineConfig({ maxRunning: 1 }), commands, fastForward);
      driver.run();
      // 2 blocks for 155 + 116 + 117, then 1 for 133; the second waits from 50 until 388.
      expect(engine.totals).toEqual({
        iterations: 4, preemptions: 0, promptTokens: 8, prefixHitTokens: 0, generatedTokens: 4, recomputedTokens: 0,
        busyUs: 521, runningUs: 521, waitingUs: 338, kvBlockUs: 2 * 388 + 133, kvBlocksMax: 2,
      });
    }
  });

  it('counts no idle time, and each running sequence for itself', () => {
    const { driver, engine } = planned(engineConfig(), [...both, submit(9000, job(3, 5, 1))], true);
    driver.run();
    // 188 with 2 + 1 blocks, 130 with 2 + 1, then 7 and 5 tokens in 2 + 2 for 132, then 155 with 2.
    expect(engine.totals).toMatchObject({
      busyUs: 188 + 130 + 132 + 155, runningUs: 2 * 450 + 155, waitingUs: 0, kvBlockUs: 3 * 318 + 4 * 132 + 2 * 155,
    });
  });

  it('is up to date after catchUp in the midst of a stretch', () => {
    for (const fastForward of [false, true]) {
      const commands = [submit(0, job(1, 5, 9)), submit(50, job(2, 3, 1)), read(400)];
      const { driver, engine } = planned(engineConfig({ maxRunning: 1 }), commands, fastForward);
      driver.run(400);
      const soFar = { iterations: 3, generatedTokens: 3, busyUs: 388, runningUs: 388, waitingUs: 350 };
      expect(engine.totals).toMatchObject(soFar);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { GapCounter, type WorkerCommand, WorkerDriver } from '../harness/worker-driver.ts';
import { RankedEngine } from '../../src/worker/ranked-engine.ts';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import { cancel, engineConfig, job, planned, submit } from './shapes.ts';

// A pass costs 100 + 10 · tokens + 1 · context tokens.
const PAIR = engineConfig({ ranks: 2 });
const LOCKED = engineConfig({ ranks: 2, lockStep: true });

function run(
  config: EngineConfig,
  ...commands: WorkerCommand[]
): { driver: WorkerDriver; engine: RankedEngine<number> } {
  const engine = new RankedEngine<number>(config, new GapCounter());
  return { driver: new WorkerDriver(engine).plan(...commands).run(), engine };
}

function ends(config: EngineConfig, ...commands: WorkerCommand[]): unknown[][] {
  const { log } = run(config, ...commands).driver;
  return log.filter(([kind]) => kind === 'finished').map(([, at, owner]) => [owner, at]);
}

describe('RankedEngine', () => {
  it('gives each request to the least loaded rank, and each rank a pass of its own', () => {
    // Alone a prompt of 5 takes 155, one of 9 takes 199.
    expect(ends(PAIR, submit(0, job(1, 5, 1)), submit(0, job(2, 9, 1)))).toEqual([
      [1, 155],
      [2, 199],
    ]);
    // Waiting weighs four times: the third joins the rank whose request runs, not the one whose waits.
    const commands = [submit(0, job(1, 5, 9)), submit(1, job(2, 5, 9)), submit(1, job(3, 5, 1))];
    const { driver, engine } = run(PAIR, ...commands);
    expect(driver.tokens.get(3)).toEqual([155 + 100 + 60 + 6 + 5]);
    expect(engine.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
  });

  it('gives a request to the rank that it names, and refuses a rank that is not there', () => {
    const named = (owner: number, rank: number) => submit(0, { ...job(owner, 5, 1), rank });
    expect(ends(PAIR, named(1, 1), named(2, 1))).toEqual([
      [1, 210],
      [2, 210],
    ]);
    expect(run(PAIR, named(1, 2)).driver.log).toEqual([['submit', 0, 1, 400]]);
  });

  it('holds a pool for each rank', () => {
    const config = { ...PAIR, blocks: 3 };
    const { engine, driver } = run(config, submit(0, job(1, 12, 1)));
    expect(driver.log[0]?.[3]).toBe(400);
    expect(engine.gauges()).toMatchObject({ kvTotalBlocks: 6, maxRunning: 16, maxBatchedTokens: 100 });
  });

  it('ends a pass in lock-step at the slowest rank, and lets nobody begin before', () => {
    const commands = [submit(0, job(1, 5, 2)), submit(0, job(2, 9, 1)), submit(10, { ...job(3, 3, 1), rank: 1 })];
    // Both end at 199. Then 1 decodes with 6 tokens (116), 3 has its prompt on the other rank (133): both end at 332.
    expect(ends(LOCKED, ...commands)).toEqual([
      [2, 199],
      [1, 332],
      [3, 332],
    ]);
  });

  it('lets a rank that waited begin at once when the others have nothing left', () => {
    const commands = [
      submit(0, { ...job(1, 5, 2), rank: 0 }),
      submit(10, { ...job(2, 3, 1), rank: 1 }),
      cancel(155, 1),
    ];
    expect(ends(LOCKED, ...commands)).toEqual([[2, 155 + 133]]);
  });

  it('loses all of its ranks in a crash, and serves again', () => {
    const crash: WorkerCommand = { kind: 'crash', at: 50 };
    const commands = [submit(0, job(1, 5, 2)), submit(0, job(2, 9, 1)), crash, submit(60, job(3, 5, 1))];
    for (const config of [PAIR, LOCKED]) {
      const { driver } = run(config, ...commands);
      expect(driver.log.filter(([kind]) => kind === 'crash').map(([, , owner]) => owner)).toEqual([1, 2]);
      expect(driver.tokens.get(3)).toEqual([215]);
    }
  });

  it('stands still and goes on with all of its ranks', () => {
    const pause: WorkerCommand = { kind: 'pause', at: 100, forUs: 1000 };
    const commands = [submit(0, job(1, 5, 1)), submit(0, job(2, 9, 1)), pause];
    expect(ends(PAIR, ...commands)).toEqual([
      [1, 1155],
      [2, 1199],
    ]);
    expect(ends(LOCKED, ...commands)).toEqual([
      [1, 1199],
      [2, 1199],
    ]);
  });

  it('sums its totals over the ranks, but for the busy time', () => {
    const { engine } = run(PAIR, submit(0, job(1, 5, 1)), submit(0, job(2, 9, 1)));
    expect(engine.totals).toMatchObject({
      iterations: 2,
      promptTokens: 14,
      generatedTokens: 2,
      busyUs: (155 + 199) / 2,
    });
  });

  it('is a plain engine when it has one rank', () => {
    const commands = [submit(0, job(1, 5, 9)), submit(50, job(2, 3, 4)), cancel(400, 1), submit(500, job(3, 12, 2))];
    const plain = planned(engineConfig(), commands, true).driver.run().log;
    expect(run(engineConfig({ ranks: 1 }), ...commands).driver.log).toEqual(plain);
    expect(run(engineConfig({ ranks: 1, lockStep: true }), ...commands).driver.log).toEqual(plain);
  });
});

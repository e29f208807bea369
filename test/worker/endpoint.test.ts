import { describe, expect, it } from 'vitest';
import type { Distribution } from '../../src/kernel/distribution.ts';
import { Endpoint } from '../../src/worker/endpoint.ts';
import type { JobInit } from '../../src/worker/worker.ts';
import { type WorkerCommand, WorkerDriver } from '../harness/worker-driver.ts';
import { cancel, job, submit } from './shapes.ts';

interface Shape {
  readonly maxRunning?: number;
  readonly maxWaiting?: number;
  readonly serviceUs?: Distribution;
  readonly seed?: number;
  readonly name?: string;
}

function endpointWith(shape: Shape, commands: readonly WorkerCommand[]) {
  const { maxRunning = 2, maxWaiting = Infinity, serviceUs = { dist: 'constant', value: 100 } } = shape;
  const config = { model: 'endpoint' as const, maxRunning, maxWaiting, serviceUs };
  const endpoint = new Endpoint<number>(config, shape.seed ?? 1, shape.name ?? 'service');
  return { endpoint, driver: new WorkerDriver(endpoint).plan(...commands) };
}

/** [instant, owner] of every end. */
function ends(shape: Shape, ...commands: readonly WorkerCommand[]): unknown[][] {
  const { driver, endpoint } = endpointWith(shape, commands);
  const { log } = driver.run();
  expect(endpoint.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
  return log.filter(([kind]) => kind === 'finished').map(([, at, owner]) => [at, owner]);
}

const four = [1, 2, 3, 4].map((owner) => submit(0, job(owner, 8, 3)));

describe('Endpoint', () => {
  it('serves first come first served in its slots', () => {
    expect(ends({}, ...four)).toEqual([[100, 1], [100, 2], [200, 3], [200, 4]]);
    expect(ends({ maxRunning: 1 }, ...four)).toEqual([[100, 1], [200, 2], [300, 3], [400, 4]]);
    expect(ends({}, submit(0, job(1, 1, 1)), submit(40, job(2, 1, 1)), submit(60, job(3, 1, 1)))).toEqual([
      [100, 1], [140, 2], [200, 3],
    ]);
  });

  it('answers whole, without a first token, every token but the last computed', () => {
    const { driver } = endpointWith({}, [submit(5, job(1, 8, 3)), submit(6, job(2, 8, 1)), submit(7, job(3, 8, 0))]);
    expect(driver.run().log.slice(3)).toEqual([
      ['finished', 105, 1, expect.stringContaining('"generated":3,"computedTokens":10')],
      ['finished', 106, 2, expect.stringContaining('"generated":1,"computedTokens":8')],
      ['finished', 205, 3, expect.stringContaining('"generated":0,"computedTokens":8')],
    ]);
  });

  it('refuses with 503 beyond maxWaiting', () => {
    const statuses = (maxWaiting: number): unknown[] =>
      endpointWith({ maxWaiting }, four)
        .driver.run()
        .log.filter(([kind]) => kind === 'submit')
        .map((entry) => entry[3]);
    expect(statuses(1)).toEqual([0, 0, 0, 503]);
    expect(statuses(0)).toEqual([0, 0, 503, 503]);
  });

  it('starts the next when a running request is cancelled', () => {
    const { driver } = endpointWith({}, [...four, cancel(30, 1)]);
    const { log } = driver.run();
    expect(log.find(([kind]) => kind === 'cancel')?.[3]).toContain('"generated":0,"computedTokens":0');
    expect(ends({}, ...four, cancel(30, 1))).toEqual([[100, 2], [130, 3], [200, 4]]);
  });

  it('takes a waiting request out, and ignores one it does not know', () => {
    expect(ends({}, ...four, cancel(30, 3), cancel(31, 9), cancel(32, 3))).toEqual([[100, 1], [100, 2], [200, 4]]);
  });

  it('loses everything in a crash, running ones first, and serves again', () => {
    const commands: WorkerCommand[] = [...four, { kind: 'crash', at: 100 }, submit(100, job(5, 1, 1))];
    const { log } = endpointWith({}, commands).driver.run();
    expect(log.filter(([kind]) => kind === 'crash').map((entry) => entry[2])).toEqual([1, 2, 3, 4]);
    expect(ends({}, ...commands)).toEqual([[200, 5]]);
  });

  it('slows down what starts from then on', () => {
    const slow: WorkerCommand = { kind: 'slow', at: 50, factor: 2.5 };
    expect(ends({}, ...four, slow)).toEqual([[100, 1], [100, 2], [350, 3], [350, 4]]);
  });

  it('integrates slots, waiting and busy time', () => {
    const commands = [50, 60, 70].map((at, i) => submit(at, job(i + 1, 8, 3)));
    const { driver, endpoint } = endpointWith({}, commands);
    driver.plan({ kind: 'read', at: 100 }).run(100);
    const soFar = { runningUs: 50 + 40, waitingUs: 30, busyUs: 50, iterations: 0, promptTokens: 16 };
    expect(endpoint.totals).toMatchObject(soFar);
    expect(endpoint.gauges()).toEqual({
      running: 2, waiting: 1, kvUsedBlocks: -1, kvTotalBlocks: -1, decodeBlocks: -1, waitingPromptTokens: -1,
      maxBatchedTokens: -1, maxRunning: 2,
    });
    driver.plan(submit(500, job(4, 8, 0))).run();
    expect(endpoint.totals).toEqual({
      iterations: 4, preemptions: 0, promptTokens: 32, prefixHitTokens: 0, generatedTokens: 9, recomputedTokens: 0,
      busyUs: 200 + 100, runningUs: 400, waitingUs: 80, kvBlockUs: -0, kvBlocksMax: 0,
    });
  });

  describe('service draws', () => {
    const serviceUs: Distribution = { dist: 'lognormal', mean: 5000, cv: 1, min: 1, max: 1e6 };
    const wide = { serviceUs, maxRunning: 99 };
    const byOwner = (shape: Shape, ...jobs: JobInit<number>[]): Map<unknown, unknown> =>
      new Map(ends(shape, ...jobs.map((each) => submit(0, each))).map(([at, owner]) => [owner, at]));
    const jobs = [1, 2, 3, 4, 5].map((owner) => job(owner, 8, 3));

    it('belong to the request and the attempt, whatever the order', () => {
      const forward = byOwner(wide, ...jobs);
      expect(byOwner(wide, ...[...jobs].reverse())).toEqual(forward);
      expect(byOwner(wide, ...jobs.slice(3)).get(5)).toBe(forward.get(5));
      expect(new Set(forward.values()).size).toBe(5);
    });

    it('differ between attempts, seeds and names', () => {
      const first = byOwner(wide, ...jobs).get(1);
      expect(byOwner(wide, { ...job(1, 8, 3), drawTry: 2 }).get(1)).not.toBe(first);
      expect(byOwner({ ...wide, seed: 2 }, ...jobs).get(1)).not.toBe(first);
      expect(byOwner({ ...wide, name: 'other' }, ...jobs).get(1)).not.toBe(first);
    });
  });
});

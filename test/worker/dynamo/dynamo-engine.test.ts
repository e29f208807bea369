import { describe, expect, it } from 'vitest';
import type { DynamoEngineConfig } from '../../../src/worker/dynamo/dynamo-engine-config.ts';
import { dynamoDecodeUs, dynamoPrefillUs } from '../../../src/worker/timing/dynamo.ts';
import type { JobInit } from '../../../src/worker/worker.ts';
import type { WorkerCommand } from '../../harness/worker-driver.ts';
import { cancel, job, submit } from '../shapes.ts';
import { type DynamoRun, dynamoConfig, planned, sharedJob } from './shapes.ts';

/** Every pass that computes something lasts 10 µs: token times count passes. */
function ticking(over: Partial<DynamoEngineConfig> = {}): DynamoEngineConfig {
  return dynamoConfig({ timing: { kind: 'affine', baseUs: 10, perTokenUs: 0, perKvTokenUs: 0 }, ...over });
}

function run(config: DynamoEngineConfig, ...commands: readonly WorkerCommand[]): DynamoRun {
  const made = planned(config, commands);
  made.driver.run();
  return made;
}

function tokens(config: DynamoEngineConfig, ...jobs: readonly JobInit<number>[]): Record<number, number[]> {
  return Object.fromEntries(run(config, ...jobs.map((each) => submit(0, each))).engine.tokens);
}

function statuses({ driver }: DynamoRun): unknown[] {
  return driver.log.filter(([kind]) => kind === 'submit').map(([, , , status]) => status);
}

function endings({ driver }: DynamoRun): unknown[][] {
  return driver.log.filter(([kind]) => kind === 'finished').map(([, at, owner]) => [at, owner]);
}

/** Share of the default pool. */
function decodeUs(...contexts: readonly number[]): number {
  return dynamoDecodeUs(contexts.reduce((sum, each) => sum + each, 0) / (16_384 * 64));
}

describe('a pass', () => {
  it('charges prompts as means of whole numbers: 302 tokens in three prompts cost as 300', () => {
    const made = tokens(dynamoConfig(), job(1, 100, 1), job(2, 101, 1), job(3, 101, 1));
    expect(made[1]).toEqual([dynamoPrefillUs(300) + decodeUs(100, 101, 101)]);
  });

  it('lets a prompt reuse blocks that an earlier one computes in the same pass', () => {
    const made = run(dynamoConfig(), submit(0, sharedJob(1, 128, 1, 1)), submit(0, sharedJob(2, 128, 1, 1)));
    expect(made.engine.tokens.get(2)).toEqual([dynamoPrefillUs(2 * (128 - 32)) + decodeUs(128, 128)]);
    expect(made.engine.totals.prefixHitTokens).toBe(64);
  });

  it('reuses nothing, and keeps nothing, without prefix caching', () => {
    const twice = [submit(0, sharedJob(1, 128, 1, 1)), submit(100_000, sharedJob(2, 128, 1, 1))];
    const { engine } = run(dynamoConfig({ prefixCache: false }), ...twice);
    expect([engine.totals.prefixHitTokens, engine.idleBlocks]).toEqual([0, 0]);
  });

  it('evicts the end of a prompt before its beginning', () => {
    const config = ticking({ blocks: 4, blockTokens: 64 });
    const [first, again] = [submit(0, sharedJob(1, 192, 1, 1)), submit(100, sharedJob(3, 192, 1, 1))];
    const { engine } = run(config, first, submit(50, job(2, 128, 1)), again);
    expect([engine.evictions, engine.totals.prefixHitTokens]).toEqual([2, 128]);
  });

  it('reuses all of an aligned prompt when no output is wanted, at no cost', () => {
    const made = run(dynamoConfig(), submit(0, sharedJob(1, 64, 0, 1)), submit(50_000, sharedJob(2, 64, 0, 1)));
    expect(endings(made)).toEqual([[17_474, 1], [50_000, 2]]);
  });

  it('slows down by the factor in force when it begins', () => {
    const slow: WorkerCommand = { kind: 'slow', at: 5, factor: 3 };
    expect(run(ticking(), submit(0, job(1, 4, 3)), slow).engine.tokens.get(1)).toEqual([10, 40, 70]);
  });

  it('is announced at the whole microsecond before its end, from which the next one starts', () => {
    const config = ticking({ timing: { kind: 'affine', baseUs: 10.75, perTokenUs: 0, perKvTokenUs: 0 } });
    const { driver, engine } = run(config, submit(0, job(1, 4, 4)), submit(21, job(2, 4, 1)), submit(33, job(3, 4, 1)));
    expect(driver.tokens.get(1)).toEqual([10, 21, 32, 43]);
    expect(engine.tokens.get(1)).toEqual([10.75, 21.5, 32.25, 43]);
    // What comes at 21 comes before 21.5; what comes at 33 after 32.25, when the last pass has begun.
    expect([engine.tokens.get(2), engine.tokens.get(3)]).toEqual([[32.25], [53.75]]);
  });
});

describe('admission', () => {
  it('refuses what can never run', () => {
    const small = { blocks: 10, blockTokens: 4 };
    const tried = [8, 9, 40, 41].map((promptTokens) => submit(0, job(promptTokens, promptTokens, 1)));
    expect(statuses(run(ticking({ ...small, maxModelTokens: 9 }), ...tried))).toEqual([0, 400, 400, 400]);
    expect(statuses(run(ticking(small), ...tried))).toEqual([0, 0, 0, 400]);
    expect(statuses(run(ticking({ ...small, semantics: 'trtllm' }), ...tried))).toEqual([0, 0, 400, 400]);
    const whole = { ...small, chunkedPrefill: false, maxBatchedTokens: 8 };
    expect(statuses(run(ticking(whole), ...tried))).toEqual([0, 400, 400, 400]);
  });

  it('refuses what would wait beyond the bound', () => {
    const made = run(ticking({ maxWaiting: 1 }), ...[1, 2].map((owner) => submit(5, job(owner, 4, 1))));
    expect(statuses(made)).toEqual([0, 503]);
  });

  it('ends generation at the model length, or with the last token that the pool can carry', () => {
    const length = (over: Partial<DynamoEngineConfig>): number | undefined =>
      tokens(ticking({ blocks: 3, blockTokens: 4, ...over }), job(1, 5, 50))[1]?.length;
    expect(length({ maxModelTokens: 9 })).toBe(4);
    expect(length({})).toBe(8);
    expect(length({ semantics: 'trtllm' })).toBe(7);
  });

  it('keeps a prompt whole without chunking: one that exceeds the rest of the budget waits', () => {
    const config = ticking({ chunkedPrefill: false, maxBatchedTokens: 10 });
    expect(tokens(config, job(1, 6, 2), job(2, 6, 1))).toEqual({ 1: [10, 20], 2: [20] });
    expect(tokens({ ...config, chunkedPrefill: true }, job(1, 6, 2), job(2, 14, 1))).toEqual({ 1: [10, 20], 2: [30] });
    const unbounded = { ...config, maxBatchedTokens: Infinity };
    expect(tokens(unbounded, job(1, 6, 1), job(2, 600, 1))).toEqual({ 1: [10], 2: [10] });
  });

  it('lets one request without anything to compute in beside a spent budget, not two', () => {
    const config = ticking({ semantics: 'trtllm', maxBatchedTokens: 64 });
    const cached = [3, 4].map((owner) => submit(50, sharedJob(owner, 64, 1, 1)));
    const made = run(config, submit(0, sharedJob(1, 64, 1, 1)), submit(50, job(2, 64, 1)), ...cached);
    expect(endings(made)).toEqual([[10, 1], [60, 2], [60, 3], [70, 4]]);
  });

  it('counts a cached prefix as found only while somebody holds it', () => {
    const config = ticking({ blocks: 5, blockTokens: 64 });
    const prefix = submit(0, sharedJob(1, 192, 1, 1));
    // Idle hits take room: three blocks beside three in use are one too many.
    const idle = run(config, prefix, submit(50, job(2, 130, 3)), submit(51, sharedJob(3, 192, 1, 1)));
    expect(idle.engine.tokens.get(3)).toEqual([90]);
    // Held hits take none: two of three are there already.
    const held = run(config, submit(0, sharedJob(1, 192, 3, 1)), submit(11, sharedJob(3, 192, 1, 1)));
    expect(held.engine.tokens.get(3)).toEqual([30]);
  });
});

describe('preemption', () => {
  /** One block each at first, a second one from the third pass on; four in all. */
  const three = [job(1, 1, 3), job(2, 1, 3), job(3, 1, 3)];
  const tight = { blocks: 4, blockTokens: 2 } as const;

  it('takes the last of the batch, which is computed again when there is room', () => {
    const made = tokens(ticking({ ...tight, preemption: 'lifo' }), ...three);
    expect(made).toEqual({ 1: [10, 20, 30], 2: [10, 20, 30], 3: [10, 20, 40] });
  });

  it('passes over the one that moves up when the first of the batch is taken', () => {
    const made = tokens(ticking({ ...tight, preemption: 'fifo' }), ...three);
    // In the third pass 1 gives way to 2, and 3 slips under the cursor although it could have had its turn.
    expect(made).toEqual({ 1: [10, 20, 40], 2: [10, 20, 30], 3: [10, 20, 40] });
  });

  it('gives the tokens of a victim that had its turn back to the pass', () => {
    const config = ticking({ blocks: 15, blockTokens: 2, preemption: 'fifo', maxBatchedTokens: 8 });
    const made = run(config, ...[1, 2, 3].map((owner) => submit(0, job(owner, 1, 9))), submit(5, job(4, 22, 1)));
    // Chunks of 5, 5 and 5 beside three that decode; then 1 gives way to 2, 3 is passed over, and 7 are left for 4.
    expect(made.engine.tokens.get(4)).toEqual([50]);
  });

  it('keeps the first reuse as the truth, and charges no generated token again', () => {
    const config = dynamoConfig({ blocks: 6, blockTokens: 4 });
    const { driver, engine } = run(config, submit(0, job(1, 8, 9)), submit(0, job(2, 8, 9)));
    const last = driver.log.at(-1);
    expect(JSON.parse(String(last?.[3]))).toMatchObject({ cachedTokens: 0, recomputedTokens: 4, computedTokens: 20 });
    // Between the ninth token of 1 and the sixth of 2: no prefill, one decode at 13 of 24 tokens.
    const [before, after] = [engine.tokens.get(1)?.[8], engine.tokens.get(2)?.[5]];
    expect(Number(after) - Number(before)).toBeCloseTo(dynamoDecodeUs(13 / 24), 6);
  });

  it('never happens under reservation: a request waits until all of it fits', () => {
    const config = ticking({ blocks: 6, blockTokens: 4, semantics: 'trtllm' });
    const made = run(config, submit(0, job(1, 8, 9)), submit(0, job(2, 8, 9)), submit(0, job(3, 1, 1)));
    expect(made.engine.totals.preemptions).toBe(0);
    expect(endings(made)).toEqual([[90, 1], [100, 3], [180, 2]]);
  });

  it('is open to all of an aligned prompt under reservation', () => {
    const config = dynamoConfig({ semantics: 'trtllm' });
    const { engine } = run(config, submit(0, sharedJob(1, 128, 1, 1)), submit(100_000, sharedJob(2, 128, 1, 1)));
    expect(engine.tokens.get(2)).toEqual([100_000 + decodeUs(128)]);
  });
});

describe('data-parallel ranks', () => {
  it('take requests in turn and end each pass with the slowest', () => {
    const made = run(dynamoConfig({ ranks: 2 }), submit(0, job(1, 100, 2)), submit(0, job(2, 300, 2)));
    const first = dynamoPrefillUs(300) + decodeUs(300);
    expect(made.engine.tokens.get(1)).toEqual([first, first + decodeUs(301)]);
    expect(made.engine.tokens.get(2)).toEqual(made.engine.tokens.get(1));
  });

  it('begin nothing while a sibling is busy', () => {
    const made = run(ticking({ ranks: 2 }), submit(0, job(1, 4, 2)), submit(1, job(2, 4, 1)));
    expect(made.engine.tokens.get(2)).toEqual([20]);
  });

  it('settle in their order what ends together', () => {
    const made = run(ticking({ ranks: 3 }), ...[1, 2, 3, 4].map((owner) => submit(0, job(owner, 4, 1))));
    expect(endings(made)).toEqual([[10, 1], [10, 4], [10, 2], [10, 3]]);
  });

  it('have pools of their own', () => {
    const config = ticking({ ranks: 2 });
    const made = run(config, submit(0, sharedJob(1, 128, 1, 1)), submit(50, sharedJob(2, 128, 1, 1)));
    expect(made.engine.totals.prefixHitTokens).toBe(0);
    expect(made.engine.gauges()).toMatchObject({ kvTotalBlocks: 32_768, maxRunning: 512, maxBatchedTokens: 16_384 });
  });
});

describe('what the world does to it', () => {
  it('keeps a cancelled request in the pass that runs, and shows no more of it', () => {
    const { driver, engine } = planned(ticking(), [submit(0, job(1, 4, 5)), submit(0, job(2, 4, 5)), cancel(15, 1)]);
    driver.run(15);
    expect(engine.gauges()).toMatchObject({ running: 2, kvUsedBlocks: 2 });
    driver.run(20);
    expect(engine.gauges()).toMatchObject({ running: 1, kvUsedBlocks: 1 });
    driver.run();
    expect(driver.tokens.get(1)).toEqual([10]);
    expect(driver.log.find(([kind]) => kind === 'cancel')?.[3]).toContain('"generated":1,"computedTokens":5');
  });

  it('frees what a request cancelled in its last pass held in its turn', () => {
    const config = ticking({ blocks: 3 });
    const [first, second] = [submit(0, sharedJob(1, 64, 1, 1)), submit(0, sharedJob(2, 64, 1, 2))];
    const [evicting, asking] = [submit(50, job(3, 100, 1)), submit(90, sharedJob(4, 65, 1, 2))];
    const { engine } = run(config, first, second, cancel(5, 1), evicting, asking);
    // The one block evicted at 50 is that of the first.
    expect([engine.evictions, engine.totals.prefixHitTokens]).toEqual([1, 64]);
  });

  it('answers a cancellation once, and not one that comes with the last token', () => {
    const [one, two] = [submit(0, job(1, 4, 1)), submit(20, job(2, 4, 9))];
    const { driver } = run(ticking(), one, cancel(10, 1), two, cancel(25, 2), cancel(26, 2));
    const answers = driver.log.filter(([kind]) => kind === 'cancel').map(([, , , view]) => view !== undefined);
    expect(answers).toEqual([false, true, false]);
    expect(driver.log.some(([kind, at, owner]) => kind === 'finished' && at === 10 && owner === 1)).toBe(true);
  });

  it('loses everything in a crash, cache and fraction of time included', () => {
    const [before, after] = [submit(0, sharedJob(1, 128, 9, 1)), submit(30_000, sharedJob(2, 128, 1, 1))];
    const made = run(dynamoConfig(), before, { kind: 'crash', at: 30_000 }, after);
    const lost = made.driver.log.filter(([kind]) => kind === 'crash');
    expect(lost.map(([, at, owner]) => [at, owner])).toEqual([[30_000, 1]]);
    expect(made.engine.tokens.get(2)).toEqual([30_000 + dynamoPrefillUs(128) + decodeUs(128)]);
  });

  it('stands still while paused, which counts as busy, and is idle without work', () => {
    const { engine, driver } = run(ticking(), submit(50, job(1, 4, 3)), { kind: 'pause', at: 63, forUs: 100 });
    expect(driver.tokens.get(1)).toEqual([60, 170, 180]);
    expect(engine.totals.busyUs).toBe(130);
  });

  it('reports an unknown bound where it has none', () => {
    const { engine } = planned(ticking({ maxRunning: Infinity, maxBatchedTokens: Infinity }), []);
    expect(engine.gauges()).toMatchObject({ maxRunning: -1, maxBatchedTokens: -1 });
  });
});

import { describe, expect, it } from 'vitest';
import { PHASE } from '../../src/kernel/event-queue.ts';
import { cancel, engineConfig, job, logOf, planned, submit, tokenTimes } from './shapes.ts';

// A pass costs 100 + 10 · tokens + 1 · context tokens.
describe('Engine: token times', () => {
  it('yields the first token with the prompt and one more each pass', () => {
    const times = tokenTimes(engineConfig(), submit(0, job(1, 5, 3)));
    expect(times).toEqual({ 1: [100 + 50 + 5, 155 + 100 + 10 + 6, 271 + 100 + 10 + 7] });
  });

  it('computes two prompts of one instant in one pass', () => {
    const times = tokenTimes(engineConfig(), submit(7, job(1, 5, 2)), submit(7, job(2, 3, 2)));
    expect(times).toEqual({ 1: [195, 325], 2: [195, 325] });
  });

  it('lets an arrival during a pass join the next', () => {
    const times = tokenTimes(engineConfig(), submit(0, job(1, 5, 3)), submit(50, job(2, 3, 1)));
    expect(times).toEqual({ 1: [155, 304, 421], 2: [304] });
  });

  it('lets an arrival at the very end of a pass join the next, whatever its phase', () => {
    for (const phase of [PHASE.io, PHASE.arrival, PHASE.wake]) {
      const times = tokenTimes(engineConfig(), submit(0, job(1, 5, 3)), submit(155, job(2, 3, 1), phase));
      expect(times).toEqual({ 1: [155, 304, 421], 2: [304] });
    }
  });

  it('computes a prompt larger than the budget in chunks, each pass at its own price', () => {
    const config = engineConfig({ maxBatchedTokens: 4 });
    // 4 tokens at context 4, 4 at 8, 2 at 10, then decode at 11.
    expect(tokenTimes(config, submit(0, job(1, 10, 2)))).toEqual({ 1: [144 + 148 + 130, 422 + 121] });
  });

  it('serves decodes before prompts under one budget', () => {
    const config = engineConfig({ maxBatchedTokens: 4 });
    const times = tokenTimes(config, submit(0, job(1, 2, 4)), submit(0, job(2, 9, 1)));
    expect(times).toEqual({ 1: [144, 292, 444, 578], 2: [578] });
  });

  it('runs no more than max_num_seqs at once', () => {
    const times = tokenTimes(engineConfig({ maxRunning: 1 }), submit(0, job(1, 5, 2)), submit(0, job(2, 3, 1)));
    expect(times).toEqual({ 1: [155, 271], 2: [404] });
  });

  it('rounds a pass to whole microseconds and never below one', () => {
    const timing = { kind: 'affine', baseUs: 0.2, perTokenUs: 0, perKvTokenUs: 0.25 } as const;
    // Context 1, 2, …: 0.45, 0.7, 0.95, 1.2, 1.45, 1.7.
    expect(tokenTimes(engineConfig({ timing }), submit(0, job(1, 1, 6)))).toEqual({ 1: [1, 2, 3, 4, 5, 7] });
  });

  it('finishes a request of no output with its prompt, without a token', () => {
    const log = logOf(engineConfig(), submit(0, job(1, 5, 0)));
    expect(log).toEqual([['submit', 0, 1, 0], ['finished', 155, 1, expect.stringContaining('"generated":0')]]);
    const whole = logOf(engineConfig({ maxBatchedTokens: 4 }), submit(0, job(1, 5, 0)));
    expect(whole.at(-1)?.slice(0, 3)).toEqual(['finished', 144 + 115, 1]);
  });

  it('tells the first token and the end of a request in that order', () => {
    const log = logOf(engineConfig(), submit(0, job(1, 5, 1)), submit(0, job(2, 3, 2)));
    expect(log.slice(2).map((entry) => entry.slice(0, 3))).toEqual([
      ['first-token', 188, 1], ['finished', 188, 1], ['first-token', 188, 2], ['finished', 188 + 114, 2],
    ]);
  });

  it('plans on after the longest stretch it plans at once', () => {
    const commands = [submit(0, job(1, 4, 700)), submit(0, job(2, 4, 650))];
    const config = engineConfig({ blocks: 400 });
    const stepped = planned(config, commands, false);
    const skipping = planned(config, commands, true);
    expect(skipping.driver.run().log).toEqual(stepped.driver.run().log);
    expect(skipping.engine.totals).toEqual(stepped.engine.totals);
    expect(skipping.gaps.sorted()).toEqual(stepped.gaps.sorted());
    // Begin and end of: the prompts, 256 + 256 + 137 passes, then 50 of the longer alone.
    expect([skipping.driver.advances, stepped.driver.advances]).toEqual([2 * 5, 2 * 700]);
  });

  it('plans the passes of a prompt that takes the whole budget, beside those that decode', () => {
    const config = engineConfig({ maxBatchedTokens: 10 });
    const commands = [submit(0, job(1, 4, 40)), submit(150, job(2, 95, 3)), submit(700, job(3, 2, 1))];
    const stepped = planned(config, commands, false);
    const skipping = planned(config, commands, true);
    expect(skipping.driver.run().log).toEqual(stepped.driver.run().log);
    expect(skipping.engine.totals).toEqual(stepped.engine.totals);
    expect(skipping.gaps.sorted()).toEqual(stepped.gaps.sorted());
    // As one: ten passes of nine prompt tokens (the eleventh has room for request 3), two of both, 25 of request 1.
    expect(stepped.driver.advances - skipping.driver.advances).toBe(2 * (9 + 1 + 24));
  });

  it('gives equal hashes to equal token times only', () => {
    const hash = (at: number): unknown => {
      const view = logOf(engineConfig(), submit(at, job(1, 5, 9))).at(-1)?.[3];
      return /"tokenHash":(-?\d+)/.exec(String(view))?.[1];
    };
    const [a, b, c, d] = [0, 0, 1, 2 ** 32].map(hash);
    expect(a).toBe(b);
    expect(new Set([a, c, d]).size).toBe(3);
  });
});

describe('Engine: KV exhaustion', () => {
  const tight = engineConfig({ blocks: 4, blockTokens: 2, prefixCache: false });
  const pair = [submit(0, job(1, 2, 5)), submit(0, job(2, 2, 5))];

  it('preempts the newest, which computes its prompt and its tokens again and pays for them', () => {
    // Passes 1 to 3 at 4, 2, 2 tokens. The fourth finds no fifth block: 2 is out until 1 ends at 629.
    expect(tokenTimes(tight, ...pair)).toEqual({
      1: [144, 270, 398, 513, 629],
      2: [144, 270, 398, 629 + 100 + 50 + 5, 784 + 116],
    });
    const { driver, engine } = planned(tight, pair, true);
    expect(driver.run().log.at(-1)?.[3]).toMatch(/"computedTokens":10,"recomputedTokens":4/);
    expect(engine.totals).toMatchObject({ preemptions: 1, recomputedTokens: 4, kvBlocksMax: 4 });
  });

  it('finds its own leading blocks again after a preemption, the suffix having been evicted first', () => {
    const cached = { ...tight, prefixCache: true };
    // One of its two blocks was taken meanwhile: 3 tokens to compute instead of 5.
    expect(tokenTimes(cached, ...pair)[2]).toEqual([144, 270, 398, 629 + 100 + 30 + 5, 764 + 116]);
    const { driver, engine } = planned(cached, pair, true);
    driver.run();
    // Tokens 3 and 4 again; the fifth is new.
    expect(engine.totals).toMatchObject({ preemptions: 1, recomputedTokens: 2, prefixHitTokens: 0 });
  });

  it('puts the preempted before those that have waited', () => {
    const log = logOf({ ...tight, maxRunning: 2 }, ...pair, submit(0, job(3, 1, 3)));
    const ends = log.filter(([kind]) => kind === 'finished').map(([, , owner]) => owner);
    expect(ends).toEqual([1, 2, 3]);
  });

  it('lets nobody overtake a preempted request, though a later one would fit', () => {
    // In pass 4, at 398, 2 gives two blocks back and 1 takes one: job 3 would fit, behind job 2, which does not.
    const times = tokenTimes(tight, ...pair, submit(390, job(3, 1, 1)));
    expect(times[3]).toEqual([784 + 11]);
    expect(times[2]).toEqual([144, 270, 398, 795, 795 + 116]);
  });

  it('admits a request only when all its known tokens fit, its output not counted', () => {
    const config = engineConfig({ blocks: 4, blockTokens: 4, maxBatchedTokens: 4, prefixCache: false });
    const commands = [submit(0, job(1, 4, 3)), submit(0, job(2, 13, 1))];
    // Three blocks are free when 2 asks: its first chunks would fit, its prompt does not.
    expect(tokenTimes(config, ...commands)[2]?.[0]).toBe(375 + 144 + 148 + 152 + 123);
    expect(tokenTimes(config, submit(0, job(1, 4, 3)), submit(0, job(2, 8, 9)))[1]).toEqual([144, 292, 444]);
  });
});

describe('Engine: whom it preempts', () => {
  const tight = engineConfig({ blocks: 4, blockTokens: 2, prefixCache: false });
  const ends = (config: typeof tight, ...commands: Parameters<typeof logOf>[1][]): unknown[] => {
    const log = logOf(config, ...commands);
    return log.filter(([kind]) => kind === 'finished').map(([, at, owner]) => [owner, at]);
  };

  it('is the newest, or the oldest', () => {
    const pair = [submit(0, job(1, 2, 5)), submit(0, job(2, 2, 5))];
    expect(ends(tight, ...pair)).toEqual([[1, 629], [2, 900]]);
    expect(ends({ ...tight, preemption: 'oldest' }, ...pair)).toEqual([[2, 629], [1, 900]]);
  });

  it('gives the tokens of a victim that was served already back to the pass', () => {
    // Request 1 was served when 2 found no block; the pass is priced for 2 alone: 100 + 10 + 5 from 398 on.
    const pair = [submit(0, job(1, 2, 5)), submit(0, job(2, 2, 5))];
    const times = tokenTimes({ ...tight, preemption: 'oldest' }, ...pair);
    expect(times[2]).toEqual([144, 270, 398, 513, 629]);
  });

  it('is by priority the least urgent, of equals the last to arrive', () => {
    const urgent = (owner: number, priority: number) => submit(0, { ...job(owner, 2, 5), priority });
    const config = { ...tight, scheduling: 'priority' } as const;
    const order = (...commands: ReturnType<typeof urgent>[]) => ends(config, ...commands);
    expect(order(urgent(1, 0), urgent(2, 0))).toEqual([[1, 629], [2, 900]]);
    expect(order(urgent(1, 0), urgent(2, 1))).toEqual([[2, 629], [1, 900]]);
    expect(order(urgent(1, 1), urgent(2, 0))).toEqual([[1, 629], [2, 900]]);
  });

  it('serves the more urgent first, those of one priority in order of arrival', () => {
    const config = engineConfig({ maxRunning: 1, scheduling: 'priority' });
    const jobs = [[1, 0], [2, 0], [3, 5], [4, -1], [5, 5]] as const;
    const commands = jobs.map(([owner, priority]) => submit(0, { ...job(owner, 3, 1), priority }));
    const order = (of: typeof config) => ends(of, ...commands).map((end) => (end as [number])[0]);
    expect(order(config)).toEqual([3, 5, 1, 2, 4]);
    expect(order(engineConfig({ maxRunning: 1 }))).toEqual([1, 2, 3, 4, 5]);
  });

  it('lets an urgent newcomer into the batch beside a head that does not fit', () => {
    // Four blocks: request 1 holds two, 2 needs three and waits; 3 is small and urgent.
    const config = engineConfig({ blocks: 4, blockTokens: 2, prefixCache: false, scheduling: 'priority' });
    const commands = [submit(0, job(1, 2, 5)), submit(5, job(2, 6, 1)), submit(200, { ...job(3, 1, 1), priority: 1 })];
    for (const fastForward of [false, true]) {
      const { driver } = planned(config, commands, fastForward);
      const finished = driver.run().log.filter(([kind]) => kind === 'finished').map(([, , owner]) => owner);
      expect(finished[0]).toBe(3);
    }
  });
});

describe('Engine: refusals and limits', () => {
  const small = engineConfig({ blocks: 5, blockTokens: 4 });
  const status = (config: typeof small, prompt: number, output: number): unknown =>
    logOf(config, submit(0, job(1, prompt, output)))[0]?.[3];

  it('refuses with 400 what can never fit', () => {
    expect(status(small, 19, 5)).toBe(0);
    expect(status(small, 20, 1)).toBe(400);
    expect(status(small, 20, 0)).toBe(0);
    expect(status(small, 21, 0)).toBe(400);
    expect(status({ ...small, maxModelTokens: 8 }, 7, 4)).toBe(0);
    expect(status({ ...small, maxModelTokens: 8 }, 8, 4)).toBe(400);
  });

  it('refuses with 400 a prompt over the budget that must not be chunked', () => {
    const whole = engineConfig({ chunkedPrefill: false, maxBatchedTokens: 10 });
    expect([status(whole, 10, 1), status(whole, 11, 1), status(whole, 11, 0)]).toEqual([0, 400, 400]);
    expect(status({ ...whole, chunkedPrefill: true }, 11, 1)).toBe(0);
  });

  it('starts an unchunked prompt only where the budget is left for all of it', () => {
    const whole = engineConfig({ chunkedPrefill: false, maxBatchedTokens: 10 });
    const times = tokenTimes(whole, submit(0, job(1, 6, 2)), submit(0, job(2, 5, 1)));
    expect(times).toEqual({ 1: [166, 166 + 172], 2: [338] });
  });

  it('can always compute a preempted request again, unchunked or not', () => {
    const whole = engineConfig({ blocks: 6, blockTokens: 2, chunkedPrefill: false, maxBatchedTokens: 4 });
    const log = logOf(whole, submit(0, job(1, 2, 10)), submit(0, job(2, 2, 10)));
    const ends = log.filter(([kind]) => kind === 'finished').map(([, , ...end]) => end);
    expect(ends).toEqual([
      [1, expect.stringContaining('"generated":3,')], [2, expect.stringContaining('"generated":3,')],
    ]);
  });

  it('refuses with 503 beyond maxWaiting', () => {
    const log = logOf(engineConfig({ maxWaiting: 1 }), ...[1, 2].map((owner) => submit(0, job(owner, 3, 1))),
      submit(20, job(3, 3, 1)), submit(30, job(4, 3, 1)));
    expect(log.filter(([kind]) => kind === 'submit').map((entry) => entry[3])).toEqual([0, 503, 0, 503]);
  });

  it('stops generation at the model length', () => {
    expect(tokenTimes(engineConfig({ maxModelTokens: 7 }), submit(0, job(1, 5, 10)))[1]).toEqual([155, 271]);
    expect(tokenTimes(small, submit(0, job(1, 18, 10)))[1]).toHaveLength(2);
  });
});

describe('Engine: cancellation', () => {
  const both = [submit(0, job(1, 5, 3)), submit(0, job(2, 3, 3))];

  it('takes a waiting request out at once', () => {
    const commands = [submit(0, job(1, 5, 2)), submit(0, job(2, 3, 1)), submit(0, job(3, 4, 1)), cancel(10, 2)];
    expect(tokenTimes(engineConfig({ maxRunning: 1 }), ...commands)).toEqual({ 1: [155, 271], 2: [], 3: [271 + 144] });
  });

  it('revokes no pass: a request cancelled during one leaves at its end', () => {
    const { driver, engine } = planned(engineConfig(), [...both, cancel(200, 2)], true);
    driver.run(200);
    expect(driver.log.at(-1)?.[3]).toMatch(/"generated":1,"computedTokens":4/);
    expect(engine.held()).toEqual({ running: 2, waiting: 0, kvBlocks: 3 });
    driver.run(318);
    expect(engine.held()).toEqual({ running: 1, waiting: 0, kvBlocks: 2 });
    expect(tokenTimes(engineConfig(), ...both, cancel(200, 2))).toEqual({ 1: [188, 318, 435], 2: [188] });
  });

  it('counts a pass that ends at the instant of the cancellation, whatever the phase and skipped or not', () => {
    for (const fastForward of [false, true]) {
      for (const phase of [PHASE.io, PHASE.arrival, PHASE.wake]) {
        const { driver, engine } = planned(engineConfig(), [...both, cancel(318, 2, phase)], fastForward);
        expect(driver.run(318).log.at(-1)?.[3]).toMatch(/"generated":2,"computedTokens":4/);
        expect(engine.held()).toEqual({ running: 1, waiting: 0, kvBlocks: 2 });
        expect(driver.run().log.at(-1)?.slice(0, 3)).toEqual(['finished', 435, 1]);
      }
    }
  });

  it('finishes a request whose last token comes at the instant of its cancellation', () => {
    const log = logOf(engineConfig(), submit(0, job(1, 5, 2)), cancel(271, 1));
    expect(log.slice(2).map((entry) => entry.slice(0, 3))).toEqual([['finished', 271, 1], ['cancel', 271, 1]]);
    expect(log.at(-1)?.[3]).toBeUndefined();
  });

  it('ignores unknown and repeated cancellations', () => {
    const log = logOf(engineConfig(), ...both, cancel(20, 9), cancel(30, 1), cancel(31, 1));
    const answers = log.filter(([kind]) => kind === 'cancel').map((entry) => entry[3] === undefined);
    expect(answers).toEqual([true, false, true]);
  });
});

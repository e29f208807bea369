import { describe, expect, it } from 'vitest';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import { engineConfig, job, planned, submit, tokenTimes } from './shapes.ts';

/** Tokens that the second of two requests, far apart, finds in the cache; its time says the same. */
function found(over: Partial<EngineConfig>, first: Parameters<typeof job>, second: Parameters<typeof job>): number {
  const commands = [submit(0, job(...first)), submit(5000, job(...second))];
  const { driver, engine } = planned(engineConfig(over), commands, true);
  const view = driver.run().log.at(-1)?.[3];
  const cached = Number(/"cachedTokens":(\d+)/.exec(String(view))?.[1]);
  const prompt = second[1];
  expect(tokenTimes(engineConfig(over), ...commands)[second[0]]?.[0]).toBe(5100 + 10 * (prompt - cached) + prompt);
  expect(engine.totals.prefixHitTokens).toBe(cached);
  expect(engine.totals.promptTokens).toBe(first[1] + prompt);
  return cached;
}

describe('Engine: prefix cache', () => {
  it('shares leading blocks of equal content between requests', () => {
    expect(found({}, [1, 10, 1, [1, 2, 3], 4], [2, 10, 1, [1, 2, 3], 4])).toBe(8);
    expect(found({}, [1, 10, 1, [1, 2, 3], 4], [2, 10, 1, [1, 7, 3], 4])).toBe(4);
    expect(found({}, [1, 10, 1, [1, 2, 3], 4], [2, 10, 1, [7, 2, 3], 4])).toBe(0);
  });

  it('shares prefixes of different prompt lengths', () => {
    expect(found({}, [1, 9, 1, [1, 2, 3], 4], [2, 30, 1, [1, 2, 3], 4])).toBe(8);
    expect(found({}, [1, 30, 1, [1, 2, 3, 4, 5, 6, 7, 8], 4], [2, 9, 1, [1, 2, 9], 4])).toBe(8);
  });

  it('computes the last block of an aligned, fully cached prompt again', () => {
    expect(found({}, [1, 8, 1, [1, 2], 4], [2, 8, 1, [1, 2], 4])).toBe(4);
    expect(found({}, [1, 8, 1, [1, 2], 4], [2, 9, 1, [1, 2], 4])).toBe(8);
  });

  it('shares what trace blocks larger than its own imply', () => {
    expect(found({}, [1, 16, 1, [1, 2], 8], [2, 16, 1, [1, 3], 8])).toBe(8);
    expect(found({}, [1, 12, 1, [1, 2], 8], [2, 16, 1, [1, 2], 8])).toBe(12);
  });

  it('shares what trace blocks smaller than its own imply', () => {
    expect(found({}, [1, 10, 1, [1, 2, 3, 4, 5], 2], [2, 10, 1, [1, 2, 3, 9, 5], 2])).toBe(4);
    expect(found({}, [1, 10, 1, [1, 2, 3, 4, 5], 2], [2, 10, 1, [1, 2, 3, 4, 9], 2])).toBe(8);
  });

  it('shares no block that reaches into a trace block of other content', () => {
    // Blocks of 4 end in the trace blocks of 3 number 1, 2 and 3.
    expect(found({}, [1, 13, 1, [1, 2, 3, 4], 3], [2, 13, 1, [1, 9, 3, 4], 3])).toBe(0);
    expect(found({}, [1, 13, 1, [1, 2, 3, 4], 3], [2, 13, 1, [1, 2, 9, 4], 3])).toBe(4);
    expect(found({}, [1, 13, 1, [1, 2, 3, 4], 3], [2, 13, 1, [1, 2, 3, 4], 3])).toBe(12);
  });

  it('shares no content beyond what is known of a prompt, and none of unknown content', () => {
    expect(found({}, [1, 13, 1, [1], 4], [2, 13, 1, [1], 4])).toBe(4);
    expect(found({}, [1, 13, 1], [2, 13, 1])).toBe(0);
    expect(found({}, [1, 13, 1, [1, 2, 3], 4], [2, 13, 1, [1, 2, 3], 5])).toBe(0);
  });

  it('never shares generated tokens', () => {
    expect(found({}, [1, 4, 9, [1, 2, 3], 4], [2, 12, 1, [1, 2, 3], 4])).toBe(4);
  });

  it('shares blocks within one pass', () => {
    const times = tokenTimes(engineConfig(), submit(0, job(1, 10, 1, [1, 2, 3])), submit(0, job(2, 10, 1, [1, 2, 3])));
    expect(times).toEqual({ 1: [240], 2: [240] });
  });

  it('shares nothing when it is off', () => {
    expect(found({ prefixCache: false }, [1, 10, 1, [1, 2, 3], 4], [2, 10, 1, [1, 2, 3], 4])).toBe(0);
  });

  it('evicts the longest idle first, of one request its suffix first', () => {
    // Four blocks idle, two free; the stranger takes both and two of the four.
    const first = submit(0, job(1, 16, 1, [1, 2, 3, 4]));
    const last = submit(2000, job(3, 16, 1, [1, 2, 3, 4]));
    const between = submit(1000, job(2, 16, 1));
    expect(tokenTimes(engineConfig({ blocks: 6 }), first, between, last)[3]).toEqual([2000 + 100 + 80 + 16]);
    // Of two requests the earlier loses first, unless it was used again since.
    const earlier = submit(0, job(1, 9, 1, [1, 2]));
    const later = submit(500, job(2, 9, 1, [7, 8]));
    const again = submit(1000, job(3, 9, 1, [1, 2]));
    const stranger = submit(1500, job(4, 12, 1));
    const asks = (owner: number, ids: number[]) => submit(2000, job(owner, 9, 1, ids));
    const left = (...rest: ReturnType<typeof asks>[]): number | undefined =>
      tokenTimes(engineConfig({ blocks: 5 }), earlier, later, ...rest)[5]?.[0];
    expect(left(stranger, asks(5, [1, 2]))).toBe(2000 + 100 + 90 + 9);
    expect(left(stranger, asks(5, [7, 8]))).toBe(2000 + 100 + 10 + 9);
    expect(left(again, stranger, asks(5, [1, 2]))).toBe(2000 + 100 + 10 + 9);
    expect(left(again, stranger, asks(5, [7, 8]))).toBe(2000 + 100 + 90 + 9);
  });

  it('counts idle blocks of the request itself once: they are no room for its rest', () => {
    // Five blocks, two of them idle and its own, two in use: one is left for two more.
    const config = engineConfig({ blocks: 5 });
    const commands = [submit(0, job(1, 8, 1, [1, 2])), submit(1000, job(2, 7, 2)), submit(1001, job(3, 16, 1, [1, 2]))];
    expect(tokenTimes(config, ...commands)[3]).toEqual([1000 + 177 + 118 + 100 + 80 + 16]);
    expect(tokenTimes(engineConfig({ blocks: 6 }), ...commands)[3]).toEqual([1000 + 177 + 100 + 90 + 24]);
  });

  it('gives active blocks of others full credit', () => {
    // Job 1 holds two blocks of four, job 2 needs three, two of them the same.
    const config = engineConfig({ blocks: 4 });
    const times = tokenTimes(config, submit(0, job(1, 8, 3, [1, 2])), submit(1, job(2, 9, 1, [1, 2])));
    expect(times).toEqual({ 1: [188, 188 + 138, 326 + 120], 2: [326] });
  });
});

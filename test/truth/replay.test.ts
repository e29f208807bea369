import { describe, expect, it } from 'vitest';
import { replayLog } from '../../src/truth/replay.ts';
import { loggedRequest, runLog } from './logs.ts';

/** Every iteration lasts 100 µs. */
const EVEN = { kind: 'affine', baseUs: 100, perTokenUs: 0, perKvTokenUs: 0 } as const;

describe('a replay', () => {
  it('gives each request its instants on the axis of the log', () => {
    const { requests } = replayLog(runLog([loggedRequest(0), loggedRequest(250)]), EVEN);
    expect(requests).toEqual([
      { takenAt: 0, firstTokenAt: 100, lastTokenAt: 300 },
      // The iteration that runs when it comes ends at 300; a taken request is computed in the next.
      { takenAt: 300, firstTokenAt: 400, lastTokenAt: 600 },
    ]);
  });

  it('lets a request sit out the next iteration where the engine schedules ahead', () => {
    const log = runLog([loggedRequest(0, { outputTokens: 9 }), loggedRequest(250)], { schedulesAhead: true });
    const { requests } = replayLog(log, EVEN);
    expect(requests[1]).toEqual({ takenAt: 300, firstTokenAt: 500, lastTokenAt: 700 });
  });

  it('starts at once whoever waited for an iteration that never comes', () => {
    const log = runLog([loggedRequest(0, { outputTokens: 1 }), loggedRequest(50)], { schedulesAhead: true });
    expect(replayLog(log, EVEN).requests[1]).toEqual({ takenAt: 100, firstTokenAt: 200, lastTokenAt: 400 });
  });

  it('meets the batch limits, the pool and the shared prefixes of the log', () => {
    const alone = runLog([loggedRequest(0), loggedRequest(0)], { maxRunning: 1 });
    expect(replayLog(alone, EVEN).requests[1]?.firstTokenAt).toBe(400);
    const long = { promptTokens: 40, outputTokens: 9 };
    const tight = runLog([loggedRequest(0, long), loggedRequest(0, long)], { blocks: 21 });
    expect(replayLog(tight, EVEN).preemptions).toBe(1);
    const shared = { promptTokens: 13, hashIds: [7, 8, 9] };
    const twice = runLog([loggedRequest(0, shared), loggedRequest(500, shared)]);
    expect(replayLog(twice, EVEN).prefixHitRatio).toBeCloseTo(12 / 26, 12);
    expect(replayLog(runLog(twice.requests, { prefixCache: false }), EVEN).prefixHitRatio).toBe(0);
  });

  it('reads the gauges at the ticks of the log', () => {
    const ticks = [50, 150, 1000].map((at) => ({ at, running: 0, waiting: 0, kvUsageRatio: undefined }));
    const { ticks: read } = replayLog(runLog([loggedRequest(0), loggedRequest(120)], { maxRunning: 1 }, ticks), EVEN);
    expect(read).toEqual([
      { at: 50, running: 1, waiting: 0, kvUsageRatio: 0.03 },
      { at: 150, running: 1, waiting: 1, kvUsageRatio: 0.03 },
      { at: 1000, running: 0, waiting: 0, kvUsageRatio: 0 },
    ]);
  });

  it('ends early when the first requests are enough', () => {
    const log = runLog([loggedRequest(0), loggedRequest(10_000)]);
    expect(replayLog(log, EVEN, 1).requests.map(({ lastTokenAt }) => lastTokenAt)).toEqual([300, -1]);
  });

  it('is refused when a request can never fit', () => {
    const log = runLog([loggedRequest(5, { promptTokens: 500 })]);
    const message = 'run at-5: 500 + 3 tokens never fit a KV pool of 100 blocks of 4 tokens';
    expect(() => replayLog(log, EVEN)).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import { agreement, measuredLatencies, percentileOf } from '../../src/truth/agreement.ts';
import type { Replay } from '../../src/truth/replay.ts';
import { loggedRequest, runLog } from './logs.ts';

/** Measured: TTFT 100·(i + 1), decode 200 over two tokens. Replayed: everything `factor` times as long. */
function pair(count: number, factor: number): { log: ReturnType<typeof runLog>; replay: Replay } {
  const requests = Array.from({ length: count }, (_, i) => {
    const queuedAt = 1000 * i;
    const firstTokenAt = queuedAt + 100 * (i + 1);
    return loggedRequest(queuedAt, { firstTokenAt, lastTokenAt: firstTokenAt + 200 });
  });
  const tick = (at: number, running: number) => ({ at, running, waiting: 0, kvUsageRatio: undefined });
  const ticks = [tick(-1, 99), tick(2000, 2), tick(3000, 4)];
  const replayed = requests.map(({ queuedAt }, i) => {
    const takenAt = queuedAt + 7;
    const firstTokenAt = takenAt + factor * 100 * (i + 1);
    return { takenAt, firstTokenAt, lastTokenAt: firstTokenAt + factor * 200 };
  });
  return {
    log: runLog(requests, {}, ticks),
    replay: {
      ...{ requests: replayed, ticks: [tick(-1, 0), tick(2000, 3), tick(3000, 3)] },
      ...{ preemptions: 0, prefixHitRatio: 0 },
    },
  };
}

describe('the agreement of a replay', () => {
  it('is the relative error of every statistic, from where a request was taken', () => {
    const { log, replay } = pair(10, 1.1);
    const { latencies } = agreement(log, replay, 0);
    const { mean, p90 } = latencies.ttft.statistics;
    expect([mean.measured, mean.replayed, p90.measured]).toEqual([550, 605, 910]);
    const { ttft, tpot, e2e } = latencies;
    const errors = [mean, p90, tpot.statistics.p50, e2e.statistics.p99].map(({ error }) => error);
    for (const error of [...errors, ttft.requestMedian, ttft.requestP95]) expect(error).toBeCloseTo(0.1, 12);
    expect([ttft.requests, tpot.statistics.p50.measured]).toEqual([10, 100]);
  });

  it('is that of the requests asked for, and of the ticks since the first of them', () => {
    const { log, replay } = pair(10, 1.1);
    const rest = agreement(log, replay, 4);
    expect(rest.latencies.ttft.requests).toBe(6);
    expect(rest.latencies.ttft.statistics.mean.measured).toBe(750);
    expect(agreement(log, replay, 0, 4).latencies.ttft.statistics.mean.measured).toBe(250);
    const { running, kvUsage } = agreement(log, replay, 0);
    expect(running).toEqual({ measured: 3, replayed: 3, error: 0, meanDifference: 1, ticks: 2 });
    expect(kvUsage).toBeUndefined();
  });

  it('has no TPOT of a request with one token', () => {
    expect(measuredLatencies(loggedRequest(0, { outputTokens: 1 })).tpot).toBeUndefined();
  });
});

describe('percentiles', () => {
  it('are interpolated as numpy does', () => {
    expect([0, 50, 90, 100].map((p) => percentileOf([1, 2, 3, 4], p))).toEqual([1, 2.5, 3.7, 4]);
    expect(percentileOf([], 50)).toBeNaN();
  });
});

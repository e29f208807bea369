import { describe, expect, it } from 'vitest';
import { endpoint, engine, MS, reportsEvery, runWorld, Script, sendAt } from '../harness/world-builder.ts';

const HANG = { kind: 'hang', at: 5 * MS, forUs: 20 * MS, worker: 0, scope: 'process' } as const;

describe('a hang', () => {
  it('keeps what runs and what comes, and goes on with both where it stopped', () => {
    const { records, state } = runWorld({ faults: [HANG], workload: sendAt(0, 8 * MS, 30 * MS) });
    // 5 ms of service before, 5 after; then the one that waited at the door.
    expect(records.map((record) => record.finishedAt)).toEqual([30 * MS, 40 * MS, 50 * MS]);
    expect(state).toBe('done');
  });

  it('freezes the streams of an engine: the gap between two tokens holds it', () => {
    for (const fastForward of [true, false]) {
      const { records, recorder } = runWorld({
        workers: [engine()],
        fastForward,
        faults: [{ ...HANG, at: 1_500, forUs: 10 * MS }],
        workload: new Script([{ promptTokens: 10, outputTokens: 4 }]),
      });
      // Tokens at 1.1, 2.11 + 10, then every 1.01 ms.
      expect(records[0]).toMatchObject({ firstTokenAt: 1_100, finishedAt: 1_100 + 3 * 1_010 + 10 * MS });
      expect(recorder.latencies.itl.max).toBe(11_010);
    }
  });

  it('lets the gateway give up in time, and the worker hear of it at the end', () => {
    const { world, records, recorder } = runWorld({
      workers: [engine()],
      faults: [{ ...HANG, at: 1_500 }],
      policies: { timeouts: { attempt: '4ms' } },
      workload: new Script([
        { promptTokens: 10, outputTokens: 4 },
        { at: 2 * MS, promptTokens: 7, outputTokens: 4 },
      ]),
    });
    expect(records).toMatchObject([
      { reason: 'timeout', finishedAt: 4 * MS },
      { reason: 'timeout', finishedAt: 6 * MS },
    ]);
    // The pass that stood still is paid for; the second job never began.
    expect(recorder.wastedTokens()).toMatchObject({ timeout: 11, total: 11 });
    expect(world.now).toBeGreaterThanOrEqual(21_500);
  });

  it('is ended by a crash, which resets what ran and what waited at the door', () => {
    const { records } = runWorld({
      faults: [
        { ...HANG, forUs: 3600 * 1000 * MS },
        { kind: 'crash', at: 9 * MS, forUs: 2 * MS, worker: 0 },
      ],
      workload: sendAt(0, 6 * MS, 10 * MS, 12 * MS),
    });
    const ends = records.map(({ reason, status, finishedAt }) => [reason, status, finishedAt]);
    expect(ends).toEqual([
      ['failed', 0, 9 * MS],
      ['failed', 0, 9 * MS],
      ['failed', 0, 10 * MS],
      ['ok', 0, 22 * MS],
    ]);
  });

  it('of the whole process silences its load reports, of the engine alone does not', () => {
    const reported = (scope: 'process' | 'engine') => {
      const seen: number[] = [];
      runWorld({
        faults: [{ ...HANG, scope }],
        reports: reportsEvery(10 * MS),
        workload: sendAt(0, 30 * MS),
        objects: { router: { pick: () => 0, reported: (now) => seen.push(now) } },
      });
      return seen;
    };
    expect(reported('process')).toEqual([30 * MS, 40 * MS]);
    expect(reported('engine')).toEqual([10 * MS, 20 * MS, 30 * MS, 40 * MS]);
  });

  it('ends with the last of those that overlap, and does nothing to a worker that is down', () => {
    const overlapping = [HANG, { ...HANG, at: 10 * MS, forUs: 2 * MS }, { ...HANG, at: 20 * MS }];
    expect(runWorld({ faults: overlapping, workload: sendAt(0) }).records[0]?.finishedAt).toBe(45 * MS);
    const down = [{ kind: 'crash', at: 4 * MS, forUs: 4 * MS, worker: 0 } as const, HANG];
    expect(runWorld({ faults: down, workload: sendAt(9 * MS) }).records[0]?.finishedAt).toBe(19 * MS);
  });

  it('keeps requests and cancellations at the door in their order', () => {
    const { recorder, records } = runWorld({
      workers: [endpoint({ maxRunning: 1, maxWaiting: 1 })],
      faults: [HANG],
      clientTimeoutUs: 9 * MS,
      // The second leaves while it waits at the door; the third is let in instead.
      workload: sendAt(4 * MS, 6 * MS, 17 * MS),
    });
    expect(records.map(({ id, reason, finishedAt }) => [id, reason, finishedAt])).toEqual([
      [0, 'cancelled', 13 * MS],
      [1, 'cancelled', 15 * MS],
      [2, 'cancelled', 26 * MS],
    ]);
    expect(recorder.attemptOutcomes()).toMatchObject({ cancelled: 3, refused: 0 });
  });
});

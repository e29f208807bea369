import { describe, expect, it } from 'vitest';
import type { Traffic } from '../../src/sim/fault-config.ts';
import { engine, MS, reportsEvery, runWorld, Script, sendAt } from '../harness/world-builder.ts';

const ONE_HOP = { clientUs: 0, workerUs: 1 * MS };

function partition(...loses: Traffic[]) {
  return { kind: 'partition', at: 5 * MS, forUs: 20 * MS, worker: 0, loses } as const;
}

describe('a partition', () => {
  it('holds up requests and replies until it ends; what was on its way arrives', () => {
    const { records } = runWorld({
      network: ONE_HOP,
      faults: [partition('requests')],
      workload: sendAt(0, 4_500, 8 * MS),
    });
    // Replies of 11 and 21 ms leave at 25; the third request leaves then and is served from 26 to 36.
    expect(records.map((record) => record.finishedAt)).toEqual([26 * MS, 26 * MS, 37 * MS]);
  });

  it('keeps the order of a connection', () => {
    const { records } = runWorld({
      workers: [engine()],
      network: { clientUs: 0, workerUs: { dist: 'uniform', min: 0, max: 30 * MS } },
      faults: [{ ...partition('requests'), at: 0, forUs: 60 * MS }],
      workload: new Script(Array.from({ length: 50 }, () => ({ promptTokens: 1, outputTokens: 3 }))),
    });
    expect(records).toHaveLength(50);
    for (const { startedAt, firstTokenAt, finishedAt, reason } of records) {
      expect(reason).toBe('ok');
      expect(firstTokenAt).toBeGreaterThanOrEqual(startedAt + 60 * MS);
      expect(finishedAt).toBeGreaterThanOrEqual(firstTokenAt);
    }
  });

  it('makes replies come too late for the gateway, and their tokens wasted', () => {
    const { records, recorder } = runWorld({
      network: ONE_HOP,
      faults: [partition('requests')],
      policies: { timeouts: { attempt: '15ms' } },
      workload: new Script([{ promptTokens: 10, outputTokens: 5 }]),
    });
    expect(records).toMatchObject([{ reason: 'timeout', finishedAt: 15 * MS }]);
    expect(recorder.wastedTokens()).toMatchObject({ timeout: 14, total: 14 });
  });

  it('may lose load reports while requests pass, and the reverse', () => {
    const seen = (...loses: Traffic[]) => {
      const reported: number[] = [];
      const { records } = runWorld({
        network: ONE_HOP,
        faults: [partition(...loses)],
        reports: reportsEvery(10 * MS),
        workload: sendAt(0, 30 * MS),
        objects: { router: { pick: () => 0, reported: (now) => reported.push(now) } },
      });
      return { reported, finishedAt: records.map((record) => record.finishedAt) };
    };
    expect(seen('reports')).toEqual({ reported: [31 * MS, 41 * MS], finishedAt: [12 * MS, 42 * MS] });
    expect(seen('requests')).toEqual({
      reported: [11 * MS, 21 * MS, 31 * MS, 41 * MS],
      finishedAt: [26 * MS, 42 * MS],
    });
  });

  it('of windows that touch or overlap is one', () => {
    const { records } = runWorld({
      faults: [
        { ...partition('requests'), at: 25 * MS, forUs: 5 * MS },
        partition('requests'),
        { ...partition('requests'), at: 6 * MS, forUs: 1 * MS },
        { ...partition('requests'), worker: 0, at: 50 * MS },
      ],
      workload: sendAt(0, 31 * MS, 45 * MS),
    });
    expect(records.map((record) => record.finishedAt)).toEqual([30 * MS, 41 * MS, 70 * MS]);
  });
});

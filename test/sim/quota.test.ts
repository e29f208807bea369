import { describe, expect, it } from 'vitest';
import { endpoint, MS, runWorld, Script } from '../harness/world-builder.ts';

const HOP = { clientUs: 0, workerUs: 1 * MS };
const at = (...instants: number[]) => new Script(instants.map((instant) => ({ at: instant })));
const BIG = endpoint({ maxRunning: 100, serviceUs: { dist: 'constant', value: 1 * MS } });

describe('a quota', () => {
  it('turns away with 429 what is beyond it, until the next window', () => {
    const { records } = runWorld({
      workers: [BIG],
      quotas: [{ requests: 2, perUs: 50 * MS }],
      workload: at(0, 1 * MS, 2 * MS, 49 * MS, 50 * MS),
    });
    expect(records.map(({ sentAt, reason, status }) => [sentAt / MS, reason, status])).toEqual([
      [0, 'ok', 0],
      [1, 'ok', 0],
      [2, 'failed', 429],
      [49, 'failed', 429],
      [50, 'ok', 0],
    ]);
  });

  it('asks those it turns away to come back when the window ends', () => {
    const retry = { name: 'exponential', initialBackoff: '1ms', jitterFactor: 0, maxAttempts: 2 };
    const { records } = runWorld({
      workers: [BIG],
      network: HOP,
      quotas: [{ requests: 1, perUs: 50 * MS }],
      policies: { retry },
      workload: at(0, 4 * MS),
    });
    // It reaches the worker at 5 ms and is asked to wait for 45; the answer is there at 6, the second attempt at 52.
    expect(records).toMatchObject([{ reason: 'ok' }, { reason: 'ok', attempts: 2, finishedAt: 54 * MS }]);
  });

  it('is of each worker by itself', () => {
    const { records } = runWorld({
      workers: [BIG, BIG],
      quotas: [{ requests: 1, perUs: 50 * MS }],
      workload: at(0, 0, 0, 0),
    });
    expect(records.map(({ worker, reason }) => [worker, reason])).toEqual(
      expect.arrayContaining([[0, 'ok'], [0, 'failed'], [1, 'ok'], [1, 'ok']]),
    );
  });
});

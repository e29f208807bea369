import { describe, expect, it } from 'vitest';
import { endpoint, engine, MS, runWorld, Script, SEC } from '../harness/world-builder.ts';

const one = { dist: 'constant', value: 1 } as const;
const CUT = { kind: 'cut', at: 0, forUs: Infinity, worker: 0, ratio: 1, afterTokens: one } as const;
const retry = { name: 'exponential', initialBackoff: '1ms', jitterFactor: 0, maxAttempts: 5 };

describe('a cut connection', () => {
  it('ends its attempt right after the first token, which the client has: nobody tries again', () => {
    const { records, recorder } = runWorld({
      workers: [engine()],
      network: { clientUs: 100, workerUs: 1 * MS },
      faults: [CUT],
      policies: { retry },
      workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
    });
    const at = 100 + 1 * MS + 1_100 + 1 * MS + 100;
    expect(records).toMatchObject([
      { reason: 'failed', cause: 'upstream', status: 0, attempts: 1, firstTokenAt: at, finishedAt: at },
    ]);
    expect(recorder.wastedTokens()).toMatchObject({ failed: 10, prefill: 10, decode: 0, total: 10 });
  });

  it('comes with the token of its number, and what was computed until then is wasted', () => {
    for (const fastForward of [true, false]) {
      const { records, recorder, world } = runWorld({
        workers: [engine()],
        fastForward,
        faults: [{ ...CUT, afterTokens: { dist: 'constant', value: 30 } }],
        workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
      });
      expect(records).toMatchObject([{ reason: 'failed', firstTokenAt: 1_100, finishedAt: 1_100 + 29 * 1_010 }]);
      expect(recorder.wastedTokens()).toMatchObject({ failed: 39, prefill: 10, decode: 29 });
      expect(world.workerFacts()[0]?.generatedTokens).toBe(30);
    }
  });

  it('is too late for a shorter reply', () => {
    const { records } = runWorld({
      workers: [engine()],
      faults: [{ ...CUT, afterTokens: { dist: 'constant', value: 5 } }],
      workload: new Script([{ outputTokens: 4 }, { outputTokens: 0 }]),
    });
    expect(records.map(({ reason }) => reason)).toEqual(['ok', 'ok']);
  });

  it('before any byte of a reply that comes whole is tried again', () => {
    const { records } = runWorld({
      workers: [endpoint()],
      faults: [{ ...CUT, forUs: 5 * MS }],
      policies: { retry },
      workload: new Script([{ outputTokens: 5 }]),
    });
    expect(records).toMatchObject([{ reason: 'ok', attempts: 2, finishedAt: 21 * MS }]);
  });

  it('befalls its share of attempts, and of two the earlier counts', () => {
    const requests = 3_000;
    const { records } = runWorld({
      check: false,
      workers: [engine({ maxRunning: 64, maxBatchedTokens: 1024, blocks: 1024 })],
      faults: [
        { ...CUT, ratio: 0.4, afterTokens: { dist: 'constant', value: 6 } },
        { ...CUT, ratio: 0.5, afterTokens: { dist: 'uniform', min: 2, max: 3 } },
      ],
      workload: new Script(Array.from({ length: requests }, (_, i) => ({ at: i * MS, outputTokens: 20 }))),
      limits: { drainUs: 600 * SEC, eventsMax: Infinity, warmupUs: 0 },
    });
    const cut = records.filter(({ reason }) => reason === 'failed').length;
    // 1 − 0.6 · 0.5; within four standard deviations.
    expect(Math.abs(cut - requests * 0.7)).toBeLessThan(4 * Math.sqrt(requests * 0.7 * 0.3));
  });

  it('strikes the same attempts whatever the policies', () => {
    const struck = (router: string) => {
      const { records } = runWorld({
        check: false,
        workers: [engine(), engine()],
        faults: [
          { ...CUT, ratio: 0.5 },
          { ...CUT, ratio: 0.5, worker: 1 },
        ],
        policies: { router: { name: router } },
        workload: new Script(Array.from({ length: 200 }, (_, i) => ({ at: i * 40 * MS, outputTokens: 20 }))),
      });
      return new Map(records.map(({ id, worker, reason }) => [`${id}/${worker}`, reason]));
    };
    const [one, other] = [struck('round-robin'), struck('random')];
    const both = [...one.keys()].filter((key) => other.has(key));
    expect(both.length).toBeGreaterThan(50);
    expect(both.map((key) => one.get(key))).toEqual(both.map((key) => other.get(key)));
  });
});

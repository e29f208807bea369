import { describe, expect, it } from 'vitest';
import type { AttemptResult, Retry } from '../../policies/types.ts';
import type { FaultConfig } from '../../src/sim/fault-config.ts';
import { endpoint, engine, MS, runWorld, SEC, sendAt } from '../harness/world-builder.ts';
import { arrivalOf, Script } from '../harness/world-builder.ts';

const ONE_HOP = { clientUs: 0, workerUs: 1 * MS };

/** Retries for ever after a fixed delay and remembers what it was asked. */
class RetryLog implements Retry {
  readonly asked: { at: number; result: AttemptResult }[] = [];
  readonly #delayUs: number;

  constructor(delayUs: number) {
    this.#delayUs = delayUs;
  }

  delayUs(now: number, _request: unknown, result: AttemptResult): number {
    this.asked.push({ at: now, result });
    return this.#delayUs;
  }
}

const ERRORS = { kind: 'errors', at: 0, forUs: Infinity, worker: 0, retryAfterUs: -1 } as const;
const CRASH = { kind: 'crash', at: 5 * MS, forUs: 20 * MS, worker: 0 } as const;

describe('a crash', () => {
  it('fails what runs one hop later, refuses until the worker is back, and leaves the retry to find another', () => {
    const retry = new RetryLog(4 * MS);
    const { records, recorder } = runWorld({
      workers: [endpoint(), endpoint({ serviceUs: { dist: 'constant', value: 50 * MS } })],
      network: ONE_HOP,
      faults: [CRASH],
      workload: sendAt(0),
      policies: { excludeFailedWorkers: false },
      objects: { retry, excludeFailedWorkers: false, router: { pick: (_now, r) => (r.attemptCount < 2 ? 0 : 1) } },
    });
    // Submitted at 1 ms, crash at 5, reset at 6; again at 10, refused at 11, known at 12; the third goes elsewhere.
    expect(retry.asked).toEqual([
      { at: 6 * MS, result: { outcome: 'failed', status: 0, retryAfterUs: -1, bytesSent: false } },
      { at: 12 * MS, result: { outcome: 'refused', status: 0, retryAfterUs: -1, bytesSent: false } },
    ]);
    expect(records).toMatchObject([{ reason: 'ok', attempts: 3, worker: 1, finishedAt: (16 + 1 + 50 + 1) * MS }]);
    expect(recorder.attemptOutcomes()).toEqual({ ok: 1, refused: 1, failed: 1, timeout: 0, cancelled: 0 });
  });

  it('is noticed by the health check after the detection time, and so is the return', () => {
    const seen: { at: number; worker: number; status: string }[] = [];
    const { records } = runWorld({
      faults: [CRASH],
      detectionUs: 3 * MS,
      // Keeps the run alive beyond the return.
      workload: sendAt(9 * MS),
      objects: {
        router: {
          pick: () => 0,
          statusChanged: (at, worker, status) => seen.push({ at, worker, status }),
        },
      },
    });
    expect(seen).toEqual([
      { at: 0, worker: 0, status: 'ready' },
      { at: 8 * MS, worker: 0, status: 'not-ready' },
      { at: 28 * MS, worker: 0, status: 'ready' },
    ]);
    expect(records).toMatchObject([{ arrivedAt: 9 * MS, startedAt: 28 * MS, finishedAt: 38 * MS, attempts: 1 }]);
  });

  it('shorter than the detection time is never noticed', () => {
    const seen: string[] = [];
    runWorld({
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 40 * MS } }), endpoint()],
      faults: [{ ...CRASH, worker: 1 }],
      detectionUs: 21 * MS,
      workload: sendAt(10 * MS),
      objects: { router: { pick: () => 0, statusChanged: (_at, worker, status) => seen.push(`${worker} ${status}`) } },
    });
    expect(seen).toEqual(['0 ready', '1 ready', '1 ready', '1 ready']);
  });

  it('ends only when the last of overlapping crashes does', () => {
    const { records } = runWorld({
      faults: [CRASH, { ...CRASH, at: 10 * MS, forUs: 30 * MS }, { ...CRASH, at: 12 * MS, forUs: 1 * MS }],
      workload: sendAt(0),
      objects: { retry: new RetryLog(1 * MS) },
    });
    // One attempt at 0 and one each millisecond from 6 on; that of 40 ms finds the worker back.
    expect(records).toMatchObject([{ reason: 'ok', finishedAt: 50 * MS, attempts: 36 }]);
  });

  it('wastes the tokens computed so far, once', () => {
    const { recorder } = runWorld({
      workers: [engine()],
      network: ONE_HOP,
      faults: [{ ...CRASH, at: 4_500 }],
      workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
    });
    // Passes end at 2.1 (prompt, first token), 3.11 and 4.12 ms.
    const waste = { crash: 12, timeout: 0, failed: 0, cancelled: 0, preempt: 0, prefill: 10, decode: 2, total: 12 };
    expect(recorder.wastedTokens()).toEqual(waste);
    expect(recorder.attemptOutcomes().failed).toBe(1);
  });

  it('that comes between a cancellation and its arrival wastes the tokens once', () => {
    const { recorder } = runWorld({
      workers: [engine()],
      network: ONE_HOP,
      faults: [{ ...CRASH, at: 4_500 }],
      policies: { timeouts: { attempt: '4ms' } },
      workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
    });
    expect(recorder.wastedTokens()).toMatchObject({ crash: 12, total: 12 });
    expect(recorder.attemptOutcomes()).toMatchObject({ timeout: 1, failed: 0 });
  });
});

describe('a slow window', () => {
  const SLOW = { kind: 'slow', at: 5 * MS, forUs: 20 * MS, worker: 0, factor: 3 } as const;

  it('stretches what begins in it, whole, and nothing else', () => {
    const { records } = runWorld({ faults: [SLOW], workload: sendAt(0, 1, 2) });
    expect(records.map((record) => record.finishedAt)).toEqual([10 * MS, 40 * MS, 50 * MS]);
  });

  it('multiplies with another that overlaps it', () => {
    const { records } = runWorld({
      faults: [SLOW, { ...SLOW, at: 6 * MS, forUs: 10 * MS, factor: 2 }],
      workload: sendAt(0, 1, 2),
    });
    expect(records.map((record) => record.finishedAt)).toEqual([10 * MS, 70 * MS, 80 * MS]);
  });

  it('stretches the passes of an engine that begin in it', () => {
    const { records } = runWorld({
      workers: [engine()],
      faults: [{ ...SLOW, at: 1_500, forUs: 1 * MS, factor: 2 }],
      workload: new Script([{ promptTokens: 10, outputTokens: 4 }]),
    });
    // 1.1 ms of prompt, then 1.01, 2.02 (begun at 2.11) and 1.01 ms.
    expect(records[0]?.finishedAt).toBe(1_100 + 1_010 + 2_020 + 1_010);
  });
});

describe('an error rate', () => {
  it('fails its share of attempts and tells the retry policy status and Retry-After', () => {
    const retry = new RetryLog(-1);
    const requests = 4_000;
    const { recorder, records } = runWorld({
      check: false,
      faults: [{ ...ERRORS, ratio: 0.3, status: 429, retryAfterUs: 7 * MS }],
      workload: sendAt(...Array.from({ length: requests }, (_, i) => i)),
      objects: { retry },
    });
    expect(new Set(retry.asked.map(({ result }) => JSON.stringify(result)))).toEqual(
      new Set([JSON.stringify({ outcome: 'refused', status: 429, retryAfterUs: 7 * MS, bytesSent: false })]),
    );
    expectShare(recorder.attemptOutcomes().refused, requests, 0.3);
    const failed = records.filter((record) => record.reason === 'failed');
    expect(failed.every((record) => record.cause === 'rate-limited' && record.status === 429)).toBe(true);
    expect(recorder.wastedTokens().total).toBe(0);
  });

  it('of two windows at once draws for each by itself', () => {
    const requests = 4_000;
    const { records } = runWorld({
      check: false,
      faults: [
        { ...ERRORS, ratio: 0.5, status: 500 },
        { ...ERRORS, ratio: 0.5, status: 503 },
      ],
      workload: sendAt(...Array.from({ length: requests }, (_, i) => i)),
    });
    const withStatus = (status: number) => records.filter((record) => record.status === status).length;
    expectShare(withStatus(500), requests, 0.5);
    expectShare(withStatus(503), requests, 0.25);
  });

  it('strikes only in its window', () => {
    const faults: FaultConfig[] = [{ ...ERRORS, at: 10, forUs: 10, ratio: 1, status: 500 }];
    const { records } = runWorld({ faults, workload: sendAt(9, 10, 19, 20) });
    const byId = [...records].sort((a, b) => a.id - b.id);
    expect(byId.map((record) => record.reason)).toEqual(['ok', 'failed', 'failed', 'ok']);
  });

  it('with Retry-After delays the next attempt until then', () => {
    const { records } = runWorld({
      faults: [{ ...ERRORS, forUs: 5 * MS, ratio: 1, status: 429, retryAfterUs: 40 * MS }],
      policies: { retry: { name: 'exponential', initialBackoff: '1ms', jitterFactor: 0 } },
      workload: sendAt(0),
    });
    expect(records).toMatchObject([{ reason: 'ok', attempts: 2, finishedAt: 50 * MS }]);
  });
});

describe('an attempt', () => {
  it('that timed out in the gateway leaves its worker one hop later, and its tokens count as timeout', () => {
    const { recorder, records } = runWorld({
      workers: [engine()],
      network: ONE_HOP,
      policies: { timeouts: { attempt: '4ms' } },
      workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
    });
    // Passes end at 2.1, 3.11, 4.12 ms; the cancellation arrives at 5, in a pass that is paid for.
    expect(recorder.wastedTokens()).toMatchObject({ timeout: 13, prefill: 10, decode: 3, total: 13 });
    expect(records).toMatchObject([{ reason: 'timeout', cause: 'upstream', finishedAt: 4 * MS }]);
  });

  it('given up as a pass ends lets the next one begin after everything that arrives at that instant', () => {
    const { records } = runWorld({
      workers: [engine()],
      clientTimeoutUs: 3_230,
      fastForward: false,
      // Passes end at 1.1, 2.21 (the second prompt joined) and 3.23 ms; then one client leaves and the third comes.
      workload: new Script([{ outputTokens: 50 }, { at: 500, outputTokens: 50 }, { at: 3_230, outputTokens: 1 }]),
    });
    expect(records.find((record) => record.id === 2)).toMatchObject({ reason: 'ok', finishedAt: 3_230 + 1_110 });
  });

  it('whose reply comes too late is wasted whole and counted once', () => {
    const { recorder } = runWorld({
      network: ONE_HOP,
      policies: { timeouts: { attempt: '11500us' } },
      workload: new Script([arrivalOf({ promptTokens: 10, outputTokens: 5 })]),
    });
    // The worker is done at 11 ms, the gateway hears of it at 12 and gave up at 11.5.
    expect(recorder.wastedTokens()).toMatchObject({ timeout: 14, prefill: 10, decode: 4, total: 14 });
    expect(recorder.attemptOutcomes()).toEqual({ ok: 0, refused: 0, failed: 0, timeout: 1, cancelled: 0 });
  });
});

/** Inside the two-sided 99 % interval of a binomial count. */
function expectShare(count: number, of: number, ratio: number): void {
  expect(Math.abs(count - of * ratio)).toBeLessThan(2.576 * Math.sqrt(of * ratio * (1 - ratio)));
}

describe('a fleet without faults', () => {
  it('wastes nothing', () => {
    const { recorder, state } = runWorld({ workers: [engine()], workload: sendAt(0, 0, 5 * SEC) });
    expect([state, recorder.wastedTokens().total, recorder.completed]).toEqual(['done', 0, 3]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_OUTCOMES, REQUEST_OUTCOMES, WASTE_CAUSES, requestOutcome } from '../../src/results/outcome.ts';
import type { RequestOutcome } from '../../src/results/outcome.ts';
import type { RequestRecord } from '../../src/results/record.ts';
import { Recorder } from '../../src/results/recorder.ts';
import { recordOf } from './samples.ts';

const REASONS = ['ok', 'failed', 'timeout', 'cancelled', 'shed'] as const;
const CAUSES = [
  'none',
  'queue-full',
  'queue-timeout',
  'no-worker',
  'all-busy',
  'rate-limited',
  'preempted',
  'deadline',
  'upstream',
  'client',
] as const;

const OUTCOMES: readonly (readonly [Partial<RequestRecord>, boolean, RequestOutcome])[] = [
  [{}, false, 'ok'],
  [{ attempts: 2 }, false, 'ok_after_retry'],
  [{ attempts: 2 }, true, 'ok_salvaged'],
  [{ attempts: 1 }, true, 'ok_salvaged'],
  [{ reason: 'shed', cause: 'queue-full' }, false, 'shed_queue_full'],
  [{ reason: 'shed', cause: 'queue-timeout' }, false, 'queue_timeout'],
  [{ reason: 'timeout', cause: 'queue-timeout' }, false, 'queue_timeout'],
  [{ reason: 'shed', cause: 'no-worker' }, false, 'shed_other'],
  [{ reason: 'shed', cause: 'all-busy' }, false, 'shed_other'],
  [{ reason: 'shed', cause: 'rate-limited' }, false, 'shed_other'],
  [{ reason: 'shed', cause: 'preempted' }, false, 'shed_other'],
  [{ reason: 'shed', cause: 'none' }, false, 'shed_other'],
  [{ reason: 'timeout', cause: 'deadline' }, true, 'deadline'],
  [{ reason: 'cancelled', cause: 'client' }, false, 'client_timeout'],
  [{ reason: 'cancelled', cause: 'none' }, false, 'cancelled'],
  [{ reason: 'timeout', cause: 'upstream' }, false, 'failed'],
  [{ reason: 'failed', cause: 'upstream' }, true, 'failed'],
];

describe('requestOutcome', () => {
  it.each(OUTCOMES)('%j, salvaged %s, is %s', (fields, salvaged, outcome) => {
    expect(requestOutcome(recordOf(fields), salvaged)).toBe(outcome);
  });
});

describe('Recorder', () => {
  it('gives the numbers computed by hand', () => {
    const recorder = new Recorder({ ttftUs: 100_000, tpotUs: 10_000, e2eUs: 1_000_000 });
    for (const sentAt of [5_000, 0, 7_000, 9_000]) recorder.sent(sentAt);
    // TTFT 101 ms misses its objective by 1 ms; E2E 201 ms, TPOT 10 ms.
    recorder.request(recordOf(), false);
    // TTFT 100 ms meets it just; E2E 200 ms; TPOT 10 ms just.
    recorder.request(recordOf({ sentAt: 1_000, arrivedAt: 2_000, startedAt: 2_000, promptTokens: 7 }), false);
    // One token: TPOT 0 for the objective, none in the mean.
    recorder.request(recordOf({ outputTokens: 1, firstTokenAt: 50_000, finishedAt: 50_000 }), false);
    recorder.request(recordOf({ reason: 'failed', cause: 'upstream', finishedAt: 900_000, startedAt: 21_000 }), false);

    expect([recorder.offered, recorder.finished, recorder.completed, recorder.good]).toEqual([4, 4, 3, 2]);
    expect([recorder.inputTokens, recorder.outputTokens, recorder.durationUs]).toEqual([207, 23, 900_000]);
    const { ttft, tpot, e2el, gatewayQueue } = recorder.latencies;
    expect([ttft.count, ttft.min, ttft.percentile(50), ttft.max]).toEqual([3, 50_000, 100_000, 101_000]);
    expect([tpot.count, tpot.min, tpot.max]).toEqual([2, 10_000, 10_000]);
    expect([e2el.count, e2el.min, e2el.percentile(50), e2el.max]).toEqual([3, 50_000, 200_000, 201_000]);
    // Of the failed one too.
    expect([gatewayQueue.count, gatewayQueue.min, gatewayQueue.max, gatewayQueue.sum]).toEqual([
      4, 0, 20_000, 24_000,
    ]);
  });

  it.each([
    [{ ttftUs: 101_000, tpotUs: 10_000, e2eUs: 201_000 }, 1],
    [{ ttftUs: 100_999, tpotUs: 10_000, e2eUs: 201_000 }, 0],
    [{ ttftUs: 101_000, tpotUs: 9_999, e2eUs: 201_000 }, 0],
    [{ ttftUs: 101_000, tpotUs: 10_000, e2eUs: 200_999 }, 0],
  ])('asks every objective of a good request (%j: %d good)', (slo, good) => {
    const recorder = new Recorder(slo);
    recorder.sent(0);
    recorder.request(recordOf(), false);
    expect(recorder.good).toBe(good);
  });

  it('takes E2E for the TTFT of a reply that came whole, and no TPOT', () => {
    const recorder = new Recorder();
    recorder.sent(0);
    recorder.request(recordOf({ firstTokenAt: -1 }), false);
    expect(recorder.latencies.ttft.max).toBe(201_000);
    expect(recorder.latencies.tpot.count).toBe(0);
  });

  it('counts requests that only met their objectives by failing as not good', () => {
    const recorder = new Recorder();
    recorder.sent(0);
    recorder.request(recordOf({ reason: 'failed', cause: 'upstream' }), false);
    expect([recorder.good, recorder.completed, recorder.latencies.e2el.count]).toEqual([0, 0, 0]);
  });

  it('weighs the gap between tokens by the sequences that had it', () => {
    const recorder = new Recorder();
    recorder.iteration(10_000, 3);
    recorder.iteration(50_000.4, 1);
    const { itl } = recorder.latencies;
    expect([itl.count, itl.mean, itl.max]).toEqual([4, 20_000, 50_000]);
  });

  it('counts attempts and wasted tokens by cause', () => {
    const recorder = new Recorder();
    for (const outcome of ATTEMPT_OUTCOMES) recorder.attempt(outcome);
    recorder.attempt('refused');
    WASTE_CAUSES.forEach((cause, index) => recorder.wasted(cause, 10 ** index, 2 * 10 ** index));
    expect(recorder.attempts).toBe(6);
    expect(recorder.attemptOutcomes()).toEqual({ ok: 1, refused: 2, failed: 1, timeout: 1, cancelled: 1 });
    expect(recorder.wastedTokens()).toEqual({
      timeout: 3,
      failed: 30,
      cancelled: 300,
      crash: 3_000,
      preempt: 30_000,
      prefill: 11_111,
      decode: 22_222,
      total: 33_333,
    });
  });

  it('streams every record to its sink, in order', () => {
    const seen: number[] = [];
    const recorder = new Recorder(undefined, (record) => seen.push(record.id));
    for (let id = 0; id < 3; id++) {
      recorder.sent(0);
      recorder.request(recordOf({ id, reason: REASONS[id] as (typeof REASONS)[number] }), false);
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  it('partitions what was offered, whatever happened', () => {
    const ending = fc.record({
      reason: fc.constantFrom(...REASONS),
      cause: fc.constantFrom(...CAUSES),
      attempts: fc.integer({ min: 0, max: 4 }),
      salvaged: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(ending, { maxLength: 200, size: 'max' }), fc.nat(5), (endings, unfinished) => {
        const recorder = new Recorder();
        for (let sent = 0; sent < endings.length + unfinished; sent++) recorder.sent(0);
        for (const { salvaged, ...fields } of endings) recorder.request(recordOf(fields), salvaged);
        const outcomes = recorder.outcomes();
        expect(Object.keys(outcomes).sort()).toEqual([...REQUEST_OUTCOMES].sort());
        expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(recorder.offered);
        expect(outcomes.unfinished).toBe(unfinished);
        expect(outcomes.ok + outcomes.ok_after_retry + outcomes.ok_salvaged).toBe(recorder.completed);
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  it('refuses a request that ends twice, and one that ends before it was sent', () => {
    const recorder = new Recorder();
    recorder.sent(0);
    recorder.request(recordOf(), false);
    expect(() => recorder.request(recordOf(), false)).toThrow('ended twice');
    recorder.sent(0);
    expect(() => recorder.request(recordOf({ sentAt: 5, finishedAt: 4 }), false)).toThrow('before it was sent');
  });
});

import { describe, expect, it } from 'vitest';
import { Busy, busy } from '../../../policies/busy/busy.ts';
import type { BusyConfig } from '../../../policies/busy/config.ts';
import type { AttemptOutcome, LoadReport } from '../../../policies/types.ts';
import { attemptResult, loadReport, requestView, workerView } from '../views.ts';

const STALE = 30e6;

function make(fields: Partial<BusyConfig> = {}, workers: readonly number[] = [0, 1]): Busy {
  const gate = new Busy({ ...busy.config.parse({ name: 'busy' }), ...fields });
  gate.discovered(0, workers);
  for (const worker of workers) gate.statusChanged(0, worker, 'ready');
  return gate;
}

/** KV blocks used of 100, and other fields. */
const used = (kvUsedBlocks: number, fields: Partial<LoadReport> = {}) =>
  loadReport({ kvUsedBlocks, kvTotalBlocks: 100, ...fields });

function allowed(gate: Busy, now: number, worker = 0): boolean {
  return gate.allows(now, workerView({ index: worker }));
}

function attempt(gate: Busy, now: number, id: number, worker = 0) {
  const lease = { id, request: requestView({ id }), worker: workerView({ index: worker }), startedAt: now };
  gate.granted(now, lease);
  return { end: (at: number, outcome: AttemptOutcome) => gate.settled(at, lease, attemptResult({ outcome })) };
}

describe('Busy', () => {
  it.each([
    ['KV usage', {}, used(90), used(91)],
    ['decoding blocks', { decodeRatioMax: 0.5 }, used(0, { decodeBlocks: 50 }), used(0, { decodeBlocks: 51 })],
    ['waiting tokens', { prefillTokensMax: 10 }, used(0, { prefillTokens: 10 }), used(0, { prefillTokens: 11 })],
    [
      'waiting batches',
      { prefillBatchesMax: 1.5 },
      used(0, { prefillTokens: 15, maxBatchedTokens: 10 }),
      used(0, { prefillTokens: 16, maxBatchedTokens: 10 }),
    ],
  ])('judges %s: at the threshold free, above it busy', (_signal, fields, at, above) => {
    const gate = make(fields);
    gate.reported(0, 0, 0, at);
    expect(allowed(gate, 0)).toBe(true);
    gate.reported(0, 0, 0, above);
    expect([allowed(gate, 0), allowed(gate, 0, 1)]).toEqual([false, true]);
    expect([gate.busyWorkers(0), gate.freeWorkers(0)]).toEqual([[0], [1]]);
  });

  it('is exact at every hundredth, where a product is not', () => {
    for (let percent = 0; percent <= 100; percent++) {
      const gate = make({ kvUsedRatioMax: percent / 100 });
      gate.reported(0, 0, 0, used(percent));
      expect(allowed(gate, 0)).toBe(true);
      gate.reported(0, 0, 0, used(percent + 1));
      expect(allowed(gate, 0)).toBe(false);
    }
  });

  it('keeps a worker free while one declared rank is below or unheard', () => {
    const gate = make();
    gate.configured(0, 0, 2);
    gate.reported(0, 0, 0, used(99));
    expect(allowed(gate, 0)).toBe(true);
    gate.reported(0, 0, 1, used(99));
    expect(allowed(gate, 0)).toBe(false);
    gate.reported(0, 0, 2, used(0));
    expect(allowed(gate, 0)).toBe(false);
    gate.configured(0, 0, 1);
    gate.configured(0, 0, 2);
    expect(allowed(gate, 0)).toBe(true);
  });

  it('lets one probe through when reports stop, and reconsiders then (S19, S20)', () => {
    const gate = make();
    gate.reported(0, 0, 0, used(99));
    gate.reportsEnded(1);
    expect(gate.reportsEndedAlarm).toBe(true);
    expect([gate.reconsiderAt(0), allowed(gate, STALE - 1), allowed(gate, STALE)]).toEqual([STALE, false, true]);
    expect(gate.busyWorkers(STALE)).toEqual([]);
    attempt(gate, STALE, 1);
    expect([allowed(gate, STALE), gate.reconsiderAt(STALE)]).toEqual([false, 2 * STALE]);
    expect(allowed(gate, 2 * STALE)).toBe(true);
  });

  it.each([
    ['ok', true, Infinity],
    ['cancelled', true, Infinity],
    ['failed', false, 2 * STALE + 5],
    ['timeout', false, 2 * STALE + 5],
    ['refused', false, STALE + 5 + 1e6],
  ] as const)('after a probe that ends %s allows another: %s', (outcome, allows, reconsiderAt) => {
    const gate = make();
    gate.reported(0, 0, 0, used(99));
    attempt(gate, STALE, 1).end(STALE + 5, outcome);
    expect([allowed(gate, STALE + 5), gate.reconsiderAt(STALE + 5)]).toEqual([allows, reconsiderAt]);
    attempt(gate, STALE + 6, 2);
    expect(allowed(gate, STALE + 6)).toBe(outcome === 'ok');
  });

  it('knows a probe by its attempt: an older lease that ends frees nobody', () => {
    const gate = make();
    const older = attempt(gate, 0, 1);
    gate.reported(0, 0, 0, used(99));
    attempt(gate, STALE, 2);
    older.end(STALE + 1, 'ok');
    expect(allowed(gate, STALE + 1)).toBe(false);
  });

  it('lets each signal age by itself (U16)', () => {
    const gate = make({ decodeRatioMax: 0.6 });
    gate.reported(0, 0, 0, used(99));
    for (const now of [10e6, 20e6, 30e6 - 1]) {
      gate.reported(now, 0, 0, loadReport({ decodeBlocks: 0 }));
      expect(allowed(gate, now)).toBe(false);
    }
    expect(allowed(gate, STALE)).toBe(true);
    attempt(gate, STALE, 1);
    expect(allowed(gate, STALE)).toBe(true);
  });

  it('keeps a worker that refused away for a second, or until it reports (U22, U23)', () => {
    const gate = make();
    attempt(gate, 0, 1).end(5, 'refused');
    gate.reported(5, 1, 0, used(0));
    expect([allowed(gate, 5), gate.reconsiderAt(5), allowed(gate, 5 + 1e6)]).toEqual([false, 5 + 1e6, true]);
    gate.reported(6, 0, 0, used(0));
    expect(allowed(gate, 6)).toBe(true);
  });

  it('applies changed thresholds at once, and clears them (U24 to U27)', () => {
    const gate = make();
    gate.reported(0, 0, 0, used(80));
    gate.setThresholds(0, { kvUsedRatioMax: 0.5 });
    expect(allowed(gate, 0)).toBe(false);
    gate.setThresholds(0, { prefillTokensMax: 5 });
    expect(gate.thresholds).toMatchObject({ kvUsedRatioMax: 0.5, prefillTokensMax: 5 });
    gate.clearThresholds(0);
    expect(allowed(gate, 0)).toBe(true);
    expect(new Set(Object.values(gate.thresholds))).toEqual(new Set([Infinity]));
    expect(() => gate.setThresholds(0, { kvUsedRatioMax: 90 })).toThrow('between 0 and 1');
    expect(() => gate.setThresholds(0, { prefillTokensMax: NaN })).toThrow('at least 0');
  });

  it('counts as free who is ready and not busy, in order of discovery', () => {
    const gate = make({}, [2, 0, 1]);
    gate.reported(0, 0, 0, used(99));
    expect([gate.freeWorkers(0), gate.verdict(0)]).toEqual([[2, 1], 'accept']);
    gate.statusChanged(0, 2, 'draining');
    gate.statusChanged(0, 1, 'failed');
    expect([gate.freeWorkers(0), gate.verdict(0)]).toEqual([[], 'all-busy']);
    gate.statusChanged(0, 0, 'failed');
    expect(gate.verdict(0)).toBe('no-worker');
  });

  it('forgets a worker that left, and keeps the sizes of one that says nothing of them', () => {
    const gate = make();
    gate.reported(0, 0, 0, used(10));
    gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 99 }));
    expect(allowed(gate, 0)).toBe(false);
    gate.discovered(0, [1]);
    gate.reported(0, 0, 0, used(99));
    gate.discovered(0, [0, 1]);
    expect(allowed(gate, 0)).toBe(true);
  });

  it('takes "none" for a check that is off', () => {
    const off = busy.config.parse({ name: 'busy', kvUsedRatioMax: 'none', staleAfter: 'none' });
    expect([off.kvUsedRatioMax, off.prefillTokensMax, off.staleAfter]).toEqual([Infinity, Infinity, Infinity]);
    const gate = make({ staleAfter: Infinity });
    expect(allowed(gate, 0)).toBe(true);
    gate.reported(0, 0, 0, used(99));
    expect([allowed(gate, 1e15), gate.reconsiderAt(1e15)]).toEqual([false, Infinity]);
    expect(busy.config.safeParse({ name: 'busy', kvUsedRatioMax: 90 }).success).toBe(false);
  });
});

describe('Busy when reports stop', () => {
  it('takes every silent worker for busy when silence is, one that never spoke too', () => {
    const gate = make({ whenStale: 'busy', staleAfter: 100 });
    expect([allowed(gate, 0), gate.reconsiderAt(0)]).toEqual([false, Infinity]);
    gate.reported(0, 0, 0, used(10));
    expect([0, 99, 100].map((now) => allowed(gate, now))).toEqual([true, true, false]);
    expect(allowed(gate, 99, 1)).toBe(false);
    gate.reported(150, 0, 0, used(91));
    expect([allowed(gate, 150), allowed(gate, 1e15)]).toEqual([false, false]);
  });

  it('takes one that was over for free when silence is', () => {
    const gate = make({ whenStale: 'free', staleAfter: 100 });
    gate.reported(0, 0, 0, used(91));
    expect([allowed(gate, 99), gate.reconsiderAt(99)]).toEqual([false, 100]);
    attempt(gate, 100, 1);
    expect([allowed(gate, 100), gate.reconsiderAt(100), gate.busyWorkers(100)]).toEqual([true, Infinity, []]);
  });
});

describe('Busy (dynamo-2026)', () => {
  const historic = () => {
    const gate = new Busy(busy.config.parse({ name: 'busy', ...busy.variants['dynamo-2026'], prefillTokensMax: 100 }));
    gate.discovered(0, [0, 1]);
    return gate;
  };

  it('applies a changed threshold to everyone with the next report', () => {
    const gate = historic();
    gate.reported(0, 0, 0, loadReport({ prefillTokens: 50 }));
    gate.setThresholds(0, { prefillTokensMax: 40 });
    expect(gate.busyWorkers(0)).toEqual([]);
    gate.reported(0, 1, 0, loadReport({ prefillTokens: 0 }));
    expect(gate.busyWorkers(0)).toEqual([0]);
    expect(gate.reconsiderAt(0)).toBe(Infinity);
  });

  it('judges a worker of unknown ranks by those that reported, and one that never did as free', () => {
    const gate = historic();
    gate.reported(0, 0, 0, loadReport({ prefillTokens: 101 }));
    gate.configured(0, 1, 2);
    expect(gate.busyWorkers(0)).toEqual([0]);
    gate.reported(0, 0, 1, loadReport({ prefillTokens: 0 }));
    expect(gate.busyWorkers(0)).toEqual([]);
  });
});

/** What the busy gate makes of the sizes of workers, of thresholds without sense, and of the order of its answers. */
import { describe, expect, it } from 'vitest';
import { Busy, busy } from '../../../policies/busy/busy.ts';
import type { BusyConfig } from '../../../policies/busy/config.ts';
import { loadReport, workerView } from '../views.ts';

function make(fields: Partial<BusyConfig> = {}, workers: readonly number[] = [0]): Busy {
  const gate = new Busy({ ...busy.config.parse({ name: 'busy' }), ...fields });
  gate.discovered(0, workers);
  for (const worker of workers) gate.statusChanged(0, worker, 'ready');
  return gate;
}

const allows = (gate: Busy, index = 0) => gate.allows(0, workerView({ index }));

describe('the sizes of a worker', () => {
  it('judge no share of blocks while they are unknown or nothing', () => {
    for (const kvTotalBlocks of [-1, 0]) {
      const gate = make({ kvUsedRatioMax: 0, decodeRatioMax: 0 });
      gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 9, decodeBlocks: 9, kvTotalBlocks }));
      expect(allows(gate)).toBe(true);
      gate.reported(0, 0, 0, loadReport({ kvTotalBlocks: 10 }));
      expect(allows(gate)).toBe(false);
    }
  });

  it('stay as they were said last', () => {
    const gate = make({ prefillBatchesMax: 2 });
    gate.configured(0, 0, 1);
    gate.reported(0, 0, 0, loadReport({ kvTotalBlocks: 100, maxBatchedTokens: 10, kvUsedBlocks: 95 }));
    gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 0, prefillTokens: 21 }));
    expect(allows(gate)).toBe(false);
    gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 95, prefillTokens: 20 }));
    expect(allows(gate)).toBe(false);
    gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 90 }));
    expect(allows(gate)).toBe(true);
    // The second rank does not exist, whatever it says.
    gate.reported(0, 0, 1, loadReport({ kvUsedBlocks: 0 }));
    gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 95 }));
    expect(allows(gate)).toBe(false);
  });

  it('count ten million tokens for a batch that is not said, in whole tokens', () => {
    const gate = make({ prefillBatchesMax: 0.000_000_25 });
    gate.reported(0, 0, 0, loadReport({ prefillTokens: 2 }));
    expect(allows(gate)).toBe(true);
    gate.reported(0, 0, 0, loadReport({ prefillTokens: 3 }));
    expect(allows(gate)).toBe(false);
    gate.reported(0, 0, 0, loadReport({ maxBatchedTokens: 20_000_000 }));
    expect(allows(gate)).toBe(true);
  });

  it('leave with the worker', () => {
    const gate = make();
    gate.reported(0, 0, 0, loadReport({ kvTotalBlocks: 100 }));
    gate.configured(0, 0, 1);
    gate.discovered(0, []);
    gate.discovered(0, [0]);
    gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 95 }));
    gate.reported(0, 0, 1, loadReport({ kvUsedBlocks: 95 }));
    expect(allows(gate)).toBe(true);
    gate.reported(0, 0, 0, loadReport({ kvTotalBlocks: 100 }));
    expect(allows(gate)).toBe(false);
  });

  it('of those who stay are kept when another leaves', () => {
    const gate = make({}, [0, 1]);
    for (const worker of [0, 1]) gate.reported(0, worker, 0, loadReport({ kvTotalBlocks: 100 }));
    gate.discovered(0, [1]);
    gate.reported(0, 1, 0, loadReport({ kvUsedBlocks: 95 }));
    expect(allows(gate, 1)).toBe(false);
  });

  it('can be said of the whole fleet at once', () => {
    const gate = make({}, [0, 1]);
    gate.reported(0, 0, 0, loadReport({ kvUsedBlocks: 95 }));
    gate.reported(0, 1, 0, loadReport({ kvUsedBlocks: 95 }));
    gate.poolsChanged(0, new Map([[0, { ranks: 1, kvTotalBlocks: 100, maxBatchedTokens: -1 }]]));
    expect([gate.busyWorkers(0), gate.freeWorkers(0)]).toEqual([[0], [1]]);
  });
});

describe('the busy gate', () => {
  it('names busy workers in ascending order, whatever the order of discovery', () => {
    const gate = make({}, [10, 9, 2]);
    for (const worker of [9, 10, 2]) {
      gate.reported(0, worker, 0, loadReport({ kvTotalBlocks: 100, kvUsedBlocks: 95 }));
    }
    expect([gate.busyWorkers(0), gate.verdict(0)]).toEqual([[2, 9, 10], 'all-busy']);
  });

  it('raises the alarm from the end of reports to the next report', () => {
    const gate = make();
    expect(gate.reportsEndedAlarm).toBe(false);
    gate.reportsEnded(1);
    expect(gate.reportsEndedAlarm).toBe(true);
    gate.reported(2, 0, 0, loadReport());
    expect(gate.reportsEndedAlarm).toBe(false);
  });

  it('has nobody to take a request before any discovery', () => {
    const gate = new Busy(busy.config.parse({ name: 'busy' }));
    expect([gate.verdict(0), gate.busyWorkers(0), gate.freeWorkers(0)]).toEqual(['no-worker', [], []]);
  });

  it.each([
    [{ kvUsedRatioMax: -0.1 }, 'between 0 and 1'],
    [{ kvUsedRatioMax: 1.1 }, 'between 0 and 1'],
    [{ decodeRatioMax: -0.1 }, 'between 0 and 1'],
    [{ decodeRatioMax: NaN }, 'between 0 and 1'],
    [{ prefillTokensMax: -1 }, 'at least 0'],
    [{ prefillBatchesMax: -1 }, 'at least 0'],
  ])('refuses a threshold without sense: %j', (fields, message) => {
    expect(() => make(fields)).toThrow(message);
    expect(() => make().setThresholds(0, fields)).toThrow(message);
    // Upstream's models take what they are given.
    for (const model of ['latch', 'seed'] as const) expect(() => make({ model, ...fields })).not.toThrow();
  });

  it('accepts thresholds at the ends of their ranges', () => {
    const ends = { kvUsedRatioMax: 0, decodeRatioMax: 1, prefillTokensMax: 0, prefillBatchesMax: 0 };
    expect(make(ends).thresholds).toEqual(ends);
  });
});

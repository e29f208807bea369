import { describe, expect, it } from 'vitest';
import type { DatasetConfig } from '../../src/dataset/config.ts';
import { endpoint, engine, MS, runWorld, SEC, type WorldSpec } from '../harness/world-builder.ts';

function dataset(over: Partial<DatasetConfig> = {}): DatasetConfig {
  return {
    rows: 20,
    columns: ['text'],
    maxInFlight: 4,
    promptTokens: { dist: 'constant', value: 10 },
    outputTokens: { dist: 'constant', value: 5 },
    ...over,
  };
}

/** Two at a time; a waiter's turn comes after 10 ms, its patience lasts 15. */
const NARROW: WorldSpec = {
  dataset: dataset(),
  workers: [endpoint({ maxRunning: 2 })],
  policies: { capacity: { name: 'fixed', max: 2 }, queue: { name: 'fifo', size: 100, timeout: '15ms' } },
};
const STALLS = { kind: 'stall', at: 5 * MS, forUs: 20 * MS, everyUs: 25 * MS, times: 20 } as const;
const BASELINE = { salvage: { name: 'rounds', variant: 'baseline' } };

describe('a dataset', () => {
  it('of one row and one column is one call', () => {
    const { state, records, world } = runWorld({ dataset: dataset({ rows: 1 }) });
    expect(state).toBe('done');
    expect(records).toMatchObject([{ row: 0, column: 'text', reason: 'ok', finishedAt: 10 * MS, outputTokens: 5 }]);
    expect(world.rowFacts()).toMatchObject({ total: 1, completed: 1, dropped: 0, deferredCount: 0, salvageRounds: 0 });
  });

  it('makes one call a cell and keeps within its task leases', () => {
    const { state, records, world } = runWorld({
      dataset: dataset({ rows: 6, columns: ['a', 'b', 'c'], maxInFlight: 5 }),
      workers: [endpoint({ maxRunning: 100 })],
    });
    expect(state).toBe('done');
    expect(new Set(records.map(({ row, column }) => `${row} ${column}`)).size).toBe(18);
    // Four waves of five cells or fewer.
    expect(world.endedAt).toBe(40 * MS);
    expect(world.rowFacts()).toMatchObject({ completed: 6 });
  });

  it('loses no row while nothing stalls', () => {
    const { world, recorder } = runWorld({ ...NARROW, policies: { ...NARROW.policies, ...BASELINE } });
    expect(world.rowFacts()).toMatchObject({ completed: 20, dropped: 0 });
    expect(recorder.outcomes().queue_timeout).toBe(0);
  });

  it('loses rows to queue timeouts under a stalling host in the baseline, and keeps them all when preserved', () => {
    const stalled = { ...NARROW, faults: [STALLS] };
    const baseline = runWorld({ ...stalled, policies: { ...NARROW.policies, ...BASELINE } });
    const preserve = runWorld(stalled);
    expect(baseline.state).toBe('done');
    expect(baseline.world.rowFacts()?.dropped).toBeGreaterThan(0);
    expect(Object.keys(baseline.world.rowFacts()?.reasons ?? {})).toEqual(['shed/queue-timeout/0']);
    expect(preserve.state).toBe('done');
    expect(preserve.world.rowFacts()).toMatchObject({ completed: 20, dropped: 0 });
    expect(preserve.world.rowFacts()?.preservedCount).toBeGreaterThan(0);
  });

  it('counts the later success of a deferred cell as salvaged', () => {
    const { recorder } = runWorld({
      dataset: dataset({ rows: 4 }),
      network: { clientUs: 0, workerUs: 1 * MS },
      // The salvage round of 2 ms arrives at 3.
      faults: [{ kind: 'errors', at: 0, forUs: 2 * MS, worker: 0, ratio: 1, status: 500, retryAfterUs: -1 }],
    });
    expect(recorder.outcomes()).toMatchObject({ failed: 4, ok_salvaged: 4, ok: 0 });
  });

  it('drops the rows of an endpoint that always fails after all rounds', () => {
    const { recorder, world, state } = runWorld({
      dataset: dataset({ rows: 3, columns: ['a', 'b'] }),
      faults: [{ kind: 'errors', at: 0, forUs: Infinity, worker: 0, ratio: 1, status: 500, retryAfterUs: -1 }],
    });
    expect(state).toBe('done');
    const reasons = { 'failed/upstream/500': 3 };
    expect(world.rowFacts()).toMatchObject({ completed: 0, dropped: 3, salvageRounds: 2, reasons });
    expect(recorder.outcomes().failed).toBe(18);
  });

  it('gives every cell its lengths whatever the order of calls', () => {
    const shape = { rows: 12, columns: ['a', 'b'], outputTokens: { dist: 'uniform', min: 1, max: 40 } } as const;
    const lengths = (maxInFlight: number, ratio: number) => {
      const { records } = runWorld({
        dataset: dataset({ ...shape, maxInFlight }),
        workers: [engine()],
        faults: [{ kind: 'errors', at: 0, forUs: 60 * MS, worker: 0, ratio, status: 500, retryAfterUs: -1 }],
        policies: { retry: { name: 'none' }, salvage: { name: 'rounds', preserve: ['upstream'] } },
      });
      const answered = records.filter((record) => record.reason === 'ok');
      return answered.map(({ row, column, outputTokens }) => `${row} ${column} ${outputTokens}`).sort();
    };
    expect(lengths(1, 0)).toHaveLength(24);
    expect(lengths(7, 0.5)).toEqual(lengths(1, 0));
  });

  // Either cells are called one after the other, or all are called at once and answered one after the other.
  it.each([1, 10])('may take longer than the drain limit while it gets on (%i in flight)', (maxInFlight) => {
    const { state, world } = runWorld({
      dataset: dataset({ rows: 10, maxInFlight }),
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 10 * SEC } })],
      limits: { drainUs: 30 * SEC, eventsMax: Infinity },
    });
    expect([state, world.endedAt]).toEqual(['done', 100 * SEC]);
    expect(world.rowFacts()).toMatchObject({ completed: 10 });
  });

  it('that preserves its tasks for ever ends unfinished at the drain limit', () => {
    const { state, world } = runWorld({
      dataset: dataset({ rows: 2 }),
      faults: [{ kind: 'errors', at: 0, forUs: Infinity, worker: 0, ratio: 1, status: 429, retryAfterUs: -1 }],
      limits: { drainUs: 30 * SEC, eventsMax: Infinity },
    });
    expect(state).toBe('unfinished');
    expect(world.now).toBeLessThanOrEqual(30 * SEC);
    expect(world.rowFacts()).toMatchObject({ completed: 0, dropped: 0 });
  });
});

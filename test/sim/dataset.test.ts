import { describe, expect, it } from 'vitest';
import { datasetOf } from '../harness/dataset-shape.ts';
import { endpoint, engine, FREE_HOST, MS, repeated, runWorld, SEC, type WorldSpec } from '../harness/world-builder.ts';

/** Four tasks on two places; a waiter's turn comes after 10 ms, its patience lasts 15. */
const NARROW: WorldSpec = {
  dataset: datasetOf({ cap: 2 }),
  workers: [endpoint({ maxRunning: 2 })],
  policies: {
    tasks: { name: 'bounded-borrow', variant: 'baseline', submission: 4, reserveMin: 0, reserveRatio: 0 },
    admission: { name: 'aimd', waitTimeout: '15ms' },
  },
};
const STALL = { kind: 'stall', host: 'builder', at: 5 * MS, forUs: 20 * MS } as const;
const BASELINE = { salvage: { name: 'rounds', variant: 'baseline' } };
const errors = (over: { forUs: number; status: number; retryAfterUs?: number }) =>
  ({ kind: 'errors', at: 0, worker: 0, ratio: 1, retryAfterUs: -1, ...over }) as const;

describe('a dataset', () => {
  it('of one row and one column is one call', () => {
    const { state, records, world } = runWorld({ dataset: datasetOf({ rows: 1 }) });
    expect(state).toBe('done');
    expect(records).toMatchObject([{ row: 0, column: 'text', reason: 'ok', finishedAt: 10 * MS, outputTokens: 5 }]);
    expect(world.rowFacts()).toMatchObject({ total: 1, completed: 1, dropped: 0, deferredCount: 0, salvageRounds: 0 });
  });

  it('makes one call a cell and keeps within the places of its endpoint', () => {
    const { state, records, world } = runWorld({
      dataset: datasetOf({ rows: 6, columns: ['a', 'b', 'c'], cap: 5 }),
      workers: [endpoint({ maxRunning: 100 })],
    });
    expect(state).toBe('done');
    expect(new Set(records.map(({ row, column }) => `${row} ${column}`)).size).toBe(18);
    // Four waves of five cells or fewer.
    expect(world.endedAt).toBe(40 * MS);
    expect(world.rowFacts()).toMatchObject({ completed: 6, tasksStarted: 18, admissionTimeouts: 0 });
  });

  it('makes a cell once the columns it needs are made, a network hop away', () => {
    const { records } = runWorld({
      dataset: datasetOf({ rows: 3, columns: ['a', { name: 'b', needs: ['a'] }] }),
      workers: [endpoint({ maxRunning: 9 })],
      network: { clientUs: 2 * MS, workerUs: 0 },
    });
    expect(records.filter(({ column }) => column === 'b').map(({ sentAt }) => sentAt)).toEqual(Array(3).fill(14 * MS));
  });

  it('opens as many row groups at once as allowed', () => {
    const { records, world } = runWorld({
      dataset: datasetOf({ rows: 5, rowGroup: 2, rowGroupsMax: 1, cap: 9 }),
      workers: [endpoint({ maxRunning: 9 })],
    });
    const at = records.map(({ row, sentAt }) => [row, sentAt / MS]);
    expect(at).toEqual([[0, 0], [1, 0], [2, 10], [3, 10], [4, 20]]);
    expect(world.rowFacts()).toMatchObject({ total: 5, completed: 5 });
  });

  it('is woken at the whole microsecond after a limit that ramps up has grown between two', () => {
    const { records } = runWorld({
      dataset: datasetOf({ rows: 4 }),
      workers: [endpoint({ maxRunning: 9, serviceUs: { dist: 'constant', value: 5 * SEC } })],
      policies: { admission: { name: 'aimd', startupRamp: '1s' } },
    });
    expect(records.map(({ sentAt }) => sentAt)).toEqual([0, 333_334, 666_667, SEC]);
  });

  it('loses no row while nothing stalls', () => {
    const { world } = runWorld({ ...NARROW, policies: { ...NARROW.policies, ...BASELINE } });
    expect(world.rowFacts()).toMatchObject({ completed: 20, dropped: 0, admissionTimeouts: 0 });
  });

  it('loses rows to admission timeouts under a stalling host in the baseline, and keeps them when preserved', () => {
    const stalled = { ...NARROW, faults: repeated(STALL, 25 * MS, 20) };
    const baseline = runWorld({ ...stalled, policies: { ...NARROW.policies, ...BASELINE } });
    const preserve = runWorld(stalled);
    expect(baseline.state).toBe('done');
    expect(baseline.world.rowFacts()?.dropped).toBeGreaterThan(0);
    expect(Object.keys(baseline.world.rowFacts()?.reasons ?? {})).toEqual(['timeout/upstream/0']);
    expect(preserve.state).toBe('done');
    expect(preserve.world.rowFacts()).toMatchObject({ completed: 20, dropped: 0 });
    expect(preserve.world.rowFacts()?.preservedCount).toBeGreaterThan(0);
  });

  it('is slowed by what its own host does, not the gateway', () => {
    const host = { ...FREE_HOST, startUs: 1 * MS };
    const slow = runWorld({ dataset: datasetOf({ rows: 4, host }), workers: [endpoint({ maxRunning: 9 })] });
    expect(slow.records.map(({ sentAt }) => sentAt / MS)).toEqual([1, 2, 3, 4]);
    const gateway = runWorld({ dataset: datasetOf({ rows: 4 }), workers: [endpoint({ maxRunning: 9 })], host });
    expect(gateway.records.map(({ sentAt }) => sentAt)).toEqual([0, 0, 0, 0]);
  });

  it('counts the later success of a deferred cell as salvaged', () => {
    const { recorder } = runWorld({
      dataset: datasetOf({ rows: 4 }),
      network: { clientUs: 0, workerUs: 1 * MS },
      // The salvage round of 2 ms arrives at 3.
      faults: [errors({ forUs: 2 * MS, status: 500 })],
    });
    expect(recorder.outcomes()).toMatchObject({ failed: 4, ok_salvaged: 4, ok: 0 });
  });

  it('drops the rows of an endpoint that always fails after all rounds', () => {
    const { recorder, world, state } = runWorld({
      dataset: datasetOf({ rows: 3, columns: ['a', 'b'] }),
      faults: [errors({ forUs: Infinity, status: 500 })],
    });
    expect(state).toBe('done');
    const reasons = { 'failed/upstream/500': 3 };
    expect(world.rowFacts()).toMatchObject({ completed: 0, dropped: 3, salvageRounds: 2, reasons });
    expect(recorder.outcomes().failed).toBe(18);
  });

  it('ends early when most of its outcomes cannot heal, and says so of every row it never tried', () => {
    const { state, world } = runWorld({
      dataset: datasetOf({ rows: 40, rowGroup: 10, rowGroupsMax: 1, cap: 1 }),
      faults: [errors({ forUs: Infinity, status: 400 })],
    });
    expect(state).toBe('done');
    expect(world.rowFacts()).toMatchObject({ completed: 0, dropped: 40 });
    expect(world.rowFacts()?.reasons).toEqual({ 'failed/upstream/400': 10, shutdown: 30 });
  });

  it('holds a provider for slow whose answer its client did not wait for', () => {
    const { world } = runWorld({
      dataset: datasetOf({ rows: 2, cap: 2 }),
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 30 * MS } })],
      clientTimeoutUs: 10 * MS,
    });
    expect(world.rowFacts()).toMatchObject({ dropped: 2, reasons: { 'timeout/upstream/0': 2 } });
  });

  it('gives every cell its lengths whatever the order of calls', () => {
    const shape = { rows: 12, columns: ['a', 'b'], outputTokens: { dist: 'uniform', min: 1, max: 40 } } as const;
    const lengths = (cap: number, ratio: number) => {
      const { records } = runWorld({
        dataset: datasetOf({ ...shape, cap }),
        workers: [engine()],
        faults: [{ ...errors({ forUs: 60 * MS, status: 500 }), ratio }],
        policies: { retry: { name: 'none' }, salvage: { name: 'rounds', preserve: ['upstream'] } },
      });
      const answered = records.filter((record) => record.reason === 'ok');
      return answered.map(({ row, column, outputTokens }) => `${row} ${column} ${outputTokens}`).sort();
    };
    expect(lengths(1, 0)).toHaveLength(24);
    expect(lengths(7, 0.5)).toEqual(lengths(1, 0));
  });

  // Either cells are called one after the other, or all are called at once and answered one after the other.
  it.each([1, 10])('may take longer than the drain limit while it gets on (%i in flight)', (cap) => {
    const { state, world } = runWorld({
      dataset: datasetOf({ rows: 10, cap }),
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 10 * SEC } })],
      limits: { drainUs: 30 * SEC, eventsMax: Infinity, warmupUs: 0 },
    });
    expect([state, world.endedAt]).toEqual(['done', 100 * SEC]);
    expect(world.rowFacts()).toMatchObject({ completed: 10 });
  });

  it('may take longer than the drain limit to give every row up', () => {
    const { state, world } = runWorld({
      dataset: datasetOf({ rows: 4, cap: 1 }),
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 30 * SEC } })],
      clientTimeoutUs: 10 * SEC,
      limits: { drainUs: 30 * SEC, eventsMax: Infinity, warmupUs: 0 },
    });
    expect([state, world.endedAt]).toEqual(['done', 120 * SEC]);
    expect(world.rowFacts()).toMatchObject({ completed: 0, dropped: 4 });
  });

  it('that preserves its tasks for ever ends unfinished at the drain limit', () => {
    const { state, world } = runWorld({
      dataset: datasetOf({ rows: 2 }),
      faults: [errors({ forUs: Infinity, status: 429 })],
      limits: { drainUs: 30 * SEC, eventsMax: Infinity, warmupUs: 0 },
    });
    expect(state).toBe('unfinished');
    // Its three starts are over within ten seconds.
    expect(world.now).toBeLessThanOrEqual(40 * SEC);
    expect(world.rowFacts()).toMatchObject({ completed: 0, dropped: 0 });
  });

  it.each([
    ['a deadline', { preserveFor: '5s' }],
    ['a number of starts', { preserveStarts: 7 }],
  ])('that preserves its tasks within %s ends and names the last failure', (_, budget) => {
    const { state, world } = runWorld({
      dataset: datasetOf({ rows: 2 }),
      faults: [errors({ forUs: Infinity, status: 429 })],
      policies: { salvage: { name: 'rounds', ...budget } },
    });
    expect(state).toBe('done');
    expect(world.rowFacts()).toMatchObject({ dropped: 2, reasons: { 'failed/rate-limited/429': 2 } });
  });
});

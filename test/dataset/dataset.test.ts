import { describe, expect, it } from 'vitest';
import { BAD, DatasetDriver, INTERNAL, NOTHING, QUEUE_TIMEOUT, RATE_LIMITED } from './dataset-driver.ts';

describe('a dataset whose calls all succeed', () => {
  it('calls column by column, rows ascending, and completes each row with its last cell', () => {
    const driver = new DatasetDriver({ rows: 2, columns: 2 });
    expect(driver.begin()).toEqual(['call 0.0', 'call 1.0', 'call 0.1', 'call 1.1']);
    expect(driver.dataset.held()).toEqual({ ...NOTHING, inFlight: 4 });
    expect(driver.end(1, '1.0')).toEqual([]);
    expect(driver.end(2, '1.1')).toEqual(['row 1 completed']);
    expect(driver.end(2, '0.1')).toEqual([]);
    expect(driver.end(3, '0.0')).toEqual(['row 0 completed']);
    expect(driver.dataset.done).toBe(false);
    expect(driver.wake(3)).toEqual(['done']);
    expect(driver.dataset.done).toBe(true);
    expect(driver.dataset.held()).toEqual(NOTHING);
    expect(driver.dataset.nextWakeAt()).toBe(Infinity);
  });

  it('holds no more task leases than it may, and starts the next in the pass after an end', () => {
    const driver = new DatasetDriver({ rows: 3, maxInFlight: 2 });
    expect(driver.begin()).toEqual(['call 0.0', 'call 1.0']);
    expect(driver.dataset.held()).toEqual({ queued: 1, inFlight: 2, deferred: 0 });
    expect(driver.dataset.nextWakeAt()).toBe(Infinity);
    expect(driver.end(5, '1.0')).toEqual(['row 1 completed']);
    expect(driver.dataset.nextWakeAt()).toBe(5);
    expect(driver.wake(7)).toEqual(['call 2.0']);
    expect(driver.dataset.counts).toMatchObject({ calls: 3, inFlightMax: 2 });
  });

  it('is done at once when it has no rows', () => {
    const driver = new DatasetDriver({ rows: 0 });
    expect(driver.begin(4)).toEqual(['done']);
  });
});

describe('contract 1: the entry of the dataset', () => {
  it('throws when effects were not taken, when now goes backwards, and on a second beginning', () => {
    const { dataset } = new DatasetDriver({ rows: 1 });
    dataset.begin(5);
    expect(() => dataset.wake(4)).toThrow('now went backwards');
    expect(() => dataset.begin(5)).toThrow('began twice');
    dataset.wake(5);
    expect(() => dataset.wake(5)).toThrow('before its effects were taken');
  });

  it('ends a task once, and only while it runs', () => {
    const driver = new DatasetDriver({ rows: 2, maxInFlight: 1 });
    driver.begin();
    const task = driver.running.get('0.0');
    driver.end(1, '0.0');
    expect(() => task !== undefined && driver.dataset.end(1, task, undefined)).toThrow('not in flight');
  });

  it('contract 3: does nothing in a wake that is not due', () => {
    const driver = new DatasetDriver({ rows: 2, maxInFlight: 1 });
    expect(driver.wake(0)).toEqual([]);
    driver.begin();
    expect([driver.wake(1), driver.wake(2)]).toEqual([[], []]);
    driver.end(3, '0.0', RATE_LIMITED);
    driver.wake(3);
    driver.end(4, '1.0');
    for (let now = 4; driver.dataset.nextWakeAt() === now; now++) {
      driver.wake(now);
      if (driver.running.size > 0) driver.endAll(now + 1, RATE_LIMITED);
    }
    const at = driver.dataset.nextWakeAt();
    const held = driver.dataset.held();
    expect(driver.wake(at - 1)).toEqual([]);
    expect([driver.dataset.held(), driver.dataset.nextWakeAt()]).toEqual([held, at]);
    expect(driver.wake(at)).toEqual(['call 0.0']);
    driver.end(at, '0.0');
    expect([driver.wake(at), driver.wake(at), driver.wake(at + 9)]).toEqual([['done'], [], []]);
  });

  it('tells what an input cost', () => {
    const driver = new DatasetDriver({ rows: 3, maxInFlight: 2 });
    driver.begin();
    expect(driver.dataset.work()).toEqual({ inputs: 1, selections: 3, bookkeeping: 2, queuedWalked: 3, starts: 0 });
    driver.end(1, '0.0');
    expect(driver.dataset.work()).toEqual({ inputs: 1, selections: 0, bookkeeping: 1, queuedWalked: 1, starts: 0 });
  });
});

describe('a task whose call fails', () => {
  it('loses its row at once when the failure cannot heal', () => {
    const driver = new DatasetDriver({ rows: 2 });
    driver.begin();
    expect(driver.end(1, '0.0', BAD)).toEqual(['row 0 dropped failed/upstream/400']);
    expect(driver.end(1, '1.0')).toEqual(['row 1 completed']);
    expect(driver.wake(1)).toEqual(['done']);
    expect(driver.dataset.counts).toMatchObject({ rowsCompleted: 1, rowsDropped: 1, deferrals: 0, salvageRounds: 0 });
  });

  it('is salvaged in rounds once nothing else is queued or runs', () => {
    const driver = new DatasetDriver({ rows: 3, maxInFlight: 2 });
    driver.begin();
    driver.end(1, '0.0', INTERNAL);
    expect(driver.wake(1)).toEqual(['call 2.0']);
    driver.end(2, '2.0', INTERNAL);
    expect(driver.wake(2)).toEqual([]);
    expect(driver.dataset.held()).toEqual({ queued: 0, inFlight: 1, deferred: 2 });
    driver.end(3, '1.0');
    expect(driver.wake(3)).toEqual(['call 0.0', 'call 2.0']);
    expect(driver.end(4, '2.0')).toEqual(['row 2 completed failed/upstream/500']);
    driver.end(4, '0.0', INTERNAL);
    expect(driver.wake(4)).toEqual(['call 0.0']);
    expect(driver.end(5, '0.0')).toEqual(['row 0 completed failed/upstream/500 failed/upstream/500']);
    expect(driver.wake(5)).toEqual(['done']);
    expect(driver.dataset.counts).toMatchObject({ calls: 6, deferrals: 3, salvageRounds: 2 });
  });

  it('loses its row after the last round when its last failure is not preserved', () => {
    const driver = new DatasetDriver({ rows: 1, roundsMax: 2 });
    driver.begin();
    for (const failure of [RATE_LIMITED, QUEUE_TIMEOUT]) {
      driver.endAll(1, failure);
      expect(driver.wake(1)).toEqual(['call 0.0']);
    }
    driver.endAll(1, INTERNAL);
    expect(driver.wake(1)).toEqual([
      'row 0 dropped failed/upstream/429 shed/queue-timeout/0 failed/upstream/500', 'done',
    ]);
  });

  it.each([['a rate limit', RATE_LIMITED], ['a queue timeout', QUEUE_TIMEOUT]])(
    'is kept for another cycle after a pause when its last failure is %s', (_name, failure) => {
      const driver = new DatasetDriver({ rows: 1, roundsMax: 1, pacing: 50 });
      driver.begin();
      driver.endAll(1, INTERNAL);
      expect(driver.wake(1)).toEqual(['call 0.0']);
      driver.endAll(2, failure);
      expect(driver.wake(2)).toEqual([]);
      expect(driver.dataset.held()).toEqual({ ...NOTHING, deferred: 1 });
      expect(driver.dataset.nextWakeAt()).toBe(52);
      expect(driver.wake(52)).toEqual(['call 0.0']);
      expect(driver.end(53, '0.0')).toEqual([
        `row 0 completed failed/upstream/500 ${failure.reason}/${failure.cause}/${failure.status}`,
      ]);
      expect(driver.wake(53)).toEqual(['done']);
      expect(driver.dataset.counts).toMatchObject({ preservations: 1, salvageRounds: 2 });
    });

  it('never finishes the dataset while it fails with what is preserved', () => {
    const driver = new DatasetDriver({ rows: 2, roundsMax: 2, pacing: 50 });
    driver.begin();
    let calls = 0;
    for (let now = 0; now < 50 * 100; now = driver.dataset.nextWakeAt()) {
      expect(driver.wake(now)).not.toContain('done');
      calls += driver.running.size;
      driver.endAll(now, RATE_LIMITED);
    }
    expect(driver.dataset.counts.preservations).toBeGreaterThan(100);
    expect(calls).toBe(driver.dataset.counts.calls);
    expect(driver.dataset.counts).toMatchObject({ rowsCompleted: 0, rowsDropped: 0 });
  });
});

describe('a dropped row', () => {
  it('is dropped once, and its queued tasks are skipped', () => {
    const driver = new DatasetDriver({ rows: 2, columns: 3, maxInFlight: 3 });
    expect(driver.begin()).toEqual(['call 0.0', 'call 1.0', 'call 0.1']);
    expect(driver.end(1, '0.0', BAD)).toEqual(['row 0 dropped failed/upstream/400']);
    expect(driver.end(1, '0.1', BAD)).toEqual([]);
    driver.end(1, '1.0');
    expect(driver.wake(1)).toEqual(['call 1.1', 'call 1.2']);
    driver.end(2, '1.1');
    expect(driver.end(2, '1.2')).toEqual(['row 1 completed']);
    expect(driver.wake(2)).toEqual(['done']);
    expect(driver.dataset.counts).toMatchObject({ calls: 5, rowsCompleted: 1, rowsDropped: 1 });
    expect(driver.dataset.held()).toEqual(NOTHING);
  });

  it('ignores what its running calls come to: neither completed nor deferred', () => {
    const driver = new DatasetDriver({ rows: 1, columns: 3 });
    driver.begin();
    driver.end(1, '0.0', BAD);
    const late = driver.running.get('0.2');
    expect([driver.end(2, '0.1'), driver.end(2, '0.2', RATE_LIMITED)]).toEqual([[], []]);
    expect(late).toMatchObject({ state: 'dropped', deferrals: 0 });
    expect(driver.dataset.held()).toEqual(NOTHING);
    expect(driver.wake(2)).toEqual(['done']);
    expect(driver.dataset.counts).toMatchObject({ deferrals: 0, salvageRounds: 0 });
  });

  it('is not salvaged: its deferred tasks go without a call', () => {
    const driver = new DatasetDriver({ rows: 1, columns: 2 });
    driver.begin();
    driver.end(1, '0.0', RATE_LIMITED);
    driver.end(1, '0.1', BAD);
    expect(driver.wake(1)).toEqual(['done']);
    expect(driver.dataset.held()).toEqual(NOTHING);
  });
});

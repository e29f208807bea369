import { describe, expect, it } from 'vitest';
import type { CallResult } from '../../src/dataset/types.ts';
import { BAD, DatasetDriver, INTERNAL, RATE_LIMITED, SUCCESS } from '../harness/dataset-driver.ts';

/** Ends every call in the same way, as often as one comes, at most `times`. */
function endAll(driver: DatasetDriver, result: CallResult, times: number): void {
  for (let ended = 0; ended < times; ) {
    driver.settle();
    if (driver.core.done) return;
    const [call] = driver.calls;
    if (call !== undefined) {
      driver.end(call, result);
      ended++;
    } else if (driver.core.nextWakeAt() === Infinity) throw new Error('the run is stuck');
    else driver.now = Math.max(driver.now, driver.core.nextWakeAt());
  }
  driver.settle();
}

describe('DatasetCore', () => {
  it('makes a cell once the cells it depends on are made', () => {
    const driver = new DatasetDriver({ columns: [{}, { dependsOn: ['c0'] }], rowGroups: [1] });
    driver.settle();
    expect(driver.calls.map(({ task }) => task.column)).toEqual([0]);
    endAll(driver, SUCCESS, 1);
    expect(driver.calls.map(({ task }) => task.column)).toEqual([1]);
    endAll(driver, SUCCESS, 1);
    expect([driver.done, driver.checkpoints, driver.core.counts().rowsCompleted]).toEqual([['finished'], [0], 1]);
  });

  it('makes a column of a whole row group by one task, once every open row has what it depends on', () => {
    const columns = [{}, { dependsOn: ['c0'], extent: 'row-group' as const }];
    const driver = new DatasetDriver({ columns, rowGroups: [3], cap: 4 });
    driver.settle();
    endAll(driver, SUCCESS, 2);
    expect(driver.calls.map(({ task }) => task.column)).toEqual([0]);
    endAll(driver, BAD, 1);
    expect(driver.calls.map(({ task }) => [task.column, task.row])).toEqual([[1, -1]]);
    endAll(driver, SUCCESS, 1);
    expect([...driver.rows.values()].map(({ result }) => result).sort()).toEqual(['completed', 'completed', 'dropped']);
  });

  it('keeps a rate-limited task for as long as it takes, and every failure of its chain', () => {
    const driver = new DatasetDriver({ columns: [{}], rowGroups: [1] });
    endAll(driver, INTERNAL, 2);
    endAll(driver, RATE_LIMITED, 40);
    expect(driver.rows.size).toBe(0);
    endAll(driver, SUCCESS, 1);
    const row = driver.rows.get('0/0');
    expect(row?.result).toBe('completed');
    expect(row?.reasons.map(({ failure, times }) => [failure.status, times])).toEqual([
      [500, 2],
      [429, 40],
    ]);
  });

  it('drops a kept task when it has had the starts the user allows', () => {
    const driver = new DatasetDriver({ columns: [{}], rowGroups: [1], salvage: { preserveStarts: 5 } });
    endAll(driver, RATE_LIMITED, 100);
    const row = driver.rows.get('0/0');
    expect([row?.result, row?.rule, driver.done]).toEqual(['dropped', 'preserve-budget', ['finished']]);
    // A cycle is judged when its rounds are over: 1 start and 2 rounds, then 2 rounds more.
    expect(row?.reasons.map(({ times }) => times)).toEqual([5]);
  });

  it('drops a row whose last failure is not preserved after three starts', () => {
    const driver = new DatasetDriver({ columns: [{}], rowGroups: [1] });
    endAll(driver, INTERNAL, 100);
    const row = driver.rows.get('0/0');
    expect([row?.rule, row?.reasons.map(({ times }) => times)]).toEqual(['after-rounds', [3]]);
  });

  it('opens no more row groups than allowed', () => {
    const driver = new DatasetDriver({ columns: [{}], rowGroups: [1, 1, 1], cap: 8, settings: { rowGroupsMax: 2 } });
    driver.settle();
    expect(driver.calls.map(({ task }) => task.group)).toEqual([0, 1]);
    endAll(driver, SUCCESS, 1);
    expect(driver.calls.map(({ task }) => task.group)).toEqual([1, 2]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskFailure } from '../../policies/types.ts';
import { assertRuns } from '../harness/gateway-runs.ts';
import { BAD, DatasetDriver, INTERNAL, NOTHING, QUEUE_TIMEOUT, RATE_LIMITED } from './dataset-driver.ts';

const FILE = 'test/dataset/dataset.property.test.ts';
const settings = fc.record({
  rows: fc.nat({ max: 6 }),
  columns: fc.integer({ min: 1, max: 4 }),
  maxInFlight: fc.integer({ min: 1, max: 8 }),
  roundsMax: fc.integer({ min: 1, max: 3 }),
  pacing: fc.constantFrom(0, 50),
});
const failures = [undefined, undefined, RATE_LIMITED, QUEUE_TIMEOUT, INTERNAL, BAD];
const failure = fc.constantFrom<TaskFailure | undefined>(...failures);
/** Ends a running call, wakes whether or not that is due, or lets time pass to the next wake and `late` beyond it. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat({ max: 20 }), failure }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wake' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('due' as const), late: fc.constantFrom(0, 0, 7) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** The driver and what was seen of it, checked after each step. */
class Books {
  readonly driver: DatasetDriver;
  readonly #maxInFlight: number;
  readonly rows = new Map<string, string>();
  done = 0;
  now = 0;

  constructor(given: { rows: number; columns: number; maxInFlight: number; roundsMax: number; pacing: number }) {
    this.driver = new DatasetDriver(given);
    this.#maxInFlight = given.maxInFlight;
    this.note(this.driver.begin());
  }

  perform(step: Step): void {
    const { driver } = this;
    const at = driver.dataset.nextWakeAt();
    const names = [...driver.running.keys()];
    const name = step.do === 'end' ? names[step.pick % names.length] : undefined;
    if (step.do === 'end') {
      if (name !== undefined) this.note(driver.end(this.now, name, step.failure));
      return;
    }
    if (step.do === 'due' && at !== Infinity) this.now = Math.max(this.now, at) + step.late;
    const before = driver.dataset.held();
    const lines = driver.wake(this.now);
    if (at > this.now) expect([lines, driver.dataset.held(), driver.dataset.nextWakeAt()]).toEqual([[], before, at]);
    this.note(lines);
  }

  note(lines: readonly string[]): void {
    const { dataset, running } = this.driver;
    expect(this.done === 0 || lines.length === 0).toBe(true);
    for (const line of lines) {
      const [kind, of, result] = line.split(' ') as [string, string, string];
      if (kind === 'done') this.done++;
      else if (kind === 'call') expect(this.rows.get(of.split('.')[0] ?? '')).toBeUndefined();
      else {
        expect(this.rows.has(of)).toBe(false);
        this.rows.set(of, result);
      }
    }
    expect(dataset.held().inFlight).toBe(running.size);
    expect(running.size).toBeLessThanOrEqual(this.#maxInFlight);
    const results = [...this.rows.values()];
    expect(dataset.counts.rowsCompleted).toBe(results.filter((result) => result === 'completed').length);
    expect(dataset.counts.rowsDropped).toBe(results.filter((result) => result === 'dropped').length);
    const moves = running.size > 0 || dataset.nextWakeAt() !== Infinity;
    expect(moves).toBe(this.done === 0);
  }
}

describe('contract 5: a dataset under any ends and wakes', () => {
  const title = 'conserves rows, bounds task leases and is done once, empty';
  it(title, { timeout: 600_000 }, () => {
    const property = fc.property(settings, fc.array(step, { maxLength: 120, size: 'max' }), (given, steps) => {
      const books = new Books(given);
      for (const one of steps) books.perform(one);
      for (let left = 20 + 8 * given.rows * given.columns; books.done === 0 && left > 0; left--) {
        books.perform({ do: 'due', late: 0 });
        for (const name of [...books.driver.running.keys()]) books.note(books.driver.end(books.now, name));
      }
      expect([books.done, books.rows.size]).toEqual([1, given.rows]);
      expect(books.driver.dataset.held()).toEqual(NOTHING);
      expect(books.driver.dataset.nextWakeAt()).toBe(Infinity);
    });
    assertRuns(property, { seed: 730, numRuns: 500, file: FILE, title });
  });
});

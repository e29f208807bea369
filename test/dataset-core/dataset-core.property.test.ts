import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BAD,
  DatasetDriver,
  type DriverSettings,
  INTERNAL,
  RATE_LIMITED,
  SLOW,
  SUCCESS,
  UNAVAILABLE,
} from '../harness/dataset-driver.ts';
import { assertRuns } from '../harness/gateway-runs.ts';

const FILE = 'test/dataset-core/dataset-core.property.test.ts';
const RESULTS = [SUCCESS, SUCCESS, SUCCESS, RATE_LIMITED, INTERNAL, UNAVAILABLE, SLOW, BAD];

/** Columns depend only on columns before them. */
const columns = fc
  .array(fc.record({ mask: fc.nat({ max: 7 }), whole: fc.nat({ max: 5 }), prepares: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((list) =>
    list.map(({ mask, whole, prepares }, i) => ({
      name: `c${i}`,
      dependsOn: list.flatMap((_, j) => (j < i && (mask & (1 << j)) !== 0 ? [`c${j}`] : [])),
      extent: whole === 0 ? ('row-group' as const) : ('cells' as const),
      prepares,
    })),
  );
const settings: fc.Arbitrary<DriverSettings> = fc.record({
  columns,
  rowGroups: fc.array(fc.nat({ max: 4 }), { maxLength: 5 }),
  cap: fc.integer({ min: 1, max: 4 }),
  waitTimeoutUs: fc.constantFrom(Infinity, 40, 300),
  submission: fc.integer({ min: 1, max: 8 }),
  variant: fc.constantFrom('baseline' as const, 'fixed' as const, 'head' as const),
  settings: fc.record({
    rowGroupsMax: fc.integer({ min: 1, max: 3 }),
    shutdown: fc.constantFrom(undefined, { errorRatio: 0.5, window: 4 }),
  }),
  salvage: fc.record({ preserveStarts: fc.constantFrom('none', 3) }),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat(), result: fc.nat({ max: 7 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ready' as const), pick: fc.nat() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('wake' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('due' as const), late: fc.constantFrom(0, 0, 7, 100) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function perform(driver: DatasetDriver, given: Step): void {
  const { core, calls, preparing } = driver;
  switch (given.do) {
    case 'end': {
      const call = calls[given.pick % calls.length];
      if (call !== undefined) driver.end(call, RESULTS[given.result] ?? SUCCESS);
      return;
    }
    case 'ready': {
      const task = preparing[given.pick % preparing.length];
      if (task !== undefined) driver.ready(task);
      return;
    }
    case 'wake': {
      const [at, held] = [core.nextWakeAt(), core.held()];
      driver.wake();
      if (at > driver.now) expect([core.nextWakeAt(), core.held()]).toEqual([at, held]);
      return;
    }
    case 'due':
      if (core.nextWakeAt() !== Infinity) driver.now = Math.max(driver.now, core.nextWakeAt()) + given.late;
      driver.settle();
      return;
    default:
      given satisfies never;
  }
}

/** Every row ended once, nothing is held, and a lost row says why. */
function checkEnd(driver: DatasetDriver, given: DriverSettings): void {
  expect(driver.done).toHaveLength(1);
  expect(Object.values(driver.core.held()).filter((held) => held !== 0)).toEqual([]);
  expect(driver.rows.size).toBe(given.rowGroups.reduce((sum, rows) => sum + rows, 0));
  expect(new Set(driver.checkpoints).size).toBe(driver.checkpoints.length);
  for (const { result, rule, reasons } of driver.rows.values()) {
    const last = reasons.at(-1)?.failure;
    if (result === 'completed') expect(rule).toBeUndefined();
    else if (rule === 'unhealable') expect(last?.status).toBe(400);
    else if (rule === 'after-rounds') {
      const preserved = given.variant === 'baseline' ? ['rate-limited'] : ['rate-limited', 'queue-timeout'];
      expect(preserved).not.toContain(last?.cause);
      expect(last).toBeDefined();
    } else if (rule === 'preserve-budget') expect(given.salvage?.['preserveStarts']).toBe(3);
  }
}

describe('DatasetCore', () => {
  it('ends each row once, holds nothing at the end, and ignores spurious wakes', () => {
    const property = fc.property(settings, fc.array(step, { maxLength: 150, size: 'max' }), (given, steps) => {
      const driver = new DatasetDriver(given);
      for (const each of steps) if (!driver.core.done) perform(driver, each);
      driver.finish();
      checkEnd(driver, given);
    });
    const title = 'ends each row once, holds nothing at the end, and ignores spurious wakes';
    assertRuns(property, { seed: 725, numRuns: 300, file: FILE, title });
  });

  it('holds nothing after a stop, whatever it was doing', () => {
    const property = fc.property(settings, fc.array(step, { maxLength: 60, size: 'max' }), (given, steps) => {
      const driver = new DatasetDriver(given);
      for (const each of steps) if (!driver.core.done) perform(driver, each);
      const [call] = driver.calls;
      if (!driver.core.done) driver.stop();
      checkEnd(driver, given);
      if (call !== undefined) driver.end(call, SUCCESS);
      expect(driver.core.nextWakeAt()).toBe(Infinity);
    });
    assertRuns(property, { seed: 730, numRuns: 200, file: FILE, title: 'holds nothing after a stop' });
  });
});

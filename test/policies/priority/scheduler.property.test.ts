import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLASSES } from '../../../policies/priority/classes.ts';
import { priority } from '../../../policies/priority/priority.ts';
import { assertRuns } from '../../harness/gateway-runs.ts';
import { type Command, Harness } from './harness.ts';

const SEED = 7251730;
const FILE = 'test/policies/priority/scheduler.property.test.ts';

const nth = fc.nat({ max: 40 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      us: fc.constantFrom(0, 0.5, 1, 2, 5, 9, 2000, 30e3),
      late: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('offer' as const), lane: fc.nat({ max: 3 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('grant' as const, 'grant' as const, 'leave' as const), nth }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('first-token' as const, 'settle' as const), nth }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('capacity' as const),
      capacity: fc.constantFrom(0, 1, 2, 4, 7, Infinity),
    }),
  },
);

const classFields = fc.record({
  reservedFloor: fc.nat({ max: 2 }),
  reservedPerSlot: fc.constantFrom(0, 0.1, 0.4),
  queueSize: fc.nat({ max: 3 }),
  queueTimeout: fc.constantFrom(6, 15, 5000),
  starvation: fc.constantFrom(3, 10, Infinity),
  canPreempt: fc.boolean(),
});
const classes = fc.record(Object.fromEntries(CLASSES.map((name) => [name, classFields])));

function settingsOf(variant: Readonly<Record<string, unknown>>) {
  return classes.map((given) => ({
    ...priority.config.parse({ name: 'priority', ...variant, defaultMaxClass: 'system' }),
    classes: given as never,
  }));
}

describe('Scheduler', () => {
  it('keeps slots, reservations, order and bounds under any commands, and holds nothing at the end', () => {
    const marks = { starved: 0, preempted: 0, shed: 0 };
    const property = fc.property(
      settingsOf({}),
      fc.array(command, { maxLength: 60, size: 'max' }),
      (config, steps) => {
        const harness = new Harness(config);
        harness.run({ kind: 'capacity', capacity: 4 });
        for (const step of steps) harness.run(step);
        harness.drain();
        for (const mark of ['starved', 'preempted', 'shed'] as const) marks[mark] += harness.marks[mark];
      },
    );
    assertRuns(property, { seed: SEED, numRuns: 1000, file: FILE, title: 'keeps slots' });
    if (process.env['SPILLWAY_PATH'] === undefined) expect(Math.min(...Object.values(marks))).toBeGreaterThan(100);
  });

  it('keeps slots and reservations in the historic variant and in mixtures of both', () => {
    const variants = fc.record({
      dispatch: fc.constantFrom('at-once', 'kicked'),
      preemptedSlot: fc.constantFrom('earmarked', 'open'),
      deadWaiters: fc.constantFrom('leave', 'keep-place'),
      starved: fc.constantFrom('safe', 'preemptible'),
    });
    const property = fc.property(
      variants.chain(settingsOf),
      fc.array(command, { maxLength: 60, size: 'max' }),
      (config, steps) => {
        const harness = new Harness(config);
        harness.run({ kind: 'capacity', capacity: 4 });
        for (const step of steps) harness.run(step);
        harness.drain();
      },
    );
    assertRuns(property, { seed: SEED, numRuns: 1000, file: FILE, title: 'keeps slots and reservations in' });
  });
});

/** What the priority scheduler keeps under any commands: repaired, historic, and in mixtures of both. */
import fc from 'fast-check';
import { CLASSES } from '../../../policies/priority/classes.ts';
import type { PriorityConfig } from '../../../policies/priority/config.ts';
import { priority } from '../../../policies/priority/priority.ts';
import type { Scheduler } from '../../../policies/priority/scheduler.ts';
import { type Command, Harness } from '../../policies/priority/harness.ts';

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
  { weight: 1, arbitrary: fc.constant({ kind: 'past' as const }) },
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

function settingsOf(variant: Readonly<Record<string, unknown>>): fc.Arbitrary<PriorityConfig> {
  return classes.map((given) => ({
    ...priority.config.parse({ name: 'priority', ...variant, defaultMaxClass: 'system' }),
    classes: given as never,
  }));
}

const repaired = fc.constantFrom(1, 0, 3).chain((unreserved) => settingsOf({ unreserved }));
const mixed = fc
  .record({
    dispatch: fc.constantFrom('at-once', 'kicked'),
    preemptedSlot: fc.constantFrom('earmarked', 'open'),
    deadWaiters: fc.constantFrom('leave', 'keep-place'),
    starved: fc.constantFrom('safe', 'preemptible'),
    unreserved: fc.constantFrom(0, 1),
  })
  .chain(settingsOf);

/** `seen` is told how many each run let in for their long wait, pushed out and shed. */
export function schedulerProperty(
  kind: 'repaired' | 'mixed',
  make: (config: PriorityConfig) => Scheduler,
  seen?: (marks: Harness['marks']) => void,
) {
  const commands = fc.array(command, { maxLength: 60, size: 'max' });
  return fc.property(kind === 'repaired' ? repaired : mixed, commands, (config, steps) => {
    const harness = new Harness(config, make);
    harness.run({ kind: 'capacity', capacity: 4 });
    for (const step of steps) harness.run(step);
    harness.drain();
    seen?.(harness.marks);
  });
}

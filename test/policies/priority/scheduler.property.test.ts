import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../policies/priority/scheduler.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { schedulerProperty } from '../../harness/policies/priority-property.ts';

const runs = { seed: 7251730, numRuns: POLICY_RUNS, file: 'test/policies/priority/scheduler.property.test.ts' };

describe('Scheduler', () => {
  const repaired = 'keeps slots, reservations, order and bounds under any commands, and holds nothing at the end';
  it(repaired, { timeout: 600_000 }, () => {
    const total = { starved: 0, preempted: 0, shed: 0 };
    const property = schedulerProperty('repaired', (config) => new Scheduler(config), (marks) => {
      for (const mark of ['starved', 'preempted', 'shed'] as const) total[mark] += marks[mark];
    });
    const count = assertRuns(property, { ...runs, title: repaired });
    expect(Math.min(...Object.values(total))).toBeGreaterThanOrEqual(count / 10);
  });

  const mixed = 'keeps slots and reservations in the historic variant and in mixtures of both';
  it(mixed, { timeout: 600_000 }, () => {
    assertRuns(schedulerProperty('mixed', (config) => new Scheduler(config)), { ...runs, title: mixed });
  });
});

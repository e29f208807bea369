import { describe, it } from 'vitest';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { TASK_MAKERS, taskFairnessProperty, taskProperty } from '../../harness/policies/task-property.ts';

const runs = { seed: 7251730, numRuns: POLICY_RUNS, file: 'test/policies/task/task-scheduling.property.test.ts' };

describe('task scheduling', () => {
  const title = 'loses no task, exceeds no limit and holds nothing in the end, under any commands';
  it(title, { timeout: 600_000 }, () => {
    assertRuns(taskProperty(TASK_MAKERS), { ...runs, title });
  });

  const fair = 'starves nobody: a group that waits is served within a bound while all others always wait too';
  it(fair, { timeout: 600_000 }, () => {
    assertRuns(taskFairnessProperty(TASK_MAKERS), { ...runs, title: fair });
  });
});

import { describe, it } from 'vitest';
import { FairQueue } from '../../../policies/admission/fair-queue.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { fairnessProperty, fairQueueProperty } from '../../harness/policies/fair-queue-property.ts';

const runs = { seed: 7250731, numRuns: POLICY_RUNS, file: 'test/policies/admission/fair-queue.property.test.ts' };

describe('FairQueue', () => {
  const title = 'serves whoever may go, oldest first in a group, and loses nobody';
  it(title, { timeout: 600_000 }, () => {
    assertRuns(fairQueueProperty((emptied) => new FairQueue(emptied)), { ...runs, title });
  });

  const fair = 'keeps groups that always wait within a turn of each other, whatever happened before';
  it(fair, { timeout: 600_000 }, () => {
    assertRuns(fairnessProperty((emptied) => new FairQueue(emptied)), { ...runs, title: fair });
  });
});

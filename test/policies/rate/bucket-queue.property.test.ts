import { describe, it } from 'vitest';
import { tokenBucket } from '../../../policies/rate/bucket-queue.ts';
import { claim } from '../../harness/claim.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { bucketQueueProperty } from '../../harness/policies/bucket-queue-property.ts';

const FILE = 'test/policies/rate/bucket-queue.property.test.ts';

describe('token-bucket', () => {
  const title = 'keeps order, permits, rate and bounded waits under any commands, and holds nothing at the end';
  it(title, { timeout: 600_000 }, () => {
    let admitted = 0;
    const make = (config: Parameters<typeof tokenBucket.make>[0]) => tokenBucket.make(config, { rng: () => 0 });
    const property = bucketQueueProperty(make, (count) => (admitted += count));
    const runs = assertRuns(property, { seed: 7251730, numRuns: POLICY_RUNS, file: FILE, title });
    claim(admitted >= 3 * runs, 'hardly anyone was admitted', admitted);
  });
});

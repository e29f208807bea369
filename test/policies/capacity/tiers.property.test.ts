import { describe, it } from 'vitest';
import { Tiers } from '../../../policies/capacity/tiers.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { sickFleetProperty, tiersProperty } from '../../harness/policies/tiers-property.ts';

const runs = { seed: 7251730, numRuns: POLICY_RUNS, file: 'test/policies/capacity/tiers.property.test.ts' };

describe('Tiers', () => {
  const title = 'equals its model after every event, and counts each visible change once';
  it(title, { timeout: 600_000 }, () => {
    assertRuns(tiersProperty((config) => new Tiers(config)), { ...runs, title });
  });

  const never = 'never raises the capacity of a fleet that only loses health';
  it(never, { timeout: 600_000 }, () => {
    assertRuns(sickFleetProperty((config) => new Tiers(config)), { ...runs, title: never });
  });
});

import { describe, it } from 'vitest';
import { TenantLimit } from '../../../policies/rate/tenant-limit.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { tenantLimitProperty } from '../../harness/policies/tenant-limit-property.ts';

const FILE = 'test/policies/rate/tenant-limit.property.test.ts';

describe('TenantLimit', () => {
  const title = 'charges by the level of each tenant, tells a wait that suffices, and holds nothing at the end';
  it(title, { timeout: 600_000 }, () => {
    const property = tenantLimitProperty((config) => new TenantLimit(config));
    assertRuns(property, { seed: 7251730, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

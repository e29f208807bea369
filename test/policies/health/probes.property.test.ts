import { describe, it } from 'vitest';
import { Probes } from '../../../policies/health/probes.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { probesProperty } from '../../harness/policies/probes-property.ts';

const FILE = 'test/policies/health/probes.property.test.ts';

describe('Probes', () => {
  const title = 'probes every worker in turn, within its bounds, under any commands';
  it(title, { timeout: 600_000 }, () => {
    const property = probesProperty((config) => new Probes(config));
    assertRuns(property, { seed: 7251730, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

import { describe, it } from 'vitest';
import { Rounds } from '../../../policies/salvage/rounds.ts';
import { DatasetCore } from '../../../src/dataset/dataset-core.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { salvageProperty } from '../../harness/policies/salvage-property.ts';

const FILE = 'test/policies/salvage/salvage.property.test.ts';

describe('Rounds in the dataset core', () => {
  const title = 'drops no task unseen, ends within its budget and gives every reason';
  it(title, { timeout: 600_000 }, () => {
    const property = salvageProperty({ salvage: (config) => new Rounds(config), core: DatasetCore });
    assertRuns(property, { seed: 7251730, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

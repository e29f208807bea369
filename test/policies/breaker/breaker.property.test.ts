import { describe, it } from 'vitest';
import { Breaker } from '../../../policies/breaker/breaker.ts';
import { claim } from '../../harness/claim.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { breakerProperty } from '../../harness/policies/breaker-property.ts';

const FILE = 'test/policies/breaker/breaker.property.test.ts';

describe('Breaker', () => {
  const title = 'answers as its model, announces every opening and wedges no worker, under any commands';
  it(title, { timeout: 600_000 }, () => {
    let opened = 0;
    const property = breakerProperty((config) => new Breaker(config), (count) => (opened += count));
    const runs = assertRuns(property, { seed: 7251730, numRuns: POLICY_RUNS, file: FILE, title });
    claim(2 * opened >= runs, 'circuits hardly ever opened', opened);
  });
});

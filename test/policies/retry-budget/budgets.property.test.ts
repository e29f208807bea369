import { describe, it } from 'vitest';
import { FinagleBudget } from '../../../policies/retry-budget/finagle.ts';
import { GrpcBudget } from '../../../policies/retry-budget/grpc.ts';
import { RatioBudget } from '../../../policies/retry-budget/ratio.ts';
import { SreBudget } from '../../../policies/retry-budget/sre.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { finagleProperty, grpcProperty, ratioProperty, sreProperty } from '../../harness/policies/budget-property.ts';

const runs = { seed: 7251730, numRuns: POLICY_RUNS, file: 'test/policies/retry-budget/budgets.property.test.ts' };
const LIMIT = { timeout: 600_000 };

describe('finagle', () => {
  const title = 'allows at most its reserve and share in any window, whatever the traffic, and its reserve after it';
  it(title, LIMIT, () => {
    assertRuns(finagleProperty((config) => new FinagleBudget(config)), { ...runs, title });
  });
});

describe('ratio', () => {
  const title = 'never has more retries under way than its share of the leases at that moment, or its minimum';
  it(title, LIMIT, () => {
    assertRuns(ratioProperty((config) => new RatioBudget(config)), { ...runs, title });
  });
});

describe('grpc', () => {
  const title = 'keeps its tokens between nothing and the maximum, and allows only above the half';
  it(title, LIMIT, () => {
    assertRuns(grpcProperty((config) => new GrpcBudget(config)), { ...runs, title });
  });
});

describe('sre', () => {
  const title = 'refuses only on evidence of its window, and never the luckiest draw';
  it(title, LIMIT, () => {
    assertRuns(sreProperty((config, rng) => new SreBudget(config, rng)), { ...runs, title });
  });
});

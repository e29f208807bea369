import { describe, it } from 'vitest';
import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import type { RequestAdmissionConfig } from '../../../policies/admission/config.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import {
  admissionFairnessProperty,
  admissionProperty,
  spuriousWakeProperty,
} from '../../harness/policies/admission-property.ts';

const FILE = 'test/policies/admission/request-admission.property.test.ts';
const make = (config: RequestAdmissionConfig) => new AdaptiveAdmission(config);

describe('AdaptiveAdmission under any list of inputs', () => {
  it.each([
    ['keeps caps, deadlines and counts, leaves no place idle, holds nothing at the end, recovers', admissionProperty],
    ['does the same whether it is woken when it asks or at every instant', spuriousWakeProperty],
    ['shares an endpoint by weight among those who always wait', admissionFairnessProperty],
  ] as const)('%s', { timeout: 600_000 }, (title, property) => {
    assertRuns<unknown>(property(make), { seed: 7250730, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

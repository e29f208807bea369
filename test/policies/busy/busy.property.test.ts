import { describe, it } from 'vitest';
import { Busy } from '../../../policies/busy/busy.ts';
import type { BusyConfig } from '../../../policies/busy/config.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { busyProperty, hungProbesProperty, silenceProperty } from '../../harness/policies/busy-property.ts';

const FILE = 'test/policies/busy/busy.property.test.ts';
const make = (config: BusyConfig) => new Busy(config);

describe('Busy', () => {
  it.each([
    ['calls busy whom the model calls busy, at every instant until it next reconsiders', busyProperty],
    ['leaves no worker stuck once reports stop, if probes are ok', silenceProperty],
    ['lets a probe through every staleAfter to a worker whose probes all hang', hungProbesProperty],
  ] as const)('%s', { timeout: 600_000 }, (title, property) => {
    assertRuns<unknown>(property(make), { seed: 7251730, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

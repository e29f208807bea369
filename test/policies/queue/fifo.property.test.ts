import { describe, it } from 'vitest';
import { Fifo } from '../../../policies/queue/fifo.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { fifoProperty } from '../../harness/policies/fifo-property.ts';

const FILE = 'test/policies/queue/fifo.property.test.ts';

describe('Fifo', () => {
  const title = 'keeps order, permits and bounded waits under any commands, and holds nothing at the end';
  it(title, { timeout: 600_000 }, () => {
    const property = fifoProperty((config) => new Fifo(config));
    assertRuns(property, { seed: 7251730, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

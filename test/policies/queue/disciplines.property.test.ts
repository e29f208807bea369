import { describe, it } from 'vitest';
import { adaptiveLifo } from '../../../policies/queue/adaptive-lifo.ts';
import { codel } from '../../../policies/queue/codel.ts';
import { deadline } from '../../../policies/queue/deadline.ts';
import { fifo } from '../../../policies/queue/fifo.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { claimsOf, disciplineProperty } from '../../harness/policies/discipline-property.ts';

const FILE = 'test/policies/queue/disciplines.property.test.ts';

describe.each([
  ['fifo', claimsOf.fifo(fifo)],
  ['codel', claimsOf.codel(codel)],
  ['adaptive-lifo', claimsOf.adaptiveLifo(adaptiveLifo)],
  ['deadline', claimsOf.deadline(deadline)],
])('queue %s', (name, claims) => {
  const title = 'keeps its order, permits and bounded waits under any commands, and holds nothing at the end';
  it(title, { timeout: 600_000 }, () => {
    const replay = { file: FILE, title: `queue ${name}` };
    assertRuns(disciplineProperty(claims), { seed: 7251730, numRuns: POLICY_RUNS, ...replay });
  });
});

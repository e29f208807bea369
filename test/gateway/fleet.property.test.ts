import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { FleetView, Gate, PolicySet, Router, WorkerStatus } from '../../policies/types.ts';
import { Fleet } from '../../src/gateway/fleet.ts';
import { Observers } from '../../src/gateway/observers.ts';
import { planned } from '../arbitrary/gateway-plans.ts';
import { must } from '../harness/gateway-ledger.ts';
import { assertRuns } from '../harness/gateway-runs.ts';
import { requestView } from '../policies/views.ts';

const FILE = 'test/gateway/fleet.property.test.ts';
const STATUSES: readonly WorkerStatus[] = ['ready', 'ready', 'not-ready', 'failed'];

interface Case {
  readonly statuses: readonly WorkerStatus[];
  readonly closed: readonly boolean[];
  readonly tried: readonly number[];
  readonly exclude: boolean;
  readonly targetWorker: string;
}

const cases: fc.Arbitrary<Case> = fc.record({
  statuses: fc.array(fc.constantFrom(...STATUSES), { minLength: 1, maxLength: 6, size: 'max' }),
  closed: fc.array(fc.boolean(), { maxLength: 6, size: 'max' }),
  tried: fc.array(fc.nat({ max: 6 }), { maxLength: 8, size: 'max' }),
  exclude: fc.boolean(),
  targetWorker: fc.constantFrom('', '', '', '1'),
});

/** What the router is offered: undefined when it is not asked. */
function offered({ statuses, closed, tried, exclude, targetWorker }: Case): readonly number[] | undefined {
  let seen: readonly number[] | undefined;
  const router: Router = {
    pick: (_now, _request, candidates: FleetView) => {
      seen = candidates.map(({ index }) => index);
      return 0;
    },
  };
  const gate: Gate = { allows: (_now, { index }) => closed[index] !== true, reconsiderAt: () => Infinity };
  const { set } = planned({
    workers: 1, capacity: 1, rate: 'none', queue: 'none', waiters: 0, queueUs: Infinity,
    router: 'round-robin', gates: [],
    retry: 'none', excludeFailedWorkers: exclude,
    timeouts: { requestUs: Infinity, attemptUs: Infinity, workerUs: Infinity },
  });
  const policies: PolicySet = { ...set, router, gates: [gate] };
  const fleet = new Fleet(policies, new Observers(policies));
  fleet.discovered(0, [...statuses.keys()], []);
  for (const [worker, status] of statuses.entries()) fleet.statusChanged(0, worker, status);
  const choice = fleet.choose(0, requestView({ triedWorkers: tried, targetWorker }));
  must((seen === undefined) === (choice === 'wait'), 'the router is asked if and only if there is a candidate');
  return seen;
}

describe('the choice of a worker', () => {
  const title = 'offers who is eligible, without the tried ones while others are left';
  it(title, { timeout: 600_000 }, () => {
    const property = fc.property(cases, (given) => {
      const { statuses, closed, tried, exclude, targetWorker } = given;
      const eligible = [...statuses.keys()].filter((index) => statuses[index] === 'ready' && closed[index] !== true);
      const fresh = eligible.filter((index) => !tried.includes(index));
      const narrowed = exclude && targetWorker === '' && fresh.length > 0 ? fresh : eligible;
      const seen = offered(given) ?? [];
      must(JSON.stringify(seen) === JSON.stringify(narrowed), `offered ${seen.join()} for ${narrowed.join()}`);
    });
    assertRuns(property, { seed: 20_260_811, numRuns: 10_000, file: FILE, title });
  });
});

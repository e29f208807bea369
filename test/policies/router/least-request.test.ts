import { describe, expect, it } from 'vitest';
import { leastRequest, LeastRequest } from '../../../policies/router/least-request.ts';
import type { WorkerView } from '../../../policies/types.ts';
import { requestView, scripted, workerView } from '../views.ts';

const fleet = (...fields: Partial<WorkerView>[]) => fields.map((each, index) => workerView({ index, ...each }));
const leases = { name: 'least-request', counts: 'leases' } as const;
const reported = { name: 'least-request', counts: 'reported' } as const;

describe('LeastRequest', () => {
  it('takes the worker with the fewest leases, without a draw', () => {
    const candidates = fleet({ inFlight: 3 }, { inFlight: 1 }, { inFlight: 2 });
    expect(new LeastRequest(leases, scripted()).pick(0, requestView(), candidates)).toBe(1);
  });

  it('draws among equals alone', () => {
    const candidates = fleet({ inFlight: 1 }, { inFlight: 2 }, { inFlight: 1 }, { inFlight: 1 });
    const router = new LeastRequest(leases, scripted(0, 0.34, 0.99));
    expect([0, 0, 0].map(() => router.pick(0, requestView(), candidates))).toEqual([0, 2, 3]);
  });

  it('spreads a burst of equal requests to within one', () => {
    const inFlight = [0, 0, 0, 0];
    let state = 7;
    const rng = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const router = new LeastRequest(leases, rng);
    for (let id = 0; id < 103; id++) {
      const candidates = fleet(...inFlight.map((count) => ({ inFlight: count })));
      const picked = router.pick(0, requestView({ id }), candidates);
      inFlight[picked] = (inFlight[picked] as number) + 1;
    }
    expect([...inFlight].sort()).toEqual([25, 26, 26, 26]);
  });

  it('by reports sends a whole burst to the one that was least, whatever it holds since', () => {
    const candidates = fleet(
      { reportedRunning: 2, reportedWaiting: 0 },
      { reportedRunning: 1, reportedWaiting: 0, inFlight: 50 },
      { reportedRunning: 0, reportedWaiting: 2 },
    );
    const router = new LeastRequest(reported, scripted());
    expect([0, 0, 0].map(() => router.pick(0, requestView(), candidates))).toEqual([1, 1, 1]);
  });

  it('by reports takes a worker that never reported for empty', () => {
    const candidates = fleet({ reportedRunning: 1, reportedWaiting: 0 }, {});
    expect(new LeastRequest(reported, scripted()).pick(0, requestView(), candidates)).toBe(1);
  });

  it('goes by reports in aibrix-2422, by leases otherwise', () => {
    const candidates = fleet({ reportedRunning: 5, inFlight: 1 }, { reportedRunning: 1, inFlight: 5 });
    const pick = (fields: object) => {
      const config = leastRequest.config.parse({ name: 'least-request', ...fields });
      return leastRequest.make(config, { rng: scripted() }).pick(0, requestView(), candidates);
    };
    expect([pick({}), pick(leastRequest.variants['aibrix-2422'] ?? {})]).toEqual([0, 1]);
  });
});

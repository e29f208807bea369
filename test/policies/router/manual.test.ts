/** What counts as a key in use, and requests without one. */
import { describe, expect, it } from 'vitest';
import type { ManualConfig } from '../../../policies/router/config.ts';
import { manual, Manual } from '../../../policies/router/manual.ts';
import type { AttemptView } from '../../../policies/types.ts';
import { requestView, scripted, workerView } from '../views.ts';

const keyed = (routingKey: string, id = 0) => requestView({ routingKey, id });
const fleet = (...inFlight: number[]) => inFlight.map((count, index) => workerView({ index, inFlight: count }));
const make = (assignment: ManualConfig['assignment'], ...draws: number[]) =>
  new Manual({ ...manual.config.parse({ name: 'manual' }), assignment }, scripted(...draws));
const attemptOn = (worker: number, routingKey: string, id = 0): AttemptView => {
  return { id, request: keyed(routingKey, id), worker: workerView({ index: worker }), startedAt: 0 };
};

/** Grants the leases, given as worker and key. */
function using(router: Manual, ...leases: readonly (readonly [worker: number, key: string])[]): AttemptView[] {
  const attempts = leases.map(([worker, key], id) => attemptOn(worker, key, id));
  for (const attempt of attempts) router.granted(0, attempt);
  return attempts;
}

describe('Manual: random assignment', () => {
  it('looks at no load', () => {
    const router = make('random', 0, 0.6);
    expect(router.pick(0, keyed('a'), fleet(9, 0, 0))).toBe(0);
    expect(router.pick(0, keyed('b'), fleet(0, 9, 0))).toBe(1);
  });
});

describe('Manual: a request without a key', () => {
  it('is assigned each time and remembered never', () => {
    const router = make('min-load');
    expect([router.pick(0, keyed(''), fleet(0, 1)), router.pick(0, keyed(''), fleet(1, 0))]).toEqual([0, 1]);
    expect(router.keys).toBe(0);
  });

  it('is no key in use', () => {
    const router = make('min-group');
    const [keyless] = using(router, [0, ''], [1, 'a']) as [AttemptView];
    expect(router.pick(0, keyed('new'), fleet(0, 0))).toBe(0);
    router.settled(0, keyless);
    expect(router.pick(0, keyed('newer'), fleet(0, 0))).toBe(0);
  });
});

describe('Manual: fewest keys in use', () => {
  it('counts the different keys of a worker’s leases', () => {
    const router = make('min-group');
    using(router, [0, 'a'], [0, 'b'], [1, 'c'], [1, 'c'], [1, 'c']);
    expect(router.pick(0, keyed('new'), fleet(0, 0))).toBe(1);
  });

  it('takes a worker that never had a lease for empty', () => {
    const router = make('min-group');
    using(router, [0, 'a'], [1, 'b']);
    expect(router.pick(0, keyed('new'), fleet(0, 0, 9))).toBe(2);
  });

  it('keeps a key in use until the last of its leases ends', () => {
    const router = make('min-group', 0.9);
    const [first, second] = using(router, [0, 'a'], [0, 'a'], [1, 'b'], [1, 'c']) as [AttemptView, AttemptView];
    const third = keyed('a', 9);
    router.granted(0, { id: 9, request: third, worker: workerView({ index: 2 }), startedAt: 0 });
    router.settled(0, first);
    // Worker 0 and worker 2 have one key each, worker 1 two.
    expect(router.pick(0, keyed('new'), fleet(0, 0, 0))).toBe(2);
    router.settled(0, second);
    expect(router.pick(0, keyed('newer'), fleet(0, 0, 0))).toBe(0);
  });

  it('ignores the end of a lease that it was not told of', () => {
    const router = make('min-group', 0.5);
    using(router, [0, 'a'], [1, 'b']);
    router.settled(0, attemptOn(0, 'unknown'));
    router.settled(0, attemptOn(7, 'a'));
    expect(router.pick(0, keyed('new'), fleet(0, 0))).toBe(1);
  });
});

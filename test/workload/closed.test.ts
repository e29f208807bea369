import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arrival } from '../../src/workload/arrival.ts';
import { ClosedWorkload } from '../../src/workload/closed.ts';
import type { ClosedWorkloadConfig } from '../../src/workload/config.ts';
import { closedConfig } from './shapes.ts';

interface Played {
  readonly sent: Arrival[];
  readonly outstandingMost: number;
}

/** Runs the loop to its end; request i takes serviceUs(i, arrival). */
function play(
  over: Partial<ClosedWorkloadConfig>,
  serviceUs: (index: number, arrival: Arrival) => number,
  seed = 1,
): Played {
  const workload = new ClosedWorkload(closedConfig(over), seed);
  const running: { endsAt: number; arrival: Arrival }[] = [];
  const sent: Arrival[] = [];
  let outstandingMost = 0;
  while (!workload.ended() || running.length > 0) {
    running.sort((a, b) => a.endsAt - b.endsAt);
    const first = running[0];
    if (first !== undefined && first.endsAt <= workload.nextAt()) {
      running.shift();
      workload.completed(first.endsAt, first.arrival);
      continue;
    }
    const arrival = workload.take();
    running.push({ endsAt: arrival.at + serviceUs(sent.length, arrival), arrival });
    sent.push(arrival);
    outstandingMost = Math.max(outstandingMost, running.length);
  }
  return { sent, outstandingMost };
}

const asksOf = (sent: Arrival[], user: number): number[][] =>
  sent.filter((x) => x.user === user).map((x) => [x.promptTokens, x.outputTokens]);

describe('ClosedWorkload', () => {
  it('never has more outstanding than it has users, nor two of one user', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 5000 }),
        fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, size: 'max', maxLength: 60 }),
        (users, rampUs, services) => {
          const times = (i: number): number => services[i % services.length] as number;
          const { sent, outstandingMost } = play({ users, rampUs, requests: 80 }, times);
          expect(sent).toHaveLength(80);
          expect(outstandingMost).toBeLessThanOrEqual(users);
          const at = sent.map((x) => x.at);
          expect(at).toEqual([...at].sort((a, b) => a - b));
          const freeAt = new Map<number, number>();
          sent.forEach((x, i) => {
            expect(x.at).toBeGreaterThanOrEqual(freeAt.get(x.user) ?? 0);
            freeAt.set(x.user, x.at + times(i));
          });
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });

  it('asks the same of each user in whatever order answers come', () => {
    const quick = play({ requests: 90 }, () => 10).sent;
    const skewed = play({ requests: 90, rampUs: 20_000 }, (i, x) => (x.user === 0 ? 9000 : 37 * (i % 5))).sent;
    expect(skewed.map((x) => x.user)).not.toEqual(quick.map((x) => x.user));
    for (const user of [0, 1, 2]) {
      const [a, b] = [asksOf(quick, user), asksOf(skewed, user)];
      const common = Math.min(a.length, b.length);
      expect(common).toBeGreaterThan(3);
      expect(a.slice(0, common)).toEqual(b.slice(0, common));
    }
    expect(asksOf(quick, 0)).not.toEqual(asksOf(quick, 1));
  });

  it('gives the same run for the same seed and another for another', () => {
    expect(play({}, () => 500).sent).toEqual(play({}, () => 500).sent);
    expect(asksOf(play({}, () => 500, 2).sent, 0)).not.toEqual(asksOf(play({}, () => 500).sent, 0));
  });

  it('spreads the first requests evenly over the ramp', () => {
    const { sent } = play({ users: 4, rampUs: 1000, requests: 4 }, () => 1e6);
    expect(sent.map((x) => [x.at, x.user])).toEqual([[0, 0], [250, 1], [500, 2], [750, 3]]);
  });

  it('settles equal instants by user number', () => {
    const workload = new ClosedWorkload(closedConfig({ thinkUs: { dist: 'constant', value: 50 } }), 1);
    const first = [workload.take(), workload.take(), workload.take()];
    expect(first.map((x) => x.user)).toEqual([0, 1, 2]);
    for (const arrival of [...first].reverse()) workload.completed(100, arrival);
    expect([0, 1, 2].map(() => workload.take()).map((x) => [x.at, x.user])).toEqual([[150, 0], [150, 1], [150, 2]]);
  });

  it('thinks between an answer and the next request', () => {
    const workload = new ClosedWorkload(closedConfig({ users: 1, thinkUs: { dist: 'constant', value: 70 } }), 1);
    const arrival = workload.take();
    expect(workload.nextAt()).toBe(Infinity);
    expect(workload.ended()).toBe(false);
    workload.completed(1000, arrival);
    expect(workload.nextAt()).toBe(1070);
  });

  it('sends nothing at or after its duration, and ends when nobody can', () => {
    const over = { requests: Infinity, durationUs: 1000, thinkUs: { dist: 'constant', value: 100 } } as const;
    const { sent } = play({ users: 1, ...over }, () => 100);
    expect(sent.map((x) => x.at)).toEqual([0, 200, 400, 600, 800]);
    const workload = new ClosedWorkload(closedConfig({ users: 2, rampUs: 4000, ...over }), 1);
    workload.completed(950, workload.take());
    expect([workload.ended(), workload.nextAt()]).toEqual([true, Infinity]);
  });

  it('ends with its count though users still wait', () => {
    const workload = new ClosedWorkload(closedConfig({ requests: 2 }), 1);
    const arrival = workload.take();
    workload.take();
    expect([workload.ended(), workload.nextAt(), workload.total()]).toEqual([true, Infinity, 2]);
    workload.completed(5, arrival);
    expect([workload.ended(), workload.nextAt()]).toEqual([true, Infinity]);
  });

  it('deals users to tenants in proportion to weight, for good', () => {
    const tenants = [
      { name: 'a', weight: 1, priority: 3 },
      { name: 'b', weight: 2, priority: 0 },
    ];
    const { sent } = play({ users: 6, requests: 60, tenants }, () => 100);
    const owner = new Map(sent.map((x) => [x.user, x.tenant]));
    expect([...owner.values()].filter((name) => name === 'a')).toHaveLength(2);
    expect(sent.every((x) => owner.get(x.user) === x.tenant)).toBe(true);
    expect(sent.every((x) => x.priority === (x.tenant === 'a' ? 3 : 0))).toBe(true);
  });

  it('asserts that a completion belongs to a user who waits', () => {
    const workload = new ClosedWorkload(closedConfig(), 1);
    const arrival = workload.take();
    workload.completed(10, arrival);
    expect(() => workload.completed(11, arrival)).toThrow('does not wait for');
  });
});

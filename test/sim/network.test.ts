import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimAttempt, SimRequest } from '../../src/sim/messages.ts';
import { LEG, Network } from '../../src/sim/network.ts';
import { Partitions } from '../../src/sim/partitions.ts';
import { Timeline } from '../../src/sim/timeline.ts';
import { arrivalOf, endpoint, engine, MS, runWorld, SEC, type WorldSpec } from '../harness/world-builder.ts';

const wide = { dist: 'uniform', min: 0, max: 80 * MS } as const;

const LOAD: WorldSpec = {
  workers: [engine({ maxRunning: 32, blocks: 512 }), engine({ maxRunning: 32, blocks: 512 })],
  workload: {
    kind: 'open',
    arrivals: { process: 'poisson', ratePerSec: 100 },
    prompt: { dist: 'uniform', min: 1, max: 30 },
    output: { dist: 'uniform', min: 1, max: 6 },
    prefix: undefined,
    tenants: [{ name: 'a', weight: 1, priority: 0 }],
    requests: 150,
    durationUs: Infinity,
  },
};

describe('a latency that is drawn', () => {
  it('lets requests overtake each other, and counts them in the order of arrival', () => {
    const { records } = runWorld({ ...LOAD, network: { clientUs: wide, workerUs: 0 } });
    const byId = [...records].sort((a, b) => a.id - b.id);
    expect(byId.every((record, i) => i === 0 || record.arrivedAt >= (byId[i - 1]?.arrivedAt ?? 0))).toBe(true);
    const overtaken = byId.filter((record, i) => i > 0 && record.sentAt < (byId[i - 1]?.sentAt ?? 0));
    expect(overtaken.length).toBeGreaterThan(30);
    const hops = records.map((record) => record.arrivedAt - record.sentAt);
    expect(Math.min(...hops)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...hops)).toBeLessThanOrEqual(80 * MS);
    // Its mean, within four standard errors.
    const mean = hops.reduce((sum, us) => sum + us, 0) / hops.length;
    expect(Math.abs(mean - 40 * MS)).toBeLessThan((4 * 80 * MS) / Math.sqrt(12 * hops.length));
  });

  it('keeps the messages of one connection in order', () => {
    const { records } = runWorld({ ...LOAD, network: { clientUs: wide, workerUs: wide } });
    for (const { arrivedAt, startedAt, firstTokenAt, finishedAt, reason } of records) {
      expect([reason, startedAt >= arrivedAt, finishedAt >= firstTokenAt]).toEqual(['ok', true, true]);
    }
    // Some replies would have overtaken their first token.
    expect(records.some((record) => record.finishedAt === record.firstTokenAt && record.outputTokens > 1)).toBe(true);
  });

  it('is the same for the same request under all policies', () => {
    const hops = (router: string) => {
      const network = { clientUs: wide, workerUs: wide };
      const { records } = runWorld({ ...LOAD, network, policies: { router: { name: router } } });
      return [...records].sort((a, b) => a.id - b.id).map((record) => record.arrivedAt - record.sentAt);
    };
    expect(hops('random')).toEqual(hops('least-load'));
  });

  it('of a constant is the fixed one', () => {
    const digest = (us: 700 | { dist: 'constant'; value: 700 }) =>
      runWorld({ ...LOAD, network: { clientUs: us, workerUs: us } }).records.sort((a, b) => a.id - b.id);
    expect(digest({ dist: 'constant', value: 700 })).toEqual(digest(700));
  });

  it('does not let a client leave before its request arrived', () => {
    const { records, state } = runWorld({
      ...LOAD,
      network: { clientUs: { ...wide, max: 2 * SEC }, workerUs: wide },
      clientTimeoutUs: 300 * MS,
    });
    expect(state).toBe('done');
    const left = records.filter((record) => record.cause === 'client');
    expect(left.length).toBeGreaterThan(50);
    expect(left.every((record) => record.finishedAt === record.sentAt + 300 * MS)).toBe(true);
  });
});

describe('Network', () => {
  it('lets no message overtake another of its connection, nor news of a worker other news', () => {
    const timeline = new Timeline();
    const config = { clientUs: wide, workerUs: wide };
    const network = new Network(config, 1, [], timeline);
    for (let id = 0; id < 100; id++) {
      const request = new SimRequest(id, arrivalOf());
      const lease = { id, worker: { index: id % 3 }, request: { init: request, attemptCount: 1 } };
      const attempt = new SimAttempt(lease as unknown as SimAttempt['lease']);
      const pairs = [
        [network.toGatewayAt(request, LEG.out), network.toGatewayAt(request, LEG.giveUp)],
        [network.toWorkerAt(attempt, LEG.out), network.toWorkerAt(attempt, LEG.giveUp)],
        [network.fromWorkerAt(attempt, LEG.firstToken), network.fromWorkerAt(attempt, LEG.end)],
        [network.toClientAt(request, LEG.firstToken), network.toClientAt(request, LEG.end)],
        [network.newsAt(id), network.newsAt(id)],
      ];
      for (const [first, second] of pairs) expect(second).toBeGreaterThanOrEqual(first as number);
    }
  });

  it('draws each message by its own key', () => {
    const at = (seed: number) => {
      const network = new Network({ clientUs: wide, workerUs: wide }, seed, [], new Timeline());
      return [0, 1, 2].flatMap((n) => {
        return [network.arrivalUs(n), network.reportAt(0, n, 0), network.probeAt(0, n, LEG.out)];
      });
    };
    expect(new Set(at(1)).size).toBe(9);
    expect(at(1)).toEqual(at(1));
    expect(at(1)).not.toEqual(at(2));
  });
});

describe('a client in a closed loop', () => {
  it('asks again the moment its patience ends, wherever its request is', () => {
    const { records } = runWorld({
      workers: [endpoint({ maxRunning: 8 })],
      network: { clientUs: { dist: 'uniform', min: 100 * MS, max: 200 * MS }, workerUs: 0 },
      clientTimeoutUs: 30 * MS,
      workload: {
        ...{ kind: 'closed', users: 1, thinkUs: { dist: 'constant', value: 5 * MS }, rampUs: 0, requests: 6 },
        ...{ durationUs: Infinity, prefix: undefined, tenants: [{ name: 'a', weight: 1, priority: 0 }] },
        ...{ prompt: { dist: 'constant', value: 5 }, output: { dist: 'constant', value: 2 } },
      },
    });
    const sent = records.map((record) => record.sentAt).sort((a, b) => a - b);
    expect(sent).toEqual([0, 35 * MS, 70 * MS, 105 * MS, 140 * MS, 175 * MS]);
    expect(records.every(({ sentAt, finishedAt }) => finishedAt === sentAt + 30 * MS)).toBe(true);
    expect(records.every(({ cause }) => cause === 'client')).toBe(true);
    expect(records.every((record) => record.attempts === 1)).toBe(true);
  });
});

describe('Partitions', () => {
  it('answer as a search through all windows does', () => {
    const window = fc.record({ at: fc.nat(60), forUs: fc.integer({ min: 1, max: 20 }), worker: fc.nat(1) });
    const property = fc.property(fc.array(window, { maxLength: 8, size: 'max' }), (windows) => {
      const faults = windows.map((it) => ({ ...it, kind: 'partition' as const, loses: ['requests' as const] }));
      const partitions = new Partitions(faults);
      for (let now = 0; now < 100; now++) {
        for (const worker of [0, 1]) {
          expect(partitions.clearAt(worker, 'requests', now)).toBe(searched(windows, worker, now));
          expect(partitions.clearAt(worker, 'probes', now)).toBe(now);
        }
      }
    });
    fc.assert(property, { seed: 20261201, numRuns: 200 });
  });
});

interface Span {
  readonly at: number;
  readonly forUs: number;
  readonly worker: number;
}

function searched(windows: readonly Span[], worker: number, now: number): number {
  let at = now;
  for (;;) {
    const inside = windows.find((it) => it.worker === worker && it.at <= at && at < it.at + it.forUs);
    if (inside === undefined) return at;
    at = inside.at + inside.forUs;
  }
}

import { describe, expect, it } from 'vitest';
import type { LoadReport } from '../../policies/types.ts';
import { DEFAULT_TENANTS, type ClosedWorkloadConfig } from '../../src/workload/config.ts';
import type { RequestRecord } from '../../src/results/record.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { buildWorld, endpoint, engine, finish, repeated, reportsEvery, runWorld } from '../harness/world-builder.ts';
import { MS, SEC, Script, sendAt } from '../harness/world-builder.ts';

const STALL = { kind: 'stall', host: 'gateway', at: 5 * MS, forUs: 20 * MS } as const;

function closed(over: Partial<ClosedWorkloadConfig> = {}): ClosedWorkloadConfig {
  return {
    kind: 'closed',
    users: 3,
    thinkUs: { dist: 'constant', value: 0 },
    prompt: { dist: 'constant', value: 10 },
    output: { dist: 'constant', value: 5 },
    requests: 60,
    durationUs: Infinity,
    prefix: undefined,
    tenants: DEFAULT_TENANTS,
    rampUs: 0,
    ...over,
  };
}

describe('a client', () => {
  const FAR = { clientUs: 1 * MS, workerUs: 0 };

  it('sees every hop of its request', () => {
    const { records } = runWorld({ network: { clientUs: 3, workerUs: 70 }, workers: [engine()], workload: sendAt(0) });
    // 1.1 ms of prompt, then four passes of 1.01 ms.
    expect(records).toMatchObject([
      {
        sentAt: 0,
        arrivedAt: 3,
        startedAt: 3,
        firstTokenAt: 1_246,
        finishedAt: 146 + 1_100 + 4 * 1_010,
        outputTokens: 5,
      },
    ]);
  });

  it('that leaves is recorded at that instant, and its attempt is cancelled', () => {
    const { records, recorder } = runWorld({
      network: FAR,
      workers: [engine()],
      clientTimeoutUs: 4 * MS,
      workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
    });
    expect(records).toMatchObject([{ reason: 'cancelled', cause: 'client', finishedAt: 4 * MS, outputTokens: 0 }]);
    expect(recorder.attemptOutcomes()).toEqual({ ok: 0, refused: 0, failed: 0, timeout: 0, cancelled: 1 });
    // Gateway and worker know at 5 ms, in the fourth pass (ends at 2.1, 3.11, 4.12, 5.13).
    expect(recorder.wastedTokens()).toMatchObject({ cancelled: 13, total: 13 });
  });

  it('gets a reply that comes as it would leave', () => {
    const { records } = runWorld({ network: FAR, clientTimeoutUs: 12 * MS, workload: sendAt(0) });
    expect(records).toMatchObject([{ reason: 'ok', finishedAt: 12 * MS }]);
  });

  it('has left before a reply that was still on its way, and the tokens are wasted', () => {
    const { records, recorder } = runWorld({
      network: FAR,
      clientTimeoutUs: 11_500,
      workload: new Script([{ promptTokens: 10, outputTokens: 5 }]),
    });
    expect(records).toMatchObject([{ reason: 'cancelled', cause: 'client', finishedAt: 11_500, outputTokens: 0 }]);
    expect(recorder.wastedTokens()).toMatchObject({ cancelled: 14, total: 14 });
    expect(recorder.completed).toBe(0);
  });

  it('has left before a refusal that a stalled host sent too late', () => {
    const { records } = runWorld({
      network: FAR,
      clientTimeoutUs: 10 * MS,
      faults: [STALL],
      policies: { queue: { name: 'fifo', size: 0 }, capacity: { name: 'fixed', max: 0 } },
      workload: sendAt(5 * MS),
    });
    expect(records).toMatchObject([{ cause: 'client', finishedAt: 15 * MS, arrivedAt: 25 * MS }]);
  });

  it('that left may be gone before its request is there', () => {
    const workload = closed({ users: 2, requests: 4 });
    const { records, state } = runWorld({ network: FAR, clientTimeoutUs: 200, workload });
    expect(state).toBe('done');
    expect(records.map((record) => [record.sentAt, record.finishedAt, record.cause])).toEqual([
      [0, 200, 'client'],
      [0, 200, 'client'],
      [200, 400, 'client'],
      [200, 400, 'client'],
    ]);
  });
});

describe('a closed loop', () => {
  it('never has more requests outstanding than users', () => {
    const { records, state } = runWorld({
      network: { clientUs: 400, workerUs: 300 },
      workers: [endpoint({ serviceUs: { dist: 'exponential', mean: 10 * MS, min: 0, max: SEC } })],
      workload: closed(),
    });
    expect([state, records.length]).toEqual(['done', 60]);
    expect(mostOutstanding(records)).toBe(3);
  });

  it('goes on when clients leave while the host stalls', () => {
    const { records, state } = runWorld({
      network: { clientUs: 400, workerUs: 300 },
      faults: repeated(STALL, 30 * MS, 8),
      clientTimeoutUs: 7 * MS,
      workload: closed({ thinkUs: { dist: 'exponential', mean: 3 * MS, min: 0, max: SEC } }),
    });
    expect([state, records.length]).toEqual(['done', 60]);
    expect(mostOutstanding(records)).toBeLessThanOrEqual(3);
    expect(records.every((record) => record.finishedAt <= record.sentAt + 7 * MS)).toBe(true);
    // A user who left asks again while the stall goes on.
    expect(records.some((record) => record.sentAt > 12 * MS && record.sentAt < 25 * MS)).toBe(true);
  });

  it('thinks between an answer and its next request', () => {
    const thinkUs = { dist: 'constant', value: 7 * MS } as const;
    const { records } = runWorld({ workload: closed({ users: 1, requests: 3, thinkUs }) });
    expect(records.map((record) => record.sentAt)).toEqual([0, 17 * MS, 34 * MS]);
  });
});

describe('a request', () => {
  it('ends at its deadline wherever it is', () => {
    const policies = { timeouts: { request: '14ms' } };
    const { records } = runWorld({ policies, workload: sendAt(0, 0, 5 * MS) });
    expect(records.map((record) => [record.id, record.reason, record.cause, record.finishedAt])).toEqual([
      [0, 'ok', 'none', 10 * MS],
      [1, 'timeout', 'deadline', 14 * MS],
      [2, 'timeout', 'deadline', 19 * MS],
    ]);
  });

  it('is shed when it has waited in the queue too long', () => {
    const { records, recorder } = runWorld({
      policies: { capacity: { name: 'fixed', max: 1 }, queue: { name: 'fifo', size: 1, timeout: '6ms' } },
      workload: sendAt(0, 1 * MS, 2 * MS),
    });
    expect(records.map((record) => [record.id, record.reason, record.cause, record.finishedAt])).toEqual([
      [2, 'shed', 'queue-full', 2 * MS],
      [1, 'shed', 'queue-timeout', 7 * MS],
      [0, 'ok', 'none', 10 * MS],
    ]);
    expect(recorder.attempts).toBe(1);
  });

  it('is refused by a full worker, and by one it can never fit', () => {
    const { records } = runWorld({ workers: [endpoint({ maxWaiting: 0 })], workload: sendAt(0, 1) });
    expect(records[0]).toMatchObject({ id: 1, status: 503, reason: 'failed', cause: 'upstream' });
    const tooLong = runWorld({ workers: [engine({ blocks: 2 })], workload: sendAt(0) });
    expect(tooLong.records).toMatchObject([{ status: 400, reason: 'failed' }]);
  });
});

describe('load reports', () => {
  it('reach policies one hop after they were made, from workers that are up', () => {
    const seen: [number, number, Partial<LoadReport>][] = [];
    const views: number[] = [];
    const { records } = runWorld({
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 25 * MS } }), endpoint()],
      network: { clientUs: 0, workerUs: 1 * MS },
      reports: reportsEvery(10 * MS),
      faults: [{ kind: 'crash', at: 15 * MS, forUs: Infinity, worker: 1 }],
      workload: sendAt(0, 3 * MS, 12 * MS),
      objects: {
        router: {
          pick: (_now, _request, candidates) => {
            views.push(candidates[0]?.reportedRunning ?? NaN, candidates[0]?.reportedAt ?? NaN);
            return 0;
          },
          reported: (at, worker, _rank, { running, waiting }) => seen.push([at / MS, worker, { running, waiting }]),
        },
      },
    });
    expect(records).toHaveLength(3);
    expect(seen.slice(0, 4)).toEqual([
      [11, 0, { running: 1, waiting: 1 }],
      [11, 1, { running: 0, waiting: 0 }],
      [21, 0, { running: 1, waiting: 2 }],
      [31, 0, { running: 1, waiting: 1 }],
    ]);
    expect(views).toEqual([-1, -Infinity, -1, -Infinity, 1, 11 * MS]);
  });

  it('do not keep a run alive', () => {
    const { world, state } = runWorld({ reports: reportsEvery(1 * MS), workload: sendAt(0) });
    expect([state, world.endedAt, world.now <= 10 * MS]).toEqual(['done', 10 * MS, true]);
  });
});

describe('a run', () => {
  it('without arrivals is done at once', () => {
    const { state, world, recorder } = runWorld({ faults: [STALL], workload: sendAt() });
    expect([state, world.events, world.endedAt]).toEqual(['done', 0, 0]);
    expect([recorder.offered, recorder.durationUs]).toEqual([0, null]);
  });

  it('that cannot drain ends unfinished at the drain limit and says what is held', () => {
    const { world, state, recorder } = runWorld({
      faults: [{ kind: 'crash', at: 0, forUs: Infinity, worker: 0 }],
      detectionUs: 1 * MS,
      reports: reportsEvery(100 * MS),
      policies: { timeouts: { worker: 'none' } },
      limits: { drainUs: 2 * SEC, eventsMax: Infinity, warmupUs: 0 },
      workload: sendAt(5 * MS, 7 * MS),
    });
    // Time went on with load reports; the last work done was the last arrival.
    expect([state, world.now, world.endedAt]).toEqual(['unfinished', 2 * SEC, 7 * MS]);
    const held = { 'gateway.parked': 2, 'gateway.admitted': 2, 'gateway.leases': 0, attempts: 0 };
    expect(world.held()).toMatchObject(held);
    expect(recorder.outcomes()).toMatchObject({ unfinished: 2 });
  });

  it('in which nothing is left to happen ends unfinished at once', () => {
    const { world, state } = runWorld({
      faults: [{ kind: 'crash', at: 0, forUs: Infinity, worker: 0 }],
      detectionUs: 1 * MS,
      policies: { timeouts: { worker: 'none' } },
      workload: sendAt(5 * MS),
    });
    expect([state, world.now, world.held()['gateway.parked']]).toEqual(['unfinished', 5 * MS, 1]);
  });

  it('tells in words what an unfinished run holds', async () => {
    const text = `
name: stuck
why: Nothing ever comes back.
source: a test
fleet: [{endpoint: {maxRunning: 1, service: 10ms}}]
workload: {kind: open, arrivals: {process: constant, rate: 100}, requests: 2, prompt: 1, output: 1}
faults: [{kind: crash, worker: 0, at: 0ms, for: none}]
health: {detection: 0s}
policies: {timeouts: {worker: none}}
limits: {drain: 1s}
`;
    const { status, held, result } = await runScenario(resolveVariant(parseScenario(text, 'stuck.yaml')));
    expect(status).toBe('unfinished');
    expect([...held].sort()).toEqual(['gateway.admitted: 2', 'gateway.parked: 2']);
    expect(result.outcomes.unfinished).toBe(2);
  });

  it('stops at its bound of events, and is done when it needs exactly so many', () => {
    const whole = runWorld({ workload: sendAt(0, 0, 0) });
    const bounded = (eventsMax: number) => {
      const limits = { drainUs: SEC, eventsMax, warmupUs: 0 };
      const { state, world } = runWorld({ workload: sendAt(0, 0, 0), limits });
      return [state, world.events];
    };
    expect(whole.state).toBe('done');
    expect(bounded(whole.world.events)).toEqual(['done', whole.world.events]);
    expect(bounded(whole.world.events - 1)).toEqual(['unfinished', whole.world.events - 1]);
  });

  it('says that it is running between slices', () => {
    const built = buildWorld({ workload: sendAt(0) });
    expect(built.world.advance(1)).toBe('running');
    expect(finish(built).state).toBe('done');
  });
});

/** Answers free their user before anything is sent at the same instant. */
function mostOutstanding(records: readonly RequestRecord[]): number {
  const steps = records.flatMap(({ sentAt, finishedAt }) => [[sentAt, 1] as const, [finishedAt, -1] as const]);
  steps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let outstanding = 0;
  let most = 0;
  for (const [, step] of steps) {
    outstanding += step;
    most = Math.max(most, outstanding);
  }
  return most;
}

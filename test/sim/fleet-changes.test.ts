import { describe, expect, it } from 'vitest';
import type { Router } from '../../policies/types.ts';
import { endpoint, MS, runWorld, sendAt } from '../harness/world-builder.ts';

const ONE_HOP = { clientUs: 0, workerUs: 1 * MS };
const retry = { name: 'exponential', initialBackoff: '1ms', jitterFactor: 0, maxAttempts: 50 };
/** Who finds no worker goes at once. */
const IMPATIENT = { timeouts: { worker: '1ms' } };
const DRAIN = { kind: 'drain', at: 5 * MS, forUs: Infinity, worker: 0, boundUs: 900 * MS, loadUs: 0 } as const;

/** Takes the first candidate and writes down what it is told of the fleet. */
class FirstReady implements Router {
  readonly told: string[] = [];

  pick(): number {
    return 0;
  }

  discovered(now: number, workers: readonly number[]): void {
    this.told.push(`${now / MS} fleet ${workers.join(' ')}`);
  }

  statusChanged(now: number, worker: number, status: string): void {
    this.told.push(`${now / MS} ${worker} ${status}`);
  }
}

describe('a worker that joins', () => {
  it('is unknown before, pending while it loads, and serves from then on', () => {
    const router = new FirstReady();
    const { records } = runWorld({
      workers: [endpoint(), endpoint()],
      network: ONE_HOP,
      faults: [
        { kind: 'join', at: 5 * MS, worker: 0, loadUs: 3 * MS },
        { kind: 'crash', at: 0, forUs: Infinity, worker: 1 },
        // Nobody looks at a worker that nobody knows.
        { kind: 'crash', at: 1 * MS, forUs: 1 * MS, worker: 0 },
      ],
      detectionUs: 0,
      workload: sendAt(0, 20 * MS),
      objects: { router },
    });
    expect(router.told).toEqual(['0 fleet 1', '0 1 ready', '0 1 not-ready', '6 fleet 0 1', '9 0 ready']);
    // It waited for a worker from 0 on.
    expect(records.map(({ worker, startedAt, finishedAt }) => [worker, startedAt / MS, finishedAt / MS])).toEqual([
      [0, 9, 21],
      [0, 20, 32],
    ]);
  });

  it('stays down when a crash strikes while it loads', () => {
    const router = new FirstReady();
    runWorld({
      faults: [
        { kind: 'join', at: 5 * MS, worker: 0, loadUs: 3 * MS },
        { kind: 'crash', at: 6 * MS, forUs: 10 * MS, worker: 0 },
      ],
      detectionUs: 1 * MS,
      workload: sendAt(30 * MS),
      objects: { router },
    });
    expect(router.told).toEqual(['0 fleet ', '5 fleet 0', '7 0 not-ready', '17 0 ready']);
  });
});

describe('a drain', () => {
  it('lets the worker finish what it has, and leave when it is empty', () => {
    const router = new FirstReady();
    const { records } = runWorld({
      workers: [endpoint(), endpoint()],
      network: ONE_HOP,
      faults: [DRAIN],
      workload: sendAt(0, 6 * MS),
      objects: { router },
    });
    expect(router.told).toEqual(['0 fleet 0 1', '0 0 ready', '0 1 ready', '6 0 draining', '12 fleet 1']);
    expect(records.map(({ worker, reason, attempts }) => [worker, reason, attempts])).toEqual([
      [0, 'ok', 1],
      [1, 'ok', 1],
    ]);
  });

  it('makes the worker turn away what was on its way, with 503', () => {
    const { records, recorder } = runWorld({
      workers: [endpoint({ maxRunning: 2 }), endpoint()],
      network: ONE_HOP,
      faults: [DRAIN],
      policies: { retry },
      workload: sendAt(0, 4_500),
      objects: { router: new FirstReady() },
    });
    expect(recorder.attemptOutcomes()).toMatchObject({ ok: 2, refused: 1 });
    expect(records.find(({ id }) => id === 1)).toMatchObject({ reason: 'ok', attempts: 2, worker: 1, status: 503 });
  });

  it('cuts off what is left after its bound', () => {
    const router = new FirstReady();
    const { records, recorder } = runWorld({
      faults: [{ ...DRAIN, boundUs: 3 * MS }],
      workload: sendAt(0, 20 * MS),
      policies: IMPATIENT,
      objects: { router },
    });
    expect(records[0]).toMatchObject({ reason: 'failed', status: 0, finishedAt: 8 * MS });
    expect(router.told.slice(2)).toEqual(['5 0 draining', '8 fleet ']);
    expect(recorder.attemptOutcomes()).toMatchObject({ failed: 1 });
  });

  it('of which the gateway hears late is refused until then, first by the worker and then by nobody', () => {
    const router = new FirstReady();
    const { records } = runWorld({
      workers: [endpoint({ maxRunning: 2 }), endpoint()],
      faults: [{ ...DRAIN, noticeUs: 10 * MS }],
      workload: sendAt(0, 6 * MS, 12 * MS, 16 * MS),
      objects: { router },
    });
    expect(router.told.slice(3)).toEqual(['15 fleet 1']);
    expect(records.map(({ id, worker, reason, status }) => [id, worker, reason, status])).toEqual([
      [1, 0, 'failed', 503],
      [0, 0, 'ok', 0],
      [2, 0, 'failed', 0],
      [3, 1, 'ok', 0],
    ]);
  });

  it('of which the gateway hears before it is over is told as one', () => {
    const router = new FirstReady();
    runWorld({
      faults: [{ ...DRAIN, noticeUs: 2 * MS }],
      workload: sendAt(0, 20 * MS),
      policies: IMPATIENT,
      objects: { router },
    });
    expect(router.told.slice(2)).toEqual(['7 0 draining', '10 fleet ']);
  });

  it('of an idle worker is over at once', () => {
    const router = new FirstReady();
    runWorld({ faults: [DRAIN], workload: sendAt(6 * MS), policies: IMPATIENT, objects: { router } });
    expect(router.told.slice(2)).toEqual(['5 0 draining', '5 fleet ']);
  });

  it('of a worker that stands still waits until it goes on', () => {
    const router = new FirstReady();
    const hang = { kind: 'hang', at: 2 * MS, forUs: 10 * MS, worker: 0, scope: 'process' } as const;
    runWorld({ faults: [hang, DRAIN], workload: sendAt(20 * MS), policies: IMPATIENT, objects: { router } });
    expect(router.told.slice(2)).toEqual(['5 0 draining', '12 fleet ']);
  });

  it('is not undone by a health check that comes late', () => {
    const router = new FirstReady();
    runWorld({
      faults: [{ kind: 'crash', at: 0, forUs: 2 * MS, worker: 0 }, DRAIN],
      detectionUs: 4 * MS,
      workload: sendAt(3 * MS, 20 * MS),
      policies: IMPATIENT,
      objects: { router },
    });
    expect(router.told.slice(2)).toEqual(['4 0 ready', '5 0 draining', '6 0 draining', '13 fleet ']);
  });

  it('that is a rolling restart brings the worker back with a model to load', () => {
    const router = new FirstReady();
    const { records } = runWorld({
      faults: [{ ...DRAIN, boundUs: 10 * MS, forUs: 15 * MS, loadUs: 2 * MS }],
      workload: sendAt(0, 7 * MS),
      objects: { router },
    });
    expect(router.told.slice(2)).toEqual(['5 0 draining', '10 fleet ', '20 fleet 0', '22 0 ready']);
    expect(records.map(({ finishedAt }) => finishedAt / MS)).toEqual([10, 32]);
  });

  it('of a worker that drains already, or is away, changes nothing', () => {
    const told = (faults: readonly (typeof DRAIN)[]) => {
      const router = new FirstReady();
      runWorld({ faults, workload: sendAt(0, 40 * MS), policies: IMPATIENT, objects: { router } });
      return router.told;
    };
    const again = [DRAIN, { ...DRAIN, at: 7 * MS }, { ...DRAIN, at: 20 * MS }];
    expect(told(again)).toEqual(told([DRAIN]));
  });

  it('is over when the worker crashes', () => {
    const router = new FirstReady();
    const { records } = runWorld({
      faults: [DRAIN, { kind: 'crash', at: 7 * MS, forUs: 5 * MS, worker: 0 }],
      detectionUs: 1 * MS,
      workload: sendAt(0, 20 * MS),
      policies: IMPATIENT,
      objects: { router },
    });
    expect(records[0]).toMatchObject({ reason: 'failed', finishedAt: 7 * MS });
    // What the health check finds later is of a worker that is no longer known.
    expect(router.told.slice(2)).toEqual(['5 0 draining', '7 fleet ']);
  });
});

describe('a restart', () => {
  it('loses what runs, and tells the gateway of both ends', () => {
    const router = new FirstReady();
    const { records } = runWorld({
      network: ONE_HOP,
      faults: [{ kind: 'restart', at: 5 * MS, forUs: 10 * MS, worker: 0 }],
      policies: { retry, excludeFailedWorkers: false },
      workload: sendAt(0),
      objects: { router },
    });
    expect(router.told.slice(2)).toEqual(['6 0 pending', '16 0 ready']);
    expect(records).toMatchObject([{ reason: 'ok', attempts: 2, startedAt: 0, finishedAt: 28 * MS }]);
  });

  it('while another is under way ends with the later one', () => {
    const router = new FirstReady();
    const first = { kind: 'restart', at: 5 * MS, forUs: 10 * MS, worker: 0 } as const;
    runWorld({ faults: [first, { ...first, at: 8 * MS }], workload: sendAt(30 * MS), objects: { router } });
    expect(router.told.slice(2)).toEqual(['5 0 pending', '8 0 pending', '18 0 ready']);
  });
});

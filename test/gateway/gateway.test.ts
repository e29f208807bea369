import { describe, expect, it } from 'vitest';
import { Exponential } from '../../policies/retry/exponential.ts';
import { BROKEN, FAILED, GatewayDriver, NOTHING, OK, REFUSED } from '../harness/gateway-driver.ts';
import { After, ClosedUntil, Flipping, Preempting, Ticking, Told } from '../harness/gateway-policies.ts';
import { ConcurrencyLimit } from '../../policies/gate/concurrency-limit.ts';

describe('a request that finds room', () => {
  it('starts on arrival and finishes with its reply', () => {
    const driver = new GatewayDriver();
    expect(driver.arrive(5, 0)).toEqual(['start r0 a0 w0']);
    expect(driver.gateway.held()).toEqual({ ...NOTHING, leases: 1, admitted: 1 });
    expect(driver.firstToken(6, 0)).toEqual([]);
    expect(driver.end(7, 0, OK)).toEqual(['finish r0 ok']);
    expect(driver.gateway.held()).toEqual(NOTHING);
    expect(driver.gateway.nextWakeAt()).toBe(Infinity);
  });

  it('shows the policies what the core counts and what the worker last said', () => {
    const driver = new GatewayDriver();
    driver.arrive(0, 0);
    driver.report(3, 0);
    expect(driver.gateway.workers[0]).toMatchObject({
      inFlight: 1, inFlightTokens: 110, reportedAt: 3,
      reportedRunning: 3, reportedWaiting: -1, reportedKvUsageRatio: 0.25,
    });
    driver.end(9, 0, OK);
    expect(driver.gateway.workers[0]).toMatchObject({ inFlight: 0, inFlightTokens: 0 });
  });

  it('tells what an input cost', () => {
    const driver = new GatewayDriver({ permits: 1 });
    driver.arrive(0, 0);
    expect(driver.gateway.work()).toEqual({ inputs: 1, selections: 1, bookkeeping: 1, queuedWalked: 0, starts: 1 });
    driver.arrive(0, 1);
    driver.arrive(0, 2);
    driver.end(1, 0, OK);
    expect(driver.gateway.work()).toEqual({ inputs: 1, selections: 2, bookkeeping: 3, queuedWalked: 4, starts: 1 });
  });
});

describe('a request that must queue', () => {
  it('enters when a permit comes back, oldest first', () => {
    const driver = new GatewayDriver({ permits: 1 });
    driver.arrive(0, 0);
    expect(driver.arrive(1, 1)).toEqual([]);
    expect(driver.arrive(2, 2)).toEqual([]);
    expect(driver.gateway.held()).toEqual({ ...NOTHING, leases: 1, waiting: 2, admitted: 1 });
    expect(driver.end(3, 0, OK)).toEqual(['finish r0 ok', 'start r1 a1 w0']);
  });

  it('is shed when the queue is full', () => {
    const driver = new GatewayDriver({ permits: 1, waiters: 1 });
    driver.arrive(0, 0);
    driver.arrive(0, 1);
    expect(driver.arrive(0, 2)).toEqual(['finish r2 shed queue-full']);
  });

  it('is shed when it waited too long', () => {
    const driver = new GatewayDriver({ permits: 1, queueUs: 50 });
    driver.arrive(0, 0);
    driver.arrive(10, 1);
    expect(driver.gateway.nextWakeAt()).toBe(60);
    expect(driver.wake(59)).toEqual([]);
    expect(driver.wake(60)).toEqual(['finish r1 shed queue-timeout']);
  });

  it('contract 6: is expired before a permit of the same instant could admit it', () => {
    const driver = new GatewayDriver({ permits: 1, queueUs: 50 });
    driver.arrive(0, 0);
    driver.arrive(10, 1);
    driver.arrive(11, 2);
    expect(driver.end(60, 0, OK)).toEqual(['finish r0 ok', 'finish r1 shed queue-timeout', 'start r2 a1 w0']);
  });

  it('meets its own deadline first', () => {
    const driver = new GatewayDriver({ permits: 1, queueUs: 50, timeouts: { requestUs: 30 } });
    driver.arrive(0, 0);
    driver.arrive(10, 1);
    driver.end(25, 0, FAILED);
    driver.arrive(26, 2);
    expect(driver.gateway.nextWakeAt()).toBe(40);
    expect(driver.wake(40)).toEqual(['cancel a1', 'finish r1 timeout deadline', 'start r2 a2 w0']);
    expect(driver.wake(56)).toEqual(['cancel a2', 'finish r2 timeout deadline']);
  });

  it('contract 3: is woken by the queue that asked for it', () => {
    const driver = new GatewayDriver({ queue: new Ticking(10) });
    expect(driver.arrive(0, 0)).toEqual([]);
    expect(driver.arrive(5, 1)).toEqual([]);
    expect(driver.gateway.nextWakeAt()).toBe(10);
    expect(driver.wake(10)).toEqual(['start r1 a0 w0', 'start r0 a1 w0']);
  });
});

describe('the capacity', () => {
  it('when it grows, admits waiters before a newcomer', () => {
    const driver = new GatewayDriver({ permits: 1 });
    driver.arrive(0, 0);
    driver.arrive(0, 1);
    driver.permits.max = 3;
    expect(driver.arrive(1, 2)).toEqual(['start r1 a1 w0', 'start r2 a2 w0']);
  });

  it('when it grows, admits waiters with the next input of any kind', () => {
    const driver = new GatewayDriver({ permits: 1 });
    driver.arrive(0, 0);
    driver.arrive(0, 1);
    driver.permits.max = 2;
    expect(driver.wake(1)).toEqual(['start r1 a1 w0']);
  });

  it('when it shrinks, leaves leases alone and admits nobody until enough came back', () => {
    const driver = new GatewayDriver({ permits: 2 });
    for (const id of [0, 1, 2, 3]) driver.arrive(0, id);
    driver.permits.max = 1;
    expect(driver.end(1, 0, OK)).toEqual(['finish r0 ok']);
    expect(driver.end(2, 1, OK)).toEqual(['finish r1 ok', 'start r2 a2 w0']);
  });
});

describe('an admitted request without a worker', () => {
  it('waits for one to be ready', () => {
    const driver = new GatewayDriver({ workers: 0, timeouts: { workerUs: 100 } });
    expect(driver.arrive(0, 0)).toEqual([]);
    expect(driver.gateway.held()).toEqual({ ...NOTHING, parked: 1, admitted: 1, deadlines: 1 });
    expect(driver.discover(1, 0)).toEqual([]);
    expect(driver.status(2, 0, 'ready')).toEqual(['start r0 a0 w0']);
  });

  it('is shed as no-worker when none is ready in time', () => {
    const driver = new GatewayDriver({ timeouts: { workerUs: 100 } });
    driver.status(0, 0, 'not-ready');
    driver.arrive(0, 0);
    expect(driver.gateway.nextWakeAt()).toBe(100);
    expect(driver.wake(100)).toEqual(['finish r0 shed no-worker']);
  });

  it('is shed as all-busy when gates turn the ready ones down', () => {
    const driver = new GatewayDriver({ gates: [new ConcurrencyLimit(1)], timeouts: { workerUs: 100 } });
    driver.arrive(0, 0);
    driver.arrive(5, 1);
    expect(driver.wake(105)).toEqual(['finish r1 shed all-busy']);
  });

  it('with no patience is shed in the same instant', () => {
    const driver = new GatewayDriver({ workers: 0, timeouts: { workerUs: 0 } });
    driver.arrive(3, 0);
    expect(driver.gateway.nextWakeAt()).toBe(3);
    expect(driver.wake(3)).toEqual(['finish r0 shed no-worker']);
  });

  it('keeps its turn: a newcomer waits behind it, also when the router would take the newcomer', () => {
    const router = new Told((request) => (request.id === 0 ? -1 : 0));
    const driver = new GatewayDriver({ router });
    driver.arrive(0, 0);
    expect(driver.arrive(0, 1)).toEqual([]);
    expect(driver.gateway.held().parked).toBe(2);
  });

  it('lets those behind it go when it leaves', () => {
    const router = new Told((request) => (request.id === 0 ? -1 : 0));
    const driver = new GatewayDriver({ router, timeouts: { workerUs: 50 } });
    driver.arrive(0, 0);
    driver.arrive(1, 1);
    expect(driver.abandon(2, 0)).toEqual(['finish r0 cancelled client', 'start r1 a0 w0']);
    const patient = new GatewayDriver({ router, timeouts: { workerUs: 50 } });
    patient.arrive(0, 0);
    patient.arrive(1, 1);
    expect(patient.wake(50)).toEqual(['finish r0 shed all-busy', 'start r1 a0 w0']);
  });

  it('starts when a lease on a full worker is settled', () => {
    const driver = new GatewayDriver({ gates: [new ConcurrencyLimit(1)] });
    for (const id of [0, 1, 2]) driver.arrive(0, id);
    expect(driver.end(1, 0, OK)).toEqual(['finish r0 ok', 'start r1 a1 w0']);
    expect(driver.abandon(2, 1)).toEqual(['cancel a1', 'finish r1 cancelled client', 'start r2 a2 w0']);
  });

  it('does not start at or after the end of its patience, however late the wake', () => {
    const driver = new GatewayDriver({ gates: [new ConcurrencyLimit(1)], timeouts: { workerUs: 50 } });
    for (const [now, id] of [[0, 0], [10, 1], [11, 2]] as const) driver.arrive(now, id);
    expect(driver.end(60, 0, OK)).toEqual(['finish r0 ok', 'finish r1 shed all-busy', 'start r2 a1 w0']);
  });

  it('does not start at its deadline, however late the wake', () => {
    const driver = new GatewayDriver({ gates: [new ConcurrencyLimit(1)], timeouts: { requestUs: 50 } });
    driver.arrive(0, 0);
    driver.arrive(10, 1);
    expect(driver.end(60, 0, OK)).toEqual(['finish r0 ok', 'finish r1 timeout deadline']);
  });
});

describe('contract 3: a gate that opens by time', () => {
  it('is asked when it opens', () => {
    const driver = new GatewayDriver({ gates: [new ClosedUntil(40)] });
    expect(driver.gateway.nextWakeAt()).toBe(Infinity);
    driver.arrive(0, 0);
    expect(driver.gateway.nextWakeAt()).toBe(40);
    expect(driver.wake(40)).toEqual(['start r0 a0 w0']);
    expect(driver.gateway.nextWakeAt()).toBe(Infinity);
  });

  it.each([['arrive', 40], ['arrive', 45], ['firstToken', 45], ['late end', 45], ['unknown abandon', 45]] as const)(
    'lets the waiting in although another input comes before the wake (%s at %d)',
    (input, now) => {
      const gate = new ClosedUntil(0);
      const driver = new GatewayDriver({ gates: [gate] });
      driver.arrive(0, 0);
      driver.end(1, 0, OK);
      gate.openAt = 40;
      driver.arrive(2, 1);
      const starts = { 'arrive': () => driver.arrive(now, 2), 'firstToken': () => driver.firstToken(now, 0),
        'late end': () => driver.end(now, 0, OK), 'unknown abandon': () => driver.abandon(now, 99) }[input]();
      expect(starts[0]).toBe('start r1 a1 w0');
      expect(driver.gateway.held().parked).toBe(0);
    },
  );

  it('is asked again only when it said so: a spurious wake asks neither gates nor router', () => {
    const router = new Told(() => -1);
    const driver = new GatewayDriver({ router, gates: [new Flipping(20)] });
    driver.arrive(1, 0);
    const { asked } = router;
    driver.wake(5);
    driver.wake(9);
    expect(router.asked).toBe(asked);
    driver.wake(10);
    expect(driver.gateway.nextWakeAt()).toBe(20);
  });

  it('may not ask to be reconsidered at an instant that has come, which would stop the clock', () => {
    const stuck = { allows: () => false, reconsiderAt: (now: number) => now };
    const driver = new GatewayDriver({ gates: [stuck] });
    expect(() => driver.arrive(7, 0)).toThrow('reconsidered');
  });
});

describe('a failed attempt', () => {
  it('is followed by another after its backoff, under the same permit', () => {
    const driver = new GatewayDriver({ permits: 1, retry: new After(20) });
    driver.arrive(0, 0);
    driver.arrive(0, 1);
    expect(driver.end(5, 0, FAILED)).toEqual([]);
    expect(driver.gateway.held()).toEqual({ ...NOTHING, waiting: 1, admitted: 1, backingOff: 1, deadlines: 1 });
    expect(driver.gateway.nextWakeAt()).toBe(25);
    expect(driver.wake(25)).toEqual(['start r0 a1 w0']);
    expect(driver.end(30, 1, FAILED)).toEqual(['finish r0 failed upstream', 'start r1 a2 w0']);
  });

  it('is followed by another at once when the delay is zero', () => {
    const driver = new GatewayDriver({ workers: 2, retry: new After(0) });
    driver.arrive(0, 0);
    expect(driver.end(5, 0, BROKEN)).toEqual(['start r0 a1 w1']);
    expect(driver.attempt(1).request).toMatchObject({ attemptCount: 2, triedWorkers: [0, 1] });
  });

  it('fails the request at once when another could only start at or after the deadline', () => {
    for (const [delay, requestUs] of [[20, 25], [20, 24], [0, 5]] as const) {
      const driver = new GatewayDriver({ retry: new After(delay), timeouts: { requestUs } });
      driver.arrive(0, 0);
      expect(driver.end(5, 0, FAILED)).toEqual(['finish r0 failed upstream']);
      expect(driver.gateway.held()).toEqual(NOTHING);
    }
    const inTime = new GatewayDriver({ retry: new After(20), timeouts: { requestUs: 26 } });
    inTime.arrive(0, 0);
    expect(inTime.end(5, 0, FAILED)).toEqual([]);
    expect(inTime.wake(25)).toEqual(['start r0 a1 w0']);
  });

  it('is never followed by another after a byte of the reply went out, whatever the host says of it', () => {
    const retry = new After(0, 0);
    const driver = new GatewayDriver({ retry });
    driver.arrive(0, 0);
    driver.firstToken(1, 0);
    expect(driver.end(2, 0, FAILED)).toEqual(['finish r0 failed upstream']);
    expect(driver.attempt(0).result).toEqual({ ...FAILED, bytesSent: true });
    driver.arrive(3, 1);
    expect(driver.end(4, 1, { ...FAILED, bytesSent: true })).toEqual(['finish r1 failed upstream']);
    expect(retry.asked).toBe(0);
  });

  it('has its first byte told once, and only while its lease is held', () => {
    const heard: number[] = [];
    const firstToken = (now: number): void => void heard.push(now);
    const listener = { allows: () => true, reconsiderAt: () => Infinity, firstToken };
    const driver = new GatewayDriver({ gates: [listener], retry: new After() });
    driver.arrive(0, 0);
    driver.firstToken(1, 0);
    driver.firstToken(2, 0);
    driver.end(3, 0, OK);
    driver.firstToken(4, 0);
    expect(heard).toEqual([1]);
  });

  it('waits behind those who waited for a worker before it', () => {
    const driver = new GatewayDriver({ gates: [new ConcurrencyLimit(1)], retry: new After(0) });
    driver.arrive(0, 0);
    driver.arrive(1, 1);
    expect(driver.end(5, 0, FAILED)).toEqual(['start r1 a1 w0']);
    expect(driver.end(6, 1, OK)).toEqual(['finish r1 ok', 'start r0 a2 w0']);
  });

  it('names its cause: rate-limited for 429, else upstream; the reason follows the outcome', () => {
    const driver = new GatewayDriver();
    const ends = [REFUSED, BROKEN, { ...BROKEN, outcome: 'timeout' }, { ...BROKEN, outcome: 'cancelled' }] as const;
    const lines = ends.map((end, i) => [driver.arrive(i, i), driver.end(i, i, end)][1]?.[0]);
    expect(lines).toEqual([
      'finish r0 failed rate-limited', 'finish r1 failed upstream',
      'finish r2 timeout upstream', 'finish r3 cancelled upstream',
    ]);
  });

  it('is retried by the production policy until its attempts are used up', () => {
    const retry = new Exponential({
      name: 'exponential', maxAttempts: 2, initialBackoff: 50_000, maxBackoff: 50_000, backoffMultiplier: 1,
      jitterFactor: 0, cap: 'after-jitter', retryAfter: 'honour',
    }, () => 0);
    const driver = new GatewayDriver({ retry });
    driver.arrive(0, 0);
    expect(driver.end(5, 0, { ...REFUSED, retryAfterUs: 70_000 })).toEqual([]);
    expect(driver.gateway.nextWakeAt()).toBe(70_005);
    expect(driver.wake(70_005)).toEqual(['start r0 a1 w0']);
    expect(driver.end(70_006, 1, REFUSED)).toEqual(['finish r0 failed rate-limited']);
  });

  it('with a delay that is no number is the policy\'s fault', () => {
    const driver = new GatewayDriver({ retry: new After(NaN) });
    driver.arrive(0, 0);
    expect(() => driver.end(1, 0, FAILED)).toThrow('number');
  });
});

describe('a preempting queue', () => {
  it('ends the attempt it names and sheds its request', () => {
    const driver = new GatewayDriver({ permits: 1, queue: new Preempting(5, 100) });
    driver.arrive(0, 0);
    expect(driver.arrive(1, 1, { priority: 1 })).toEqual(['cancel a0', 'finish r0 shed preempted', 'start r1 a1 w0']);
    expect(driver.arrive(2, 2, { priority: 1 })).toEqual([]);
    expect(driver.attempt(0).result?.outcome).toBe('cancelled');
  });
});

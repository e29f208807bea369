import { describe, expect, it } from 'vitest';
import { Fifo } from '../../policies/queue/fifo.ts';
import { RoundRobin } from '../../policies/router/round-robin.ts';
import type { AttemptView, FleetView, Queue, QueueEffect, RequestView } from '../../policies/types.ts';
import { BROKEN, FAILED, GatewayDriver, NOTHING, OK, requestInit } from '../harness/gateway-driver.ts';
import { After, Knob, Offended, Told } from '../harness/gateway-policies.ts';
import { loadReport } from '../policies/views.ts';

describe('contract 1: the entry', () => {
  it('throws when effects of the last input were not taken', () => {
    const { gateway } = new GatewayDriver();
    gateway.arrive(0, requestInit(0));
    expect(() => gateway.wake(0)).toThrow('before its effects were taken');
    gateway.take();
    expect(() => gateway.wake(0)).toThrow('before its effects were taken');
    expect(gateway.take()).toBeUndefined();
    gateway.wake(0);
  });

  it('throws when now goes backwards or is no number', () => {
    const driver = new GatewayDriver();
    driver.arrive(10, 0);
    expect(() => driver.wake(9)).toThrow('now went backwards at the gateway');
    expect(() => driver.wake(NaN)).toThrow('now went backwards at the gateway');
    driver.wake(10);
  });

  it('refuses a request that is inside, and timeouts that would never let time pass', () => {
    const driver = new GatewayDriver();
    driver.arrive(0, 0);
    expect(() => driver.arrive(0, 0)).toThrow('arrived twice');
    for (const timeouts of [{ requestUs: 0 }, { attemptUs: 0 }, { workerUs: -1 }]) {
      expect(() => new GatewayDriver({ timeouts })).toThrow('timeout');
    }
  });
});

describe('contract 2: the end of an attempt', () => {
  it('is counted and ignored when the attempt is settled', () => {
    const driver = new GatewayDriver({ timeouts: { attemptUs: 10 }, retry: new After(0) });
    driver.arrive(0, 0);
    expect(driver.wake(10)).toEqual(['cancel a0', 'start r0 a1 w0']);
    expect(driver.end(11, 0, OK)).toEqual([]);
    expect(driver.firstToken(11, 0)).toEqual([]);
    expect(driver.end(12, 1, OK)).toEqual(['finish r0 ok']);
    expect(driver.end(13, 1, FAILED)).toEqual([]);
    expect(driver.gateway.counts).toEqual({ arrived: 1, finished: 1, granted: 2, settled: 2, lateEnds: 2 });
    expect(driver.attempt(0)).toMatchObject({ bytesSent: false, result: { outcome: 'timeout' } });
  });

  it('on a crashed worker frees its slot, and the retries go elsewhere once the crash is known', () => {
    const driver = new GatewayDriver({ workers: 2, retry: new After(5) });
    for (const id of [0, 1, 2]) driver.arrive(0, id);
    expect(driver.status(1, 0, 'failed')).toEqual([]);
    expect(driver.end(2, 0, BROKEN)).toEqual([]);
    expect(driver.end(2, 2, BROKEN)).toEqual([]);
    expect(driver.gateway.workers[0]?.inFlight).toBe(0);
    expect(driver.wake(7)).toEqual(['start r0 a3 w1', 'start r2 a4 w1']);
  });
});

describe('contract 2: what the policies may not do', () => {
  it.each([1, -3, 0.5, NaN])('a router may not pick %d of one candidate', (index) => {
    const driver = new GatewayDriver({ router: new Told(() => index) });
    expect(() => driver.arrive(0, 0)).toThrow('outside the candidates');
  });

  class Saying extends Fifo {
    says: QueueEffect | undefined;

    override take(): QueueEffect | undefined {
      const effect = this.says;
      this.says = undefined;
      return effect ?? super.take();
    }
  }
  it.each(['admit', 'shed'] as const)('a queue may not %s a request that is running', (kind) => {
    const queue = new Saying({ name: 'fifo', size: 5, timeout: Infinity });
    const driver = new GatewayDriver({ queue });
    driver.arrive(0, 0);
    const { request } = driver.attempt(0);
    queue.says = kind === 'admit' ? { kind, request } : { kind, request, cause: 'queue-full' };
    expect(() => driver.wake(1)).toThrow('not queued');
  });

  it('a queue may not answer for a request that is over', () => {
    const queue = new Saying({ name: 'fifo', size: 5, timeout: Infinity });
    const driver = new GatewayDriver({ queue });
    driver.arrive(0, 0);
    driver.end(1, 0, OK);
    queue.says = { kind: 'admit', request: driver.attempt(0).request };
    expect(() => driver.wake(1)).toThrow('not in the gateway');
  });

  it('a queue may not preempt an attempt that is over, though its request runs again', () => {
    const queue = new Saying({ name: 'fifo', size: 5, timeout: Infinity });
    const driver = new GatewayDriver({ queue, retry: new After(0) });
    driver.arrive(0, 0);
    driver.end(1, 0, FAILED);
    queue.says = { kind: 'preempt', attempt: driver.attempt(0) };
    expect(() => driver.wake(2)).toThrow('preempt');
  });
});

describe('contract 3: deadlines', () => {
  it('of an attempt settle it as timeout and tell the host; a retry follows', () => {
    const driver = new GatewayDriver({ timeouts: { attemptUs: 10 }, retry: new After(5) });
    driver.arrive(0, 0);
    expect(driver.gateway.nextWakeAt()).toBe(10);
    expect(driver.wake(10)).toEqual(['cancel a0']);
    expect(driver.wake(15)).toEqual(['start r0 a1 w0']);
    expect(driver.wake(25)).toEqual(['cancel a1', 'finish r0 timeout upstream']);
    expect(driver.gateway.held()).toEqual(NOTHING);
  });

  it('of a request end it in every state', () => {
    const timeouts = { requestUs: 10 };
    const running = new GatewayDriver({ timeouts });
    running.arrive(0, 0);
    expect(running.wake(10)).toEqual(['cancel a0', 'finish r0 timeout deadline']);
    const queued = new GatewayDriver({ timeouts, permits: 0 });
    queued.arrive(0, 0);
    expect(queued.wake(10)).toEqual(['finish r0 timeout deadline']);
    const parked = new GatewayDriver({ timeouts, workers: 0 });
    parked.arrive(0, 0);
    expect(parked.wake(10)).toEqual(['finish r0 timeout deadline']);
    const backingOff = new GatewayDriver({ timeouts, retry: new After(8) });
    backingOff.arrive(0, 0);
    backingOff.end(1, 0, FAILED);
    expect(backingOff.wake(12)).toEqual(['finish r0 timeout deadline']);
    for (const { gateway } of [running, queued, parked, backingOff]) {
      expect(gateway.held()).toEqual(NOTHING);
      expect(gateway.nextWakeAt()).toBe(Infinity);
    }
  });

  it('of one instant are met in order of arrival, whatever they wait for', () => {
    const driver = new GatewayDriver({ permits: 1, timeouts: { requestUs: 10 } });
    for (const id of [0, 1, 2]) driver.arrive(0, id);
    expect(driver.wake(10)).toEqual([
      'cancel a0', 'finish r0 timeout deadline', 'finish r1 timeout deadline', 'finish r2 timeout deadline',
    ]);
  });

  it('are gone once met early: no wake is left behind', () => {
    const driver = new GatewayDriver({ timeouts: { requestUs: 30, attemptUs: 10 }, retry: new After(3) });
    driver.arrive(0, 0);
    driver.end(1, 0, FAILED);
    driver.wake(4);
    driver.end(5, 1, OK);
    expect(driver.gateway.nextWakeAt()).toBe(Infinity);
    expect([driver.wake(10), driver.wake(30)]).toEqual([[], []]);
  });

  it('contract 6: a reply at its deadline wins, and so does a late one that meets no wake', () => {
    for (const now of [10, 15]) {
      const driver = new GatewayDriver({ timeouts: { requestUs: 10, attemptUs: 10 } });
      driver.arrive(0, 0);
      expect(driver.end(now, 0, OK)).toEqual(['finish r0 ok']);
      expect(driver.wake(now)).toEqual([]);
    }
  });
});

describe('a client that goes away', () => {
  it('ends its request in every state, once', () => {
    const running = new GatewayDriver();
    running.arrive(0, 0);
    expect(running.abandon(1, 0)).toEqual(['cancel a0', 'finish r0 cancelled client']);
    const queued = new GatewayDriver({ permits: 0 });
    queued.arrive(0, 0);
    expect(queued.abandon(1, 0)).toEqual(['finish r0 cancelled client']);
    const parked = new GatewayDriver({ workers: 0 });
    for (const id of [0, 1, 2]) parked.arrive(0, id);
    expect([1, 2, 0].flatMap((id) => parked.abandon(1, id))).toEqual([
      'finish r1 cancelled client', 'finish r2 cancelled client', 'finish r0 cancelled client',
    ]);
    const backingOff = new GatewayDriver({ retry: new After(8) });
    backingOff.arrive(0, 0);
    backingOff.end(0, 0, FAILED);
    expect(backingOff.abandon(1, 0)).toEqual(['finish r0 cancelled client']);
    for (const driver of [running, queued, parked, backingOff]) {
      expect(driver.gateway.held()).toEqual(NOTHING);
      expect(driver.abandon(2, 0)).toEqual([]);
      expect(driver.gateway.nextWakeAt()).toBe(Infinity);
    }
  });
});

describe('the fleet', () => {
  it('may grow and shrink while requests run', () => {
    const driver = new GatewayDriver({ workers: 2 });
    driver.arrive(0, 0);
    expect(driver.discover(1, 1, 2)).toEqual([]);
    expect(driver.gateway.workers.map(({ status, inFlight }) => [status, inFlight])).toEqual([
      ['failed', 1], ['ready', 0], ['pending', 0],
    ]);
    expect(driver.end(2, 0, OK)).toEqual(['finish r0 ok']);
    expect(driver.status(3, 2, 'ready')).toEqual([]);
    expect([driver.arrive(4, 1), driver.arrive(4, 2)]).toEqual([['start r1 a1 w2'], ['start r2 a2 w1']]);
  });

  it('forgets a removed worker: late news of it is ignored; discovered again, it is pending', () => {
    const heard: string[] = [];
    const router = Object.assign(new RoundRobin(), {
      statusChanged: (_now: number, worker: number) => void heard.push(`status ${worker}`),
      reported: (_now: number, worker: number) => void heard.push(`report ${worker}`),
      configured: (_now: number, worker: number) => void heard.push(`ranks ${worker}`),
    });
    const driver = new GatewayDriver({ router });
    driver.discover(1);
    heard.length = 0;
    driver.status(2, 0, 'ready');
    driver.report(2, 0);
    driver.gateway.configured(2, 0, 2);
    expect(heard).toEqual([]);
    expect(driver.arrive(3, 0)).toEqual([]);
    driver.discover(4, 0);
    expect(driver.gateway.workers[0]?.status).toBe('pending');
    expect(driver.status(5, 0, 'ready')).toEqual(['start r0 a0 w0']);
  });

  it('has only workers that were discovered', () => {
    const { gateway } = new GatewayDriver();
    expect(() => gateway.workerStatus(0, 1, 'ready')).toThrow('never discovered');
    expect(() => gateway.report(0, 1, 0, loadReport())).toThrow('never discovered');
  });

  it('is told of to capacity, queue, router and gates, each once, even an object in two roles', () => {
    const heard: string[] = [];
    class Both extends Knob {
      allows = () => true;
      reconsiderAt = () => Infinity;
      discovered = () => void heard.push('discovered');
      configured = () => void heard.push('configured');
      reported = () => void heard.push('reported');
      statusChanged = () => void heard.push('status');
      reportsEnded = () => void heard.push('ended');
    }
    const both = new Both(1);
    const driver = new GatewayDriver({ workers: 1, gates: [both, both] });
    driver.gateway.configured(1, 0, 2);
    driver.report(1, 0);
    driver.gateway.reportsEnded(2);
    expect(heard).toEqual(['discovered', 'status', 'configured', 'reported', 'ended']);
  });
});

describe('contract 7: what a policy sees', () => {
  it('is the view of the gateway: ready workers in order, with leases counted and nothing of the host', () => {
    let seen: FleetView = [];
    let asked: RequestView | undefined;
    const router = new Told((request, candidates) => {
      asked = request;
      seen = candidates.map((worker) => ({ ...worker }));
      return 0;
    });
    const driver = new GatewayDriver({ workers: 3, router, timeouts: { requestUs: 50 } });
    driver.arrive(0, 0, { priority: 2, tenant: 'a' });
    driver.status(1, 1, 'draining');
    driver.arrive(2, 1, { priority: 3, tenant: 'b', prefixKey: 4, blockHashes: [4, 5], routingKey: 'k' });
    expect(seen.map((worker) => [worker.index, worker.inFlight])).toEqual([[0, 1], [2, 0]]);
    expect(asked).toMatchObject({
      id: 1, tenant: 'b', arrivedAt: 2, deadlineAt: 52, promptTokens: 100, maxOutputTokens: 10, prefixKey: 4,
      blockHashes: [4, 5], priority: 3, routingKey: 'k',
    });
  });

  it('contract 4: tells of a lease when its slot is counted and of its end when the slot is free', () => {
    const heard: string[] = [];
    const note = (word: string) => (_now: number, { id, worker }: AttemptView) =>
      void heard.push(`${word} ${id} ${worker.inFlight}`);
    const queue: Queue = Object.assign(new Fifo({ name: 'fifo', size: 1, timeout: 9 }), {
      granted: note('granted'), settled: note('settled'),
    });
    const driver = new GatewayDriver({ queue, retry: new After(0) });
    driver.arrive(0, 0);
    driver.end(1, 0, FAILED);
    driver.abandon(2, 0);
    expect(heard).toEqual(['granted 0 1', 'settled 0 0', 'granted 1 1', 'settled 1 0']);
  });

  it('contract 4: tells a policy of settlements that does not hear of grants', () => {
    const driver = new GatewayDriver({ gates: [new Offended(10)] });
    driver.arrive(0, 0);
    driver.end(1, 0, FAILED);
    expect(driver.arrive(2, 1)).toEqual([]);
    expect(driver.wake(11)).toEqual(['start r1 a1 w0']);
    expect(driver.abandon(12, 1)).toEqual(['cancel a1', 'finish r1 cancelled client']);
    expect(driver.arrive(13, 2)).toEqual(['start r2 a2 w0']);
  });

  it('names who is left when a run ends with work held', () => {
    const driver = new GatewayDriver({ permits: 1 });
    for (const id of [3, 5, 8]) driver.arrive(0, id);
    driver.abandon(1, 5);
    expect(driver.gateway.unfinished()).toEqual([3, 8]);
  });
});

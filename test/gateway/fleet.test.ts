import { describe, expect, it } from 'vitest';
import { Busy, busy } from '../../policies/busy/busy.ts';
import { ConsistentHashing, consistentHashing } from '../../policies/router/consistent-hashing.ts';
import { PrefixHash, prefixHash } from '../../policies/router/prefix-hash.ts';
import { REFUSE, WAIT } from '../../policies/router/answers.ts';
import { ConcurrencyLimit } from '../../policies/gate/concurrency-limit.ts';
import type { FleetView } from '../../policies/types.ts';
import { FAILED, GatewayDriver, NOTHING, OK } from '../harness/gateway-driver.ts';
import { After, Told } from '../harness/gateway-policies.ts';

describe('a router that refuses', () => {
  it('has the request shed at once, and nobody wait behind it', () => {
    const driver = new GatewayDriver({ router: new Told(({ id }) => (id === 0 ? REFUSE : 0)) });
    expect([driver.arrive(0, 0), driver.arrive(0, 1)]).toEqual([['finish r0 shed no-worker'], ['start r1 a0 w0']]);
    expect(driver.gateway.held()).toEqual({ ...NOTHING, leases: 1, admitted: 1 });
  });

  it('has one that waited shed, and those behind it go', () => {
    const answers = [WAIT, REFUSE, 0];
    const driver = new GatewayDriver({ router: new Told(() => answers.shift() ?? 0) });
    expect([driver.arrive(0, 0), driver.arrive(0, 1)]).toEqual([[], []]);
    expect(driver.status(1, 0, 'ready')).toEqual(['finish r0 shed no-worker', 'start r1 a0 w0']);
  });

  it('has a retry shed as it would an arrival', () => {
    const router = new Told(({ attemptCount }) => (attemptCount > 0 ? REFUSE : 0));
    const driver = new GatewayDriver({ router, retry: new After(5) });
    driver.arrive(0, 0);
    driver.end(1, 0, FAILED);
    expect(driver.wake(6)).toEqual(['finish r0 shed no-worker']);
    expect(driver.gateway.held()).toEqual(NOTHING);
  });

  it('is prefix-hash as upstream has it, for a prompt it cannot see', () => {
    const fields = prefixHash.variants['smg-2026-08-07-http'];
    const config = prefixHash.config.parse({ name: 'prefix-hash', ...fields });
    const driver = new GatewayDriver({ router: new PrefixHash(config), workers: 2 });
    expect(driver.arrive(0, 0, { prefixKey: 5 })).toEqual(['finish r0 shed no-worker']);
  });
});

describe('a client that addresses a worker', () => {
  const addressed = (workers: number, settings: object = {}) => {
    const config = consistentHashing.config.parse({ name: 'consistent-hashing' });
    return new GatewayDriver({ router: new ConsistentHashing(config, () => 0), workers, ...settings });
  };

  it('gets that one', () => {
    const driver = addressed(3);
    expect(driver.arrive(0, 0, { targetWorker: '2', routingKey: 'k' })).toEqual(['start r0 a0 w2']);
  });

  it('is refused when there is no such worker or it is not ready', () => {
    const driver = addressed(3);
    driver.status(0, 1, 'not-ready');
    for (const [id, targetWorker] of ['1', '3', 'two'].entries()) {
      expect(driver.arrive(0, id, { targetWorker })).toEqual([`finish r${id} shed no-worker`]);
    }
  });

  it('gets it again when it failed', () => {
    const driver = addressed(2, { retry: new After(0) });
    driver.arrive(0, 0, { targetWorker: '1' });
    expect(driver.end(1, 0, FAILED)).toEqual(['start r0 a1 w1']);
  });
});

describe('a worker that failed a request', () => {
  const always = (excludeFailedWorkers: boolean, settings: object = {}) => {
    const router = new Told(() => 0);
    return new GatewayDriver({ router, workers: 3, retry: new After(0, 0, 0), excludeFailedWorkers, ...settings });
  };
  const failures = (driver: GatewayDriver) => {
    driver.arrive(0, 0);
    return [0, 1, 2].flatMap((attempt) => driver.end(attempt, attempt, FAILED));
  };

  it('is left out while others are left', () => {
    expect(failures(always(true))).toEqual(['start r0 a1 w1', 'start r0 a2 w2', 'start r0 a3 w0']);
  });

  it('is as good as any other where nobody is excluded', () => {
    expect(failures(always(false))).toEqual(['start r0 a1 w0', 'start r0 a2 w0', 'start r0 a3 w0']);
  });

  it('is taken again when gates turn all others down', () => {
    const driver = always(true, { workers: 2, gates: [new ConcurrencyLimit(1)] });
    driver.arrive(0, 0);
    driver.arrive(0, 1);
    expect(driver.end(1, 0, FAILED)).toEqual(['start r0 a2 w0']);
  });
});

describe('thresholds turned at run time', () => {
  it('let the parked in with the word that they changed', () => {
    const config = busy.config.parse({ name: 'busy', kvUsedRatioMax: 0.2, staleAfter: 'none' });
    const gate = new Busy(config);
    const driver = new GatewayDriver({ gates: [gate] });
    driver.report(0, 0);
    expect(driver.arrive(1, 0)).toEqual([]);
    expect(driver.wake(2)).toEqual([]);
    gate.setThresholds(3, { kvUsedRatioMax: 0.5 });
    expect([driver.wake(3), driver.reconsider(3)]).toEqual([[], ['start r0 a0 w0']]);
    gate.setThresholds(4, { kvUsedRatioMax: 0.1 });
    expect([driver.reconsider(4), driver.arrive(5, 1)]).toEqual([[], []]);
    gate.clearThresholds(6);
    expect(driver.reconsider(6)).toEqual(['start r1 a1 w0']);
  });

  it('are of no concern while nobody waits', () => {
    const router = new Told(() => 0);
    const driver = new GatewayDriver({ router });
    driver.arrive(0, 0);
    expect([driver.reconsider(1), router.asked]).toEqual([[], 1]);
    expect(driver.end(2, 0, OK)).toEqual(['finish r0 ok']);
  });
});

describe('a worker', () => {
  it('is known to policies by the name the host gives it', () => {
    let seen: FleetView = [];
    const router = new Told((_request, candidates) => {
      seen = [...candidates];
      return 0;
    });
    const driver = new GatewayDriver({ router, workers: 3 });
    driver.arrive(0, 0);
    expect(seen.map(({ name }) => name)).toEqual(['worker-0', 'worker-1', 'worker-2']);
    driver.gateway.discovered(1, [0, 2], ['http://a', 'http://c']);
    driver.takeAll();
    driver.arrive(2, 1);
    expect(seen.map(({ name }) => name)).toEqual(['http://a', 'http://c']);
  });
});

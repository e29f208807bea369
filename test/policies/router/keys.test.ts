/** Routers that go by a key of the request. */
import { describe, expect, it } from 'vitest';
import { REFUSE } from '../../../policies/router/answers.ts';
import type { ConsistentHashingConfig, ManualConfig } from '../../../policies/router/config.ts';
import { affinityOf, consistentHashing, ConsistentHashing } from '../../../policies/router/consistent-hashing.ts';
import { manual, Manual } from '../../../policies/router/manual.ts';
import { Passthrough } from '../../../policies/router/passthrough.ts';
import { prefixHash, PrefixHash } from '../../../policies/router/prefix-hash.ts';
import type { AttemptView, RequestView, WorkerView } from '../../../policies/types.ts';
import { requestView, scripted, workerView } from '../views.ts';

const fleet = (...inFlight: number[]): WorkerView[] =>
  inFlight.map((count, index) => workerView({ index, inFlight: count }));

function attemptOf(router: Manual, request: RequestView, worker: number, now = 0): AttemptView {
  const attempt = { id: request.id, request, worker: workerView({ index: worker }), startedAt: now };
  router.granted(now, attempt);
  return attempt;
}

describe('Passthrough', () => {
  it('takes the first candidate', () => {
    expect(new Passthrough().pick(0, requestView(), fleet(9, 0))).toBe(0);
  });
});

describe('PrefixHash', () => {
  const make = (variant = '') =>
    new PrefixHash(prefixHash.config.parse({ name: 'prefix-hash', ...prefixHash.variants[variant] }));
  const prompt = (first: number) => requestView({ blockHashes: [first, 2, 3, 4], promptTokens: 2048 });

  it('sends prompts that begin alike to one worker', () => {
    const router = make();
    const homes = [1, 2, 3, 4, 5, 6, 7, 8].map((first) => router.pick(0, prompt(first), fleet(0, 0, 0)));
    expect(new Set(homes).size).toBeGreaterThan(1);
    const later = requestView({ blockHashes: [1, 9, 9, 9], promptTokens: 2048 });
    expect(router.pick(0, later, fleet(0, 0, 0))).toBe(homes[0]);
  });

  it('passes a home with more than its share by, unless nobody has less', () => {
    const router = make();
    const home = router.pick(0, prompt(1), fleet(0, 0));
    const loaded = (leases: number, others: number) => fleet(...[0, 1].map((i) => (i === home ? leases : others)));
    expect(router.pick(0, prompt(1), loaded(20, 0))).toBe(home);
    expect(router.pick(0, prompt(1), loaded(22, 0))).toBe(1 - home);
    expect(make('smg-2026-08-07').pick(0, prompt(1), loaded(2, 0))).toBe(1 - home);
    expect(make('smg-2026-08-07').pick(0, prompt(1), loaded(5, 5))).toBe(home);
  });

  it('hashes as many blocks as 256 tokens fill, by their size where the host says it', () => {
    const home = (blockTokens: number, ...blockHashes: number[]) =>
      make().pick(0, requestView({ blockHashes, blockTokens, promptTokens: 2048 }), fleet(0, 0, 0, 0, 0, 0, 0, 0));
    const lasts = [1, 2, 3, 4, 5, 6, 7, 8];
    const homes = (blockTokens: number) => new Set(lasts.map((last) => home(blockTokens, 7, 7, last))).size;
    // Of three blocks for 2,048 tokens one is hashed; of three blocks of 64, all.
    expect([homes(0), homes(256)]).toEqual([1, 1]);
    expect(homes(64)).toBeGreaterThan(1);
  });

  it('takes the least loaded without a prefix; smg-2026-08-07 refuses, over HTTP with one too', () => {
    expect(make().pick(0, requestView(), fleet(3, 1))).toBe(1);
    expect(make('smg-2026-08-07').pick(0, requestView(), fleet(3, 1))).toBe(REFUSE);
    expect([0, 1]).toContain(make('smg-2026-08-07').pick(0, requestView({ prefixKey: 7 }), fleet(0, 0)));
    expect(make('smg-2026-08-07-http').pick(0, prompt(1), fleet(3, 1))).toBe(REFUSE);
  });
});

describe('ConsistentHashing', () => {
  const make = (variant: string, ...draws: number[]) => {
    const fields = consistentHashing.variants[variant];
    const config = consistentHashing.config.parse({ name: 'consistent-hashing', ...fields });
    return new ConsistentHashing(config, scripted(...draws));
  };

  it('asks the routing key, then the prefix, then chance; smg-2026-08-07 the tenant instead', () => {
    const candidates = fleet(0, 0, 0, 0, 0, 0, 0);
    const pick = (variant: string, fields: Partial<RequestView>, ...draws: number[]) =>
      make(variant, ...draws).pick(0, requestView(fields), candidates);
    const tenantOnly = { tenant: 'acme' };
    expect(pick('', { routingKey: 'k', prefixKey: 3 })).toBe(pick('', { routingKey: 'k', ...tenantOnly }));
    expect(pick('', { prefixKey: 3 })).toBe(pick('', { prefixKey: 3, ...tenantOnly }));
    expect(pick('', tenantOnly, 0.5)).toBe(3);
    expect(pick('smg-2026-08-07', tenantOnly)).toBe(pick('smg-2026-08-07', { prefixKey: 3, ...tenantOnly }));
    expect(pick('smg-2026-08-07', { prefixKey: 3 }, 0.5)).toBe(3);
  });
});

describe('ConsistentHashing with an addressed worker', () => {
  const config = consistentHashing.config.parse({ name: 'consistent-hashing' });
  const pick = (targetWorker: string, candidates: WorkerView[]) =>
    new ConsistentHashing(config, scripted()).pick(0, requestView({ targetWorker, routingKey: 'k' }), candidates);

  it('takes that one or nobody, whatever the keys say', () => {
    const candidates = fleet(0, 0, 0).slice(1);
    expect(['1', '+2', '0', '3', '-1', 'x', '1.5'].map((target) => pick(target, candidates))).toEqual([
      ...[0, 1, REFUSE, REFUSE, REFUSE, REFUSE, REFUSE],
    ]);
  });

  it('takes a number for an index as a whole alone', () => {
    const candidates = Array.from({ length: 12 }, (_, index) => workerView({ index }));
    expect(['11', '+10', 'x1', '1x', ' 1', '++1', '1 1'].map((target) => pick(target, candidates))).toEqual([
      ...[11, 10, REFUSE, REFUSE, REFUSE, REFUSE, REFUSE],
    ]);
  });
});

describe('ConsistentHashing with several implicit keys', () => {
  const candidates = Array.from({ length: 30 }, (_, index) => workerView({ index }));
  const pick = (implicitKeys: ConsistentHashingConfig['implicitKeys'], fields: Partial<RequestView>) => {
    const router = new ConsistentHashing({ name: 'consistent-hashing', implicitKeys }, scripted());
    return router.pick(0, requestView(fields), candidates);
  };

  it('asks the first that is present', () => {
    const prefix = pick(['prefix'], { prefixKey: 3 });
    const tenant = pick(['tenant'], { tenant: 'acme' });
    expect(prefix).not.toBe(tenant);
    expect(pick(['prefix', 'tenant'], { prefixKey: 3, tenant: 'acme' })).toBe(prefix);
    expect(pick(['tenant', 'prefix'], { prefixKey: 3, tenant: 'acme' })).toBe(tenant);
    expect(pick(['prefix', 'tenant'], { tenant: 'acme' })).toBe(tenant);
    expect(pick(['tenant', 'prefix'], { prefixKey: 3 })).toBe(prefix);
  });

  it('ends the search at a key that is present and empty', () => {
    const none = { target: '', routingKey: '', implicit: [undefined, '', 'key'] };
    expect(affinityOf(none)).toEqual({ kind: 'none' });
    expect(affinityOf({ ...none, implicit: [undefined, 'key', ''] })).toEqual({ kind: 'key', key: 'key' });
    expect(affinityOf({ ...none, implicit: [undefined] })).toEqual({ kind: 'none' });
  });

  it('forgets who is discovered no more', () => {
    const router = consistentHashing.make(consistentHashing.config.parse({ name: 'consistent-hashing' }), {
      rng: scripted(),
    });
    router.pick(0, requestView({ routingKey: 'k' }), fleet(0, 0));
    router.discovered?.(0, [1]);
    expect(router.snapshot?.()).toEqual([null, 'worker-1']);
  });
});

describe('Manual', () => {
  const make = (fields: Partial<ManualConfig>, ...draws: number[]) =>
    new Manual({ ...manual.config.parse({ name: 'manual' }), ...fields }, scripted(...draws));
  const keyed = (routingKey: string, id = 0) => requestView({ routingKey, id });
  const [one, two, three] = fleet(0, 0, 0) as [WorkerView, WorkerView, WorkerView];

  it('keeps a key with its worker, remembers two, and returns to the first', () => {
    const router = make({}, 0.9, 0);
    expect(router.pick(0, keyed('k'), [one, two, three])).toBe(2);
    expect(router.pick(0, keyed('k'), [one, two])).toBe(0);
    expect(router.pick(0, keyed('k'), [one, two])).toBe(0);
    expect(router.pick(0, keyed('k'), [one, two, three])).toBe(2);
    expect(router.pick(0, keyed('k'), [two])).toBe(0);
    expect(router.pick(0, keyed('k'), [two, three])).toBe(0);
    expect(router.pick(0, keyed('k'), [one, two])).toBe(0);
  });

  it('forgets a key at the end of its idle time, and the longest unused one beyond the bound', () => {
    const router = make({ maxIdle: 10 }, 0, 0.9);
    router.pick(0, keyed('k'), [one, two]);
    expect(router.pick(9, keyed('k'), [one, two])).toBe(0);
    expect(router.pick(19, keyed('k'), [one, two])).toBe(1);
    const small = make({ keysMax: 2 }, 0, 0, 0, 0.9);
    for (const key of ['a', 'b', 'a', 'c']) small.pick(0, keyed(key), [one, two]);
    expect(small.keys).toBe(2);
    expect(small.pick(0, keyed('b'), [one, two])).toBe(1);
  });

  it('assigns by fewest leases or by fewest keys in use', () => {
    expect(make({ assignment: 'min-load' }).pick(0, keyed(''), fleet(3, 1, 2))).toBe(1);
    const router = make({ assignment: 'min-group' }, 0);
    attemptOf(router, keyed('a', 1), 0);
    attemptOf(router, keyed('a', 2), 0);
    const attempt = attemptOf(router, keyed('b', 3), 1);
    expect(router.pick(0, keyed('new'), fleet(0, 0))).toBe(0);
    router.settled(0, attempt);
    expect(router.pick(0, keyed('newer'), fleet(0, 0))).toBe(1);
  });
});

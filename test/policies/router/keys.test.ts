/** Routers that go by a key of the request. */
import { describe, expect, it } from 'vitest';
import type { ManualConfig } from '../../../policies/router/config.ts';
import { consistentHashing, ConsistentHashing } from '../../../policies/router/consistent-hashing.ts';
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

  it('takes the least loaded without a prefix; smg-2026-08-07 waits, over HTTP with one too', () => {
    expect(make().pick(0, requestView(), fleet(3, 1))).toBe(1);
    expect(make('smg-2026-08-07').pick(0, requestView(), fleet(3, 1))).toBe(-1);
    expect(make('smg-2026-08-07').pick(0, requestView({ prefixKey: 7 }), fleet(0, 0))).not.toBe(-1);
    expect(make('smg-2026-08-07-http').pick(0, prompt(1), fleet(3, 1))).toBe(-1);
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

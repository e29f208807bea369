import { describe, expect, it } from 'vitest';
import { cacheAware, CacheAware } from '../../../policies/router/cache-aware.ts';
import type { CacheAwareConfig } from '../../../policies/router/config.ts';
import type { WorkerView } from '../../../policies/types.ts';
import { requestView, workerView } from '../views.ts';

const fleet = (...inFlight: number[]): WorkerView[] =>
  inFlight.map((count, index) => workerView({ index, inFlight: count }));
const blocks = (...blockHashes: number[]) => requestView({ blockHashes, promptTokens: 16 * blockHashes.length });

describe('CacheAware', () => {
  const make = (fields: Partial<CacheAwareConfig> = {}) =>
    new CacheAware({ ...cacheAware.config.parse({ name: 'cache-aware' }), ...fields });
  const historic = () =>
    new CacheAware(cacheAware.config.parse({ name: 'cache-aware', ...cacheAware.variants['smg-2026-08-07'] }));

  it('sends a prompt where its prefix went first, and unknown ones to the least loaded', () => {
    const router = make();
    expect(router.pick(0, blocks(1, 2, 3), fleet(0, 0, 0))).toBe(0);
    expect(router.pick(0, blocks(7, 8, 9), fleet(1, 0, 0))).toBe(1);
    expect(router.pick(0, blocks(1, 2, 4), fleet(5, 0, 0))).toBe(0);
    expect(router.pick(0, blocks(7), fleet(0, 5, 0))).toBe(1);
  });

  it('keeps turning over workers of equal load by what it sent them', () => {
    const router = make();
    expect([1, 2, 3, 4].map((block) => router.pick(0, blocks(block), fleet(0, 0, 0)))).toEqual([0, 1, 2, 0]);
  });

  it('needs more than the threshold of the prompt', () => {
    const router = make();
    router.pick(0, blocks(1, 2, 3), fleet(0, 9));
    const long = (matching: number) => blocks(...[1, 2, 3].slice(0, matching), 11, 12, 13, 14, 15, 16, 17);
    expect(router.pick(0, long(3), fleet(9, 0))).toBe(1);
    expect(make().pick(0, long(3), fleet(9, 0))).toBe(1);
    const other = make();
    other.pick(0, blocks(1, 2, 3), fleet(0, 9));
    expect(other.pick(0, blocks(1, 2, 3, 11, 12, 13, 14, 15, 16), fleet(9, 0))).toBe(0);
  });

  it('counts the part of the prompt that no block covers as unmatched, given the size of a block', () => {
    const sent = (configured: number | 'auto', said: number) => {
      const router = make({ blockTokens: configured });
      router.pick(0, blocks(1), fleet(0, 1));
      const request = requestView({ blockHashes: [1], blockTokens: said, promptTokens: 160 });
      return router.pick(0, request, fleet(1, 0));
    };
    expect([sent('auto', 0), sent('auto', 16), sent(16, 0), sent(160, 16)]).toEqual([0, 1, 1, 0]);
  });

  it('gives up affinity above 64 leases between workers, and teaches the emptier one', () => {
    const router = make();
    router.pick(0, blocks(1), fleet(0, 1));
    expect(router.pick(0, blocks(1), fleet(64, 0))).toBe(0);
    expect(router.pick(0, blocks(1), fleet(65, 0))).toBe(1);
    expect(router.remembered(1)).toBe(1);
  });

  it('gives up affinity on overload or spread of KV usage that is not too old', () => {
    const usage = (now: number, fields: Partial<CacheAwareConfig>) => {
      const router = make(fields);
      router.pick(0, blocks(1), fleet(0, 1));
      const full = workerView({ index: 0, inFlight: 1, reportedAt: 0, reportedKvUsageRatio: 0.95 });
      const empty = workerView({ index: 1, reportedAt: 0, reportedKvUsageRatio: 0.1 });
      return router.pick(now, blocks(1), [full, empty]);
    };
    expect(usage(0, {})).toBe(0);
    expect(usage(0, { overloadTokenUsageThreshold: 0.9 })).toBe(1);
    expect(usage(30e6 + 1, { overloadTokenUsageThreshold: 0.9 })).toBe(0);
    expect(usage(0, { balanceTokenUsageThreshold: 0.5 })).toBe(1);
  });

  it('sends a match whose worker is no candidate to the least loaded, once to the first (smg-2026-08-07)', () => {
    for (const [router, position, learned] of [[make(), 1, 1], [historic(), 0, 0]] as const) {
      router.pick(0, blocks(1, 2), fleet(0, 9, 9));
      const rest = [workerView({ index: 1, inFlight: 5 }), workerView({ index: 2 })];
      expect(router.pick(0, blocks(1, 2), rest)).toBe(position);
      expect(router.remembered(2)).toBe(2 * learned);
      expect(router.remembered(1)).toBe(0);
    }
  });

  it('forgets a worker that left or failed, except in smg-2026-08-07', () => {
    for (const [router, kept] of [[make(), 0], [historic(), 2]] as const) {
      router.pick(0, blocks(1, 2), fleet(0, 9));
      router.statusChanged(0, 0, 'not-ready');
      expect(router.remembered(0)).toBe(2);
      router.statusChanged(0, 0, 'failed');
      expect(router.remembered(0)).toBe(kept);
      router.pick(0, blocks(1, 2), fleet(0, 9));
      router.discovered(0, [1]);
      expect(router.remembered(0)).toBe(kept);
    }
  });

  it('bounds what it remembers at once, or at each eviction interval', () => {
    const lazy = make({ blocksMax: 2, evictionInterval: 10 });
    const eager = make({ blocksMax: 2 });
    for (const router of [lazy, eager]) {
      router.pick(0, blocks(1, 2), fleet(0));
      router.pick(1, blocks(3, 4), fleet(0));
    }
    expect([lazy.remembered(0), eager.remembered(0)]).toEqual([4, 2]);
    lazy.pick(10, blocks(), fleet(0));
    expect(lazy.remembered(0)).toBe(2);
  });

  it('takes the prefix key where blocks are unknown, and nothing where both are', () => {
    const router = make();
    const known = requestView({ prefixKey: 5 });
    expect(router.pick(0, known, fleet(0, 9))).toBe(0);
    expect(router.pick(0, known, fleet(9, 0))).toBe(0);
    expect(router.pick(0, blocks(5), fleet(9, 0))).toBe(1);
    expect(router.pick(0, requestView(), fleet(9, 0))).toBe(1);
  });

  it('asks for the most overlap in smg-2026-08-07-kv-events, then leases, then the smaller tree', () => {
    const config = { name: 'cache-aware', ...cacheAware.variants['smg-2026-08-07-kv-events'] };
    const router = new CacheAware(cacheAware.config.parse(config));
    router.pick(0, blocks(1), fleet(0, 9));
    router.pick(0, blocks(1, 2), [workerView({ index: 1 })]);
    expect(router.pick(0, blocks(1, 2, 3), fleet(0, 50))).toBe(1);
    expect(router.pick(0, blocks(9, 9), fleet(1, 0))).toBe(1);
    expect(router.pick(0, blocks(1), fleet(1, 1))).toBe(0);
  });
});

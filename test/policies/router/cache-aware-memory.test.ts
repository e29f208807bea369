/** Who holds most of a prompt, and which of the prompts it knows a worker forgets first. */
import { describe, expect, it } from 'vitest';
import { cacheAware, CacheAware } from '../../../policies/router/cache-aware.ts';
import type { CacheAwareConfig } from '../../../policies/router/config.ts';
import { requestView, workerView } from '../views.ts';

const make = (fields: Partial<CacheAwareConfig> = {}) =>
  new CacheAware({ ...cacheAware.config.parse({ name: 'cache-aware' }), ...fields });
const blocks = (...blockHashes: number[]) => requestView({ blockHashes, promptTokens: 16 * blockHashes.length });
const fleet = (...inFlight: number[]) => inFlight.map((count, index) => workerView({ index, inFlight: count }));
const only = (index: number) => [workerView({ index })];

describe('CacheAware: most overlap', () => {
  const taught = (...prompts: readonly (readonly [worker: number, ...path: number[]])[]) => {
    const router = make({ choose: 'most-overlap' });
    for (const [worker, ...path] of prompts) router.pick(0, blocks(...path), only(worker));
    return router;
  };

  it('takes whoever holds most, however little that is of the prompt, and whoever saw it first', () => {
    const router = taught([0, 1], [1, 1, 2]);
    expect(router.pick(0, blocks(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), fleet(0, 9))).toBe(1);
  });

  it('takes the fewest leases of equal overlaps, then the fewest blocks, then the fewest sent', () => {
    const both = [[0, 1], [1, 1]] as const;
    expect(taught(...both).pick(0, blocks(1), fleet(2, 1))).toBe(1);
    expect(taught(...both, [0, 5]).pick(0, blocks(1), fleet(1, 1))).toBe(1);
    expect(taught(...both, [1, 5]).pick(0, blocks(1), fleet(1, 1))).toBe(0);
    expect(taught(...both, [0, 1]).pick(0, blocks(1), fleet(1, 1))).toBe(1);
    expect(taught(...both).pick(0, blocks(1), fleet(1, 1))).toBe(0);
  });

  it('takes the least loaded where nobody holds anything, however much it remembers', () => {
    const router = taught([0, 1, 2, 3, 4], [1, 5], [1, 6]);
    expect(router.pick(0, blocks(9), fleet(0, 0))).toBe(0);
  });
});

describe('CacheAware: forgetting', () => {
  /** Whether worker 0, sent one-block prompts in this order, still knows the block. */
  const knows = (block: number, refreshEvery: number, ...sent: number[]) => {
    const router = make({ blocksMax: 2, refreshEvery });
    for (const [now, each] of sent.entries()) router.pick(now, blocks(each), fleet(0));
    return router.pick(9, blocks(block), fleet(9, 0)) === 0;
  };

  it('begins with the longest unused prompt', () => {
    expect([knows(1, 1, 1, 2, 1, 3), knows(2, 1, 1, 2, 1, 3)]).toEqual([true, false]);
    expect([knows(1, 1, 1, 2, 2, 1, 3), knows(2, 1, 1, 2, 2, 1, 3)]).toEqual([true, false]);
  });

  it('counts every second request alone as a use, the first included', () => {
    expect([knows(1, 2, 1, 2, 1, 3), knows(2, 2, 1, 2, 1, 3)]).toEqual([true, false]);
    expect([knows(1, 2, 1, 2, 2, 1, 3), knows(2, 2, 1, 2, 2, 1, 3)]).toEqual([false, true]);
  });

  it('waits for the end of an eviction interval', () => {
    const router = make({ blocksMax: 2, evictionInterval: 10 });
    for (const now of [0, 1, 9]) router.pick(now, blocks(now + 1), fleet(0));
    expect(router.remembered(0)).toBe(3);
    router.pick(9, requestView(), fleet(0));
    expect(router.remembered(0)).toBe(3);
    router.pick(10, requestView(), fleet(0));
    expect(router.remembered(0)).toBe(2);
    for (const now of [11, 19]) router.pick(now, blocks(now), fleet(0));
    expect(router.remembered(0)).toBe(4);
    router.pick(20, requestView(), fleet(0));
    expect(router.remembered(0)).toBe(2);
  });
});

/** Routers that go by the size of prompts. */
import { describe, expect, it } from 'vitest';
import { bucket, Bucket } from '../../../policies/router/bucket.ts';
import { BucketRanges } from '../../../policies/router/bucket-ranges.ts';
import type { BucketConfig, KvCostConfig } from '../../../policies/router/config.ts';
import { dpMinTokens, DpMinTokens } from '../../../policies/router/dp-min-tokens.ts';
import { KvCost, kvCost, softmaxIndex } from '../../../policies/router/kv-cost.ts';
import type { AttemptView, RequestView, Router, WorkerView } from '../../../policies/types.ts';
import { loadReport, requestView, scripted, workerView } from '../views.ts';

const fleet = (...inFlight: number[]): WorkerView[] =>
  inFlight.map((count, index) => workerView({ index, inFlight: count }));
const blocks = (...blockHashes: number[]) => requestView({ blockHashes, promptTokens: 16 * blockHashes.length });

function attemptOf(router: Router, request: RequestView, worker: number, now = 0): AttemptView {
  const attempt = { id: request.id, request, worker: workerView({ index: worker }), startedAt: now };
  router.granted?.(now, attempt);
  return attempt;
}

describe('Bucket', () => {
  const make = (fields: Partial<BucketConfig> = {}) => {
    const router = new Bucket({ ...bucket.config.parse({ name: 'bucket' }), ...fields });
    router.discovered(0, [0, 1, 2]);
    return router;
  };
  const sized = (characters: number) => requestView({ promptTokens: characters / 4 });
  const even = { balanceAbsThreshold: Infinity };

  it('divides 4,096 characters at first and follows recent sizes after five seconds', () => {
    const router = make(even);
    expect([0, 1364, 1368, 4096].map((size) => router.pick(0, sized(size), fleet(0, 0, 0)))).toEqual([0, 0, 1, 2]);
    expect(router.pick(5e6 - 1, sized(2000), fleet(0, 0, 0))).toBe(1);
    expect(router.pick(5e6, sized(2000), fleet(0, 0, 0))).toBe(0);
  });

  it('takes the emptiest when recent work is uneven', () => {
    const router = make();
    expect([100, 100, 100].map((size) => router.pick(0, sized(size), fleet(0, 0, 0)))).toEqual([0, 1, 2]);
  });

  it('keeps ranges of real sizes when the fleet changes, where smg-2026-08-07 leaves all to the first', () => {
    const historic = make({ ...even, whenFleetChanges: 'full-range', whenOwnerAway: 'wait' });
    const repaired = make(even);
    for (const router of [historic, repaired]) {
      for (const size of [1000, 2000, 3000, 4000]) router.pick(0, sized(size), fleet(0, 0, 0));
      router.discovered(0, [0, 1, 2, 3]);
    }
    const sizes = [1000, 2000, 3000, 4000];
    expect(sizes.map((size) => historic.pick(0, sized(size), fleet(0, 0, 0, 0)))).toEqual([0, 0, 0, 0]);
    expect(new Set(sizes.map((size) => repaired.pick(0, sized(size), fleet(0, 0, 0, 0)))).size).toBeGreaterThan(1);
  });

  it('sends a size whose owner is away to the emptiest, where smg-2026-08-07 waits', () => {
    const away = [workerView({ index: 1 }), workerView({ index: 2 })];
    expect(make(even).pick(0, sized(100), away)).toBe(0);
    expect(make({ ...even, whenOwnerAway: 'wait' }).pick(0, sized(100), away)).toBe(-1);
  });
});

describe('BucketRanges', () => {
  const make = () => {
    const ranges = new BucketRanges(5e6, 'recut');
    ranges.setWorkers([0, 1, 2]);
    return ranges;
  };

  it('ends a range one share further where sizes repeat', () => {
    const buckets = make();
    for (let i = 0; i < 3; i++) buckets.post(0, 100, 0);
    buckets.recut();
    expect(buckets.ranges.map(({ from, to }) => [from, to])).toEqual([
      [0, 100],
      [101, 201],
      [202, Infinity],
    ]);
  });

  it('forgets a request once it is older than the period', () => {
    const buckets = make();
    buckets.post(0, 10, 0);
    buckets.post(5e6, 20, 1);
    expect([buckets.total, buckets.loads.get(0)]).toEqual([30, 10]);
    buckets.post(5e6 + 1, 40, 1);
    expect([buckets.total, buckets.loads.get(0), buckets.loads.get(1)]).toEqual([60, 0, 60]);
  });

  it('keeps the counts of those who stay, unless all numbers are divided anew', () => {
    const [recut, fullRange] = [make(), new BucketRanges(5e6, 'full-range')];
    fullRange.setWorkers([0, 1, 2]);
    for (const buckets of [recut, fullRange]) {
      buckets.post(0, 10, 0);
      buckets.setWorkers([0, 3]);
    }
    expect([...recut.loads]).toEqual([
      [0, 10],
      [3, 0],
    ]);
    expect(recut.ranges[0]?.to).toBe(10);
    expect([fullRange.loads.get(0), fullRange.ranges[1]?.from]).toEqual([0, 2n ** 63n - 1n]);
  });
});

describe('DpMinTokens', () => {
  it('takes the fewest tokens, the lowest index on a tie, and releases them with the lease', () => {
    const router = new DpMinTokens(dpMinTokens.config.parse({ name: 'dp-min-tokens' }));
    const send = (id: number, promptTokens: number) => {
      const request = requestView({ id, promptTokens });
      const worker = router.pick(0, request, fleet(0, 0));
      return { worker, attempt: attemptOf(router, request, worker) };
    };
    const first = send(1, 100);
    expect([first.worker, send(2, 50).worker, send(3, 60).worker]).toEqual([0, 1, 1]);
    router.settled(0, first.attempt);
    expect(router.tokens(0)).toBe(0);
    expect(send(4, 10).worker).toBe(0);
  });

  it('counts from the last report in smg-2026-08-07', () => {
    const config = { name: 'dp-min-tokens', ...dpMinTokens.variants['smg-2026-08-07'] };
    const router = new DpMinTokens(dpMinTokens.config.parse(config));
    const attempt = attemptOf(router, requestView({ promptTokens: 100 }), 0);
    router.settled(0, attempt);
    expect(router.tokens(0)).toBe(100);
    router.reported(0, 0, 0, loadReport({ prefillTokens: 7 }));
    router.reported(0, 0, 1, loadReport({ prefillTokens: 8 }));
    expect(router.tokens(0)).toBe(15);
    router.discovered(0, [1]);
    expect(router.tokens(0)).toBe(0);
  });
});

describe('KvCost', () => {
  const make = (fields: Partial<KvCostConfig> = {}, ...draws: number[]) =>
    new KvCost({ ...kvCost.config.parse({ name: 'kv-cost' }), ...fields }, scripted(...draws));

  it('charges prefill less overlap, blocks held and requests', () => {
    const router = make({ overlapCredit: 0.5, requestWeight: 3 }, 0);
    const request = { ...blocks(1, 2, 3, 4), id: 1 };
    expect(router.costs(0, request, fleet(0, 0))).toEqual([8, 8]);
    expect(router.pick(0, request, fleet(0, 0))).toBe(0);
    attemptOf(router, request, 0);
    // Worker 0 prefills 4 blocks, holds 4 and runs 1; 4 of the prompt's are there: 4 + 4 − 2 + 4 + 4 + 3.
    expect(router.costs(0, request, fleet(0, 0))).toEqual([17, 8]);
  });

  it('ends prefill with the first token, a report or the lease, and a booking after its time', () => {
    const request = { ...blocks(1, 2), id: 1 };
    const cost = (end: (router: KvCost, attempt: AttemptView) => void, now = 0) => {
      const router = make();
      end(router, attemptOf(router, request, 0));
      return router.costs(now, blocks(8), fleet(0))[0];
    };
    expect(cost(() => undefined)).toBe(2 + 1 + 2 + 1);
    expect(cost((router, attempt) => router.firstToken(0, attempt))).toBe(1 + 2 + 1);
    expect(cost((router) => router.reported(0, 0, 0, loadReport({ prefillTokens: 0 })))).toBe(1 + 2 + 1);
    expect(cost((router) => router.reported(0, 0, 0, loadReport({ prefillTokens: 16 })))).toBe(1 + 1 + 2 + 1);
    expect(cost((router, attempt) => router.settled(0, attempt))).toBe(1 + 1);
    expect(cost(() => undefined, 300e6)).toBe(1 + 1);
  });

  it('follows the prefix until load outweighs it, and forgets it after 120 s', () => {
    const router = make({}, 0, 0);
    const request = { ...blocks(1, 2, 3), id: 1 };
    expect(router.pick(0, request, fleet(0, 0))).toBe(0);
    expect(router.costs(120e6 - 1, request, fleet(0, 0))).toEqual([3, 6]);
    expect(router.costs(120e6, request, fleet(0, 0))).toEqual([6, 6]);
  });

  it('draws among equal costs only', () => {
    expect(make({}, 0.9).pick(0, blocks(1), fleet(0, 0, 0))).toBe(2);
    expect(make({}).pick(0, blocks(1), fleet(0))).toBe(0);
  });

  it.each([
    [[5, 5], 0.4, 0],
    [[5, 5], 0.6, 1],
    // Over the range 9: exp(0), exp(−1/3), exp(−1) are 48, 34 and 18 %.
    [[0, 3, 9], 0.47, 0],
    [[0, 3, 9], 0.5, 1],
    [[0, 3, 9], 0.83, 2],
  ])('draws from the softmax of %j with %d: %d', (costs, draw, position) => {
    expect(softmaxIndex(costs, 1, draw)).toBe(position);
  });
});

/** When recent work counts as uneven, and who takes a prompt that its range's owner does not. */
import { describe, expect, it } from 'vitest';
import { bucket, Bucket } from '../../../policies/router/bucket.ts';
import type { BucketConfig } from '../../../policies/router/config.ts';
import { requestView, workerView } from '../views.ts';

const views = (...indexes: number[]) => indexes.map((index) => workerView({ index }));
/** Sizes are tokens here. */
const sized = (promptTokens: number) => requestView({ promptTokens });
const make = (fields: Partial<BucketConfig> = {}) =>
  new Bucket({ ...bucket.config.parse({ name: 'bucket' }), charactersPerToken: 1, ...fields });

/** Position that takes a small prompt, worker 0's by range, when two workers' recent sizes are these. */
function third(sizes: readonly [number, number], fields: Partial<BucketConfig>): number {
  const router = make(fields);
  router.discovered(0, [0, 1]);
  for (const [worker, size] of sizes.entries()) router.pick(0, sized(size), views(worker));
  return router.pick(0, sized(10), views(0, 1));
}

describe('Bucket: uneven recent work', () => {
  it.each([
    ['a difference of 32', [32, 0], 0],
    ['a difference of 33', [33, 0], 1],
    ['a sum of much more with a difference of less', [1000, 990], 0],
    ['a difference within the factor of 1.0001', [1_000_040, 1_000_000], 0],
    ['a difference beyond the factor', [1_000_140, 1_000_000], 1],
  ] as const)('takes the owner or the emptiest after %s', (_case, sizes, worker) => {
    expect(third(sizes, {})).toBe(worker);
  });

  it('is even at exactly the factor', () => {
    expect(third([100, 50], { balanceRelThreshold: 2 })).toBe(0);
    expect(third([101, 50], { balanceRelThreshold: 2 })).toBe(1);
  });

  it('takes the emptiest of all known workers, and waits for it where owners are waited for', () => {
    const router = make({ whenOwnerAway: 'wait' });
    router.discovered(0, [0, 1, 2]);
    expect(router.pick(0, sized(100), views(0, 1, 2))).toBe(0);
    expect(router.pick(0, sized(40), views(0, 2, 1))).toBe(2);
    expect(router.pick(0, sized(10), views(0, 1))).toBe(-1);
    expect(router.pick(0, sized(10), views(0, 1, 2))).toBe(2);
  });
});

describe('Bucket: an owner that is no candidate', () => {
  const even = { balanceAbsThreshold: Infinity };

  it.each([
    [[50, 100], 0],
    [[100, 50], 1],
    [[50, 50], 0],
  ])('gives its prompt to the candidate with the fewest recent characters, of %j to %d', (sizes, position) => {
    const router = make(even);
    router.discovered(0, [0, 1, 2]);
    for (const [i, size] of sizes.entries()) router.pick(0, sized(size), views(i + 1));
    expect(router.pick(0, sized(10), views(1, 2))).toBe(position);
  });

  it('counts nothing for a candidate that was never discovered', () => {
    const router = make(even);
    router.discovered(0, [0, 1]);
    router.pick(0, sized(50), views(1));
    expect(router.pick(0, sized(10), views(1, 7))).toBe(1);
  });

  it('waits for nobody before the first discovery, when there are no owners', () => {
    const router = make({ whenOwnerAway: 'wait' });
    expect(router.pick(0, sized(10), views(0, 1))).toBe(0);
  });
});

describe('Bucket smg-2026-08-07', () => {
  it('waits for an owner that is away, and leaves all sizes to the first once the fleet has changed', () => {
    const answers = (variant: string) => {
      const fields = { balanceAbsThreshold: 1e9, ...bucket.variants[variant] };
      const router = new Bucket(bucket.config.parse({ name: 'bucket', ...fields }));
      router.discovered(0, [0, 1]);
      const away = router.pick(0, sized(10), views(1));
      router.discovered(0, [0, 1, 2]);
      return [away, router.pick(0, sized(5000), views(0, 1, 2))];
    };
    expect([answers('smg-2026-08-07'), answers('')]).toEqual([
      [-1, 0],
      [0, 2],
    ]);
  });
});

describe('Bucket: recuts', () => {
  it('come once an interval, before the first prompt of it', () => {
    const router = make({ balanceAbsThreshold: Infinity });
    router.discovered(0, [0, 1]);
    for (const size of [100, 100]) router.pick(0, sized(size), views(0, 1));
    expect(router.pick(25e6, sized(150), views(0, 1))).toBe(1);
    // Recut at 25 s to 0–100; the second at 30 s sees 150 and 1,000 of the last 5 s.
    expect(router.pick(30e6 - 1, sized(1000), views(0, 1))).toBe(1);
    expect(router.pick(30e6, sized(400), views(0, 1))).toBe(0);
  });
});

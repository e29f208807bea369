/** When affinity is given up: the bounds of balance and of a match, each strict, and the reports that count. */
import { describe, expect, it } from 'vitest';
import { cacheAware, CacheAware, imbalanced, routeOf } from '../../../policies/router/cache-aware.ts';
import type { CacheAwareConfig } from '../../../policies/router/config.ts';
import { requestView, workerView } from '../views.ts';

const make = (fields: Partial<CacheAwareConfig> = {}) =>
  new CacheAware({ ...cacheAware.config.parse({ name: 'cache-aware' }), ...fields });

describe('imbalanced', () => {
  const off = { balanceTokenUsageThreshold: 1, overloadTokenUsageThreshold: 1 };
  const leases = { ...off, balanceAbsThreshold: 64, balanceRelThreshold: 1.5 };

  it.each([
    [0, 64, false],
    [0, 65, true],
    [40, 70, false],
    [200, 270, false],
    [100, 165, true],
    [140, 210, false],
    [140, 211, true],
  ])('from %d to %d leases at 64 and 1.5: %s', (min, max, answer) => {
    expect(imbalanced(leases, [], min, max)).toBe(answer);
  });

  it.each([
    ['overload', { ...leases, overloadTokenUsageThreshold: 0.5 }, [0.5], false],
    ['overload', { ...leases, overloadTokenUsageThreshold: 0.5 }, [0.4, 0.51], true],
    ['spread', { ...leases, balanceTokenUsageThreshold: 0.25 }, [0.75, 0.5], false],
    ['spread', { ...leases, balanceTokenUsageThreshold: 0.25 }, [0.5, 0.76, 0.6], true],
    ['spread', { ...leases, balanceTokenUsageThreshold: 0 }, [0.5], false],
    ['usage without reports', { ...leases, balanceTokenUsageThreshold: 0, overloadTokenUsageThreshold: 0 }, [], false],
  ])('by %s of %o with usages %j: %s', (_case, thresholds, usages, answer) => {
    expect(imbalanced(thresholds, usages, 0, 0)).toBe(answer);
  });
});

describe('routeOf', () => {
  it.each([
    [3, 10, true, 'min-load'],
    [4, 10, true, 'cached'],
    [4, 10, false, 'gone'],
    [3, 10, false, 'min-load'],
    [0, 0, true, 'min-load'],
    [1, 0, true, 'min-load'],
  ] as const)('of %d matched of %d, owner a candidate: %s: %s', (matched, input, available, route) => {
    expect(routeOf(0.3, matched, input, available)).toBe(route);
  });
});

describe('CacheAware: reports that count', () => {
  /** The pick for a prompt that worker 0 knows, at 110 s; worker 1 has fewer leases. */
  const pick = (fields: Partial<CacheAwareConfig>, usages: readonly number[], reportedAt = 100e6) => {
    const router = make(fields);
    const views = usages.map((usage, index) => {
      return workerView({ index, inFlight: 1 - index, reportedAt, reportedKvUsageRatio: usage });
    });
    const request = requestView({ prefixKey: 5 });
    router.pick(0, request, [workerView({ index: 0 })]);
    return router.pick(110e6, request, views);
  };

  it('tell a usage, none included', () => {
    const spread = { balanceTokenUsageThreshold: 0.5 };
    expect(pick(spread, [0.6, 0])).toBe(1);
    expect(pick(spread, [0.6, -1])).toBe(0);
  });

  it('are as old as the maximum at most', () => {
    const overload = { overloadTokenUsageThreshold: 0.5 };
    expect(pick(overload, [0.6, 0.1])).toBe(1);
    expect(pick(overload, [0.6, 0.1], 80e6)).toBe(1);
    expect(pick(overload, [0.6, 0.1], 80e6 - 1)).toBe(0);
  });
});

describe('CacheAware: a prefix key', () => {
  it('stands for the whole prompt, whatever the size of a block', () => {
    const router = make({ blockTokens: 16 });
    const request = requestView({ prefixKey: 5, promptTokens: 1600 });
    router.pick(0, request, [workerView({ index: 0 })]);
    expect(router.pick(0, request, [workerView({ index: 0, inFlight: 9 }), workerView({ index: 1 })])).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { LeastLoad, leastLoad } from '../../../policies/router/least-load.ts';
import type { LeastLoadConfig } from '../../../policies/router/config.ts';
import type { WorkerView } from '../../../policies/types.ts';
import { loadReport, requestView, workerView } from '../views.ts';

const CONFIG = leastLoad.config.parse({ name: 'least-load' });

function make(fields: Partial<LeastLoadConfig> = {}) {
  return new LeastLoad({ ...CONFIG, ...fields });
}

const fleet = (...inFlight: number[]): WorkerView[] =>
  inFlight.map((count, index) => workerView({ index, inFlight: count }));

/** A report: waiting prompt tokens, KV usage in percent, tokens per second. */
function load(prefillTokens: number, usagePercent = 0, generatedTokensPerSec = 100) {
  return loadReport({ prefillTokens, kvUsedBlocks: usagePercent, kvTotalBlocks: 100, generatedTokensPerSec });
}

function picks(router: LeastLoad, candidates: WorkerView[], times: number, promptTokens = 100) {
  return Array.from({ length: times }, () => router.pick(0, requestView({ promptTokens }), candidates));
}

describe('LeastLoad', () => {
  it('takes the fewest in flight while nobody reports, the first on a tie', () => {
    expect(picks(make(), fleet(5, 0, 0), 2)).toEqual([1, 1]);
  });

  it('adds drain time and KV pressure', () => {
    const router = make();
    router.reported(0, 0, 0, load(1000, 50, 100));
    router.reported(0, 1, 0, load(0, 90, -1));
    const [busy, full] = router.scores(0, fleet(0, 0));
    expect(busy).toBeCloseTo(10 + 0.15, 12);
    expect(full).toBeCloseTo(0.15 * 9, 12);
  });

  it('keeps the barrier finite at a full KV cache', () => {
    const router = make();
    router.reported(0, 0, 0, load(0, 100));
    expect(router.scores(0, fleet(0))[0]).toBeCloseTo(0.15 * 999, 9);
  });

  it('spreads the requests between two reports by the credit of each choice', () => {
    const router = make();
    for (const worker of [0, 1]) router.reported(0, worker, 0, load(0));
    expect(picks(router, fleet(0, 0), 4)).toEqual([0, 1, 0, 1]);
    router.reported(0, 1, 0, load(0));
    expect(picks(router, fleet(0, 0), 1)).toEqual([1]);
  });

  it.each([
    ['the prompt', 'prompt', 300, 300],
    ['the mean when the length is unknown', 'prompt', -1, 1024],
    ['nothing for an empty prompt', 'prompt', 0, 0],
    ['the mean (smg-2026-08-07-http)', 'mean', 300, 1024],
  ] as const)('credits %s', (_case, credit, promptTokens, tokens) => {
    const router = make({ credit });
    for (const worker of [0, 1]) router.reported(0, worker, 0, load(0));
    picks(router, fleet(0, 0), 1, promptTokens);
    expect(router.scores(0, fleet(0, 0))).toEqual([tokens / 100, 0]);
  });

  it('takes a lone candidate without credit', () => {
    const router = make();
    router.reported(0, 0, 0, load(0));
    router.reported(0, 1, 0, load(0));
    picks(router, fleet(0), 5);
    expect(router.scores(0, fleet(0, 0))).toEqual([0, 0]);
  });

  it('values a silent worker by its leases at the mean throughput of the others', () => {
    const router = make();
    router.reported(0, 1, 0, load(0, 0, 100));
    router.reported(0, 2, 0, load(0, 0, 300));
    expect(router.scores(0, fleet(2, 0, 0))[0]).toBe((2 * 1024) / 200);
  });

  it('adds up the ranks of a worker and averages their usage', () => {
    const router = make();
    router.configured(0, 0, 2);
    router.reported(0, 0, 0, load(100, 10, 50));
    router.reported(0, 0, 1, load(200, 30, 150));
    expect(router.scores(0, fleet(0))[0]).toBeCloseTo(300 / 200 + 0.15 * 0.25, 12);
    router.configured(0, 0, 1);
    expect(router.scores(0, fleet(0))[0]).toBeCloseTo(100 / 50 + (0.15 * 0.1) / 0.9, 12);
  });

  it('disregards a report older than reportMaxAge, unless told never to (smg-2026-08-07)', () => {
    const reported = (router: LeastLoad) => {
      router.reported(0, 0, 0, load(5000));
      return router;
    };
    expect(reported(make()).scores(30e6, fleet(3))).toEqual([50]);
    expect(reported(make()).scores(30e6 + 1, fleet(3))).toEqual([3]);
    expect(reported(make({ reportMaxAge: Infinity })).scores(1e12, fleet(3))).toEqual([50]);
  });

  it('forgets a worker that is gone', () => {
    const router = make();
    router.reported(0, 0, 0, load(5000));
    router.discovered(0, [1]);
    expect(router.scores(0, fleet(3))).toEqual([3]);
  });

  it('keeps the report and the credit of a worker that stays', () => {
    const router = make();
    for (const worker of [0, 1]) router.reported(0, worker, 0, load(0));
    picks(router, fleet(0, 0), 1);
    router.discovered(0, [0, 1, 2]);
    expect(router.scores(0, fleet(3, 3))).toEqual([1, 0]);
  });

  it('ages a report from when it came', () => {
    const router = make();
    router.reported(100e6, 0, 0, load(5000));
    expect(router.scores(130e6, fleet(3))).toEqual([50]);
    expect(router.scores(130e6 + 1, fleet(3))).toEqual([3]);
  });

  it('takes the weight and the throughput that it is given, a weight of none included', () => {
    const score = (kvPressureWeight: number) => {
      const router = make({ kvPressureWeight, defaultThroughput: 500 });
      router.reported(0, 0, 0, load(1000, 50, 0));
      return router.scores(0, fleet(0))[0];
    };
    expect([score(0), score(3)]).toEqual([2, 5]);
  });

  it('falls back to the defaults for parameters without sense', () => {
    const router = make({ kvPressureWeight: -1, defaultThroughput: 0, meanPrefillTokens: 0 });
    router.reported(0, 0, 0, load(1000, 50, 0));
    expect(router.scores(0, fleet(0))[0]).toBeCloseTo(1000 / 2000 + 0.15, 12);
    expect(router.scores(0, fleet(0, 4))[1]).toBe(4 / 2000);
  });
});

import { describe, expect, it } from 'vitest';
import { LatchMonitor } from '../../../policies/busy/latch-monitor.ts';
import type { BusyThresholds, RankLoad, WorkerPool } from '../../../policies/busy/monitor.ts';
import type { AttemptOutcome } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../views.ts';

const THRESHOLDS: BusyThresholds = {
  ...{ kvUsedRatioMax: Infinity, decodeRatioMax: 0.5, prefillTokensMax: 100, prefillBatchesMax: 2 },
};

const pool = (fields: Partial<WorkerPool> = {}): WorkerPool => {
  return { ranks: 1, kvTotalBlocks: 100, maxBatchedTokens: 10_000, ...fields };
};
const load = (fields: Partial<RankLoad> = {}): RankLoad => {
  return { kvUsedBlocks: -1, decodeBlocks: -1, prefillTokens: -1, ...fields };
};

function make(pools: readonly (WorkerPool | undefined)[] = [pool()]): LatchMonitor {
  const monitor = new LatchMonitor(THRESHOLDS);
  monitor.discovered(0, pools.map((_, worker) => worker));
  monitor.poolsChanged(0, new Map(pools.flatMap((each, worker) => (each === undefined ? [] : [[worker, each]]))));
  return monitor;
}

function settle(monitor: LatchMonitor, worker: number, outcome: AttemptOutcome): void {
  const attempt = { id: 1, request: requestView({ id: 1 }), worker: workerView({ index: worker }), startedAt: 0 };
  monitor.settled(0, attempt, attemptResult({ outcome }));
}

describe('the latch of the block signals', () => {
  it.each(['kvUsedBlocks', 'decodeBlocks'] as const)('trips above half of the pool, not at it: %s', (signal) => {
    const monitor = make();
    monitor.loaded(0, 0, 0, load({ [signal]: 50 }));
    expect(monitor.allows(0, 0)).toBe(true);
    monitor.loaded(0, 0, 0, load({ [signal]: 51 }));
    expect(monitor.allows(0, 0)).toBe(false);
    expect(monitor.busy()).toEqual([0]);
  });

  it('stays while the signal that tripped it is silent', () => {
    const monitor = make();
    monitor.loaded(0, 0, 0, load({ decodeBlocks: 80 }));
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 1 }));
    expect(monitor.allows(0, 0)).toBe(false);
    monitor.loaded(0, 0, 0, load({ decodeBlocks: 1 }));
    expect(monitor.allows(0, 0)).toBe(true);
  });

  it('is judged again when the pool has another size, and never without one', () => {
    const monitor = make([undefined]);
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 80 }));
    expect(monitor.allows(0, 0)).toBe(true);
    monitor.poolsChanged(0, new Map([[0, pool()]]));
    expect(monitor.allows(0, 0)).toBe(false);
    monitor.poolsChanged(0, new Map([[0, pool({ kvTotalBlocks: 0 })]]));
    expect(monitor.allows(0, 0)).toBe(true);
  });

  it('keeps to old thresholds while the pool stays as it is, until the rank reports', () => {
    const monitor = make();
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 80 }));
    monitor.thresholdsChanged(0, { ...THRESHOLDS, decodeRatioMax: 0.9 });
    monitor.poolsChanged(0, new Map([[0, pool({ maxBatchedTokens: 5000 })]]));
    expect(monitor.allows(0, 0)).toBe(false);
    monitor.loaded(0, 0, 0, load());
    expect(monitor.allows(0, 0)).toBe(true);
  });
});

describe('waiting tokens', () => {
  it('count above the bound, not at it, and stay as they were when not reported', () => {
    const monitor = make();
    monitor.loaded(0, 0, 0, load({ prefillTokens: 100 }));
    expect(monitor.allows(0, 0)).toBe(true);
    monitor.loaded(0, 0, 0, load({ prefillTokens: 101 }));
    expect(monitor.allows(0, 0)).toBe(false);
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 1 }));
    expect(monitor.allows(0, 0)).toBe(false);
    monitor.loaded(0, 0, 0, load({ prefillTokens: 0 }));
    expect(monitor.allows(0, 0)).toBe(true);
  });
});

describe('ranks', () => {
  it('are heard below the declared number only, and forgotten when fewer are declared', () => {
    const monitor = make([pool({ ranks: 2 })]);
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 80 }));
    monitor.loaded(0, 0, 2, load({ kvUsedBlocks: 80 }));
    expect(monitor.allows(0, 0)).toBe(true);
    monitor.loaded(0, 0, 1, load({ kvUsedBlocks: 80 }));
    expect(monitor.allows(0, 0)).toBe(false);
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 0 }));
    monitor.poolsChanged(0, new Map([[0, pool({ ranks: 1 })]]));
    expect(monitor.allows(0, 0)).toBe(true);
    monitor.poolsChanged(0, new Map([[0, pool({ ranks: 2 })]]));
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 80 }));
    expect(monitor.allows(0, 0)).toBe(true);
  });

  it('that nobody declared count as those that report', () => {
    const monitor = make([pool({ ranks: -1 })]);
    monitor.loaded(0, 0, 0, load({ kvUsedBlocks: 80 }));
    expect(monitor.allows(0, 0)).toBe(false);
    monitor.loaded(0, 0, 1, load({ kvUsedBlocks: 0 }));
    expect(monitor.allows(0, 0)).toBe(true);
  });
});

describe('a refusal', () => {
  it("marks the worker until anyone's next report; other ends and unknown workers mark nobody", () => {
    const monitor = make([pool(), pool(), pool()]);
    settle(monitor, 1, 'failed');
    settle(monitor, 7, 'refused');
    expect(monitor.busy()).toEqual([]);
    monitor.loaded(0, 2, 0, load({ kvUsedBlocks: 80 }));
    settle(monitor, 0, 'refused');
    expect(monitor.busy()).toEqual([0, 2]);
    expect(monitor.free(0, [0, 1, 2])).toEqual([1]);
    monitor.loaded(0, 1, 0, load());
    expect(monitor.busy()).toEqual([2]);
  });

  it('is forgotten with the worker, and so are its ranks', () => {
    const monitor = make([pool(), pool()]);
    settle(monitor, 0, 'refused');
    monitor.loaded(0, 1, 0, load({ kvUsedBlocks: 80 }));
    monitor.discovered(0, [0, 1]);
    expect(monitor.allows(0, 1)).toBe(false);
    monitor.discovered(0, []);
    expect(monitor.busy()).toEqual([]);
  });
});

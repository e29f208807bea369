import { describe, expect, it } from 'vitest';
import { faultsSchema } from '../../src/lab/faults-schema.ts';
import { planFaults } from '../../src/lab/fault-windows.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import type { FaultConfig } from '../../src/sim/fault-config.ts';
import { MINIMAL, scenarioOf } from './scenario-texts.ts';

const SEC = 1e6;
const HOUR = 3600 * SEC;

function plan(faults: readonly object[], seed = 1, workers = 4) {
  return planFaults(faultsSchema.parse(faults), workers, seed);
}

function windows(faults: readonly object[], seed = 1, workers = 4): FaultConfig[] {
  return plan(faults, seed, workers).windows;
}

/** [instant in seconds, worker] of each window. */
function begins(faults: readonly object[], seed = 1, workers = 4): [number, number][] {
  return windows(faults, seed, workers).map((it) => [it.at / SEC, it.kind === 'stall' ? -1 : it.worker]);
}

const crash = { kind: 'crash', worker: 0, at: '10s', for: '1s' };
/** Inside four standard deviations of a count of probability `p`. */
function expectShare(count: number, of: number, p: number): void {
  expect(Math.abs(count - of * p)).toBeLessThan(4 * Math.sqrt(of * p * (1 - p)));
}

describe('a plan of faults', () => {
  it('is a window for each begin and worker, in that order', () => {
    expect(begins([{ ...crash, worker: [3, 1], every: '5s', times: 2 }])).toEqual([[10, 3], [10, 1], [15, 3], [15, 1]]);
    expect(begins([{ ...crash, worker: 'all' }], 1, 2)).toEqual([[10, 0], [10, 1]]);
    const stall = { kind: 'stall', at: '1s', for: '1s', every: '2s', times: 3 };
    expect(begins([stall])).toEqual([[1, -1], [3, -1], [5, -1]]);
  });

  it('keeps the settings of each kind', () => {
    const base = { worker: 1, at: '1s' };
    const at = { at: SEC, worker: 1 };
    const window = { ...at, forUs: 2 * SEC };
    const cases: readonly (readonly [object, object])[] = [
      [{ kind: 'crash', for: 'none' }, { kind: 'crash', ...at, forUs: Infinity }],
      [{ kind: 'restart', load: '2s' }, { kind: 'restart', ...window }],
      [{ kind: 'hang', for: '2s' }, { kind: 'hang', ...window, scope: 'process' }],
      [{ kind: 'slow', for: '2s', factor: 3 }, { kind: 'slow', ...window, factor: 3 }],
      [{ kind: 'errors', for: '2s', ratio: 1 }, { kind: 'errors', ...window, ratio: 1, status: 500, retryAfterUs: -1 }],
      [{ kind: 'rate-limit', for: '2s' }, { kind: 'errors', ...window, ratio: 1, status: 429, retryAfterUs: SEC }],
      [{ kind: 'rate-limit', for: '2s', retryAfter: 'none' }, { kind: 'errors', retryAfterUs: -1 }],
      [
        { kind: 'cut', for: '2s', ratio: 0.5, age: '1m' },
        { kind: 'timed-cut', ...window, ratio: 0.5, afterUs: 60 * SEC, strikes: 'any' },
      ],
      [
        { kind: 'cut', for: '2s', ratio: 0.5, silence: '3s' },
        { kind: 'timed-cut', ...window, ratio: 0.5, afterUs: 3 * SEC, strikes: 'silent' },
      ],
      [{ kind: 'cut', for: '2s', ratio: 0.5 }, { kind: 'cut', ...window, afterTokens: { dist: 'constant', value: 1 } }],
      [{ kind: 'partition', for: '2s' }, { kind: 'partition', ...window, loses: ['requests', 'reports', 'probes'] }],
      [{ kind: 'skew', for: '2s', behind: '3s' }, { kind: 'skew', ...window, aheadUs: -3 * SEC }],
      [{ kind: 'skew', for: '2s', ahead: '3s' }, { kind: 'skew', ...window, aheadUs: 3 * SEC }],
      [
        { kind: 'misreport', for: '2s', says: { running: 3, decodeBlocks: 'none' } },
        { kind: 'misreport', ...window, ratio: 1, says: { running: 3, decodeBlocks: -1 } },
      ],
      [{ kind: 'join', load: '3s' }, { kind: 'join', ...at, loadUs: 3 * SEC }],
      [{ kind: 'drain' }, { kind: 'drain', ...at, forUs: Infinity, boundUs: 900 * SEC, loadUs: 0 }],
      [
        { kind: 'drain', notice: '9s' },
        { kind: 'drain', ...at, forUs: Infinity, boundUs: 900 * SEC, loadUs: 0, noticeUs: 9 * SEC },
      ],
    ];
    for (const [given, expected] of cases) expect(windows([{ ...base, ...given }])).toMatchObject([expected]);
  });

  it('begins at random at its rate, of each worker by itself, until the end', () => {
    const often = [{ ...crash, worker: 'all', at: '30m', rate: 500, until: '150m' }];
    const all = windows(often);
    // 4 workers, 2 hours: the count is Poisson.
    expect(Math.abs(all.length - 4000)).toBeLessThan(4 * Math.sqrt(4000));
    expect(all.every(({ at }) => at >= 0.5 * HOUR && at < 2.5 * HOUR && Number.isInteger(at))).toBe(true);
    const early = all.filter(({ at }) => at < HOUR).length;
    expectShare(early, all.length, 0.25);
    const ofWorker = (worker: number) => begins(often).filter(([, it]) => it === worker).map(([at]) => at);
    expect(ofWorker(0)).not.toEqual(ofWorker(1));
    // Fewer workers leave the others' instants alone.
    expect(begins(often, 1, 2)).toEqual(begins(often).filter(([, worker]) => worker < 2));
  });

  it('draws so many workers at once, anew for each begin, every set alike', () => {
    const draw = [{ ...crash, worker: { draw: 2 }, every: '2s', times: 3000 }];
    const counts = new Map<string, number>();
    const all = begins(draw);
    for (let i = 0; i < all.length; i += 2) {
      const [first, second] = [all[i], all[i + 1]] as [[number, number], [number, number]];
      expect(first[0]).toBe(second[0]);
      const key = `${first[1]} ${second[1]}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['0 1', '0 2', '0 3', '1 2', '1 3', '2 3']);
    for (const count of counts.values()) expectShare(count, 3000, 1 / 6);
    const of = begins([{ ...crash, worker: { draw: 1, of: [3, 1] }, every: '2s', times: 50 }]);
    expect(new Set(of.map(([, worker]) => worker))).toEqual(new Set([1, 3]));
  });

  it('is there in its share of runs, and then fires in its share of begins', () => {
    const buggify = { ...crash, worker: 'all', every: '5s', times: 10, active: 0.25, fires: 0.25 };
    const runs = Array.from({ length: 2000 }, (_, seed) => plan([buggify], seed));
    const on = runs.filter(({ sites }) => sites[0]?.active === true);
    expectShare(on.length, 2000, 0.25);
    for (const { sites, windows: some } of runs) expect(sites[0]?.windows).toBe(some.length);
    const fired = on.reduce((sum, run) => sum + run.windows.length, 0);
    expectShare(fired, on.length * 40, 0.25);
    expect(runs.filter(({ sites }) => sites[0]?.active === false).every((run) => run.windows.length === 0)).toBe(true);
  });

  it('is the same for a fault whatever others there are, when it has its name', () => {
    const named = { ...crash, name: 'mine', rate: 100, until: '5h', fires: 0.5, worker: { draw: 2 } };
    const alone = windows([named], 7);
    const among = windows([{ ...crash, active: 0.5 }, named, { ...crash, at: '1s' }], 7);
    expect(among.slice(-1 - alone.length, -1)).toEqual(alone);
    expect(windows([named], 8)).not.toEqual(alone);
  });
});

describe('a run', () => {
  const text = `${MINIMAL}seed: 5
faults:
  - {kind: crash, worker: 0, at: 1s, for: 10ms, active: 0}
  - {kind: slow, name: limp, worker: all, at: 0s, for: 1ms, factor: 2, every: 2ms, times: 3}
`;

  it('says which faults were on, in its result and in what was resolved', async () => {
    const resolved = resolveVariant(scenarioOf(text));
    const sites = [
      { name: 'crash-0', kind: 'crash', active: false, windows: 0 },
      { name: 'limp', kind: 'slow', active: true, windows: 6 },
    ];
    expect(resolved.faultSites).toEqual(sites);
    expect(resolved.config.faults).toHaveLength(6);
    expect((await runScenario(resolved)).result.faults).toEqual(sites);
    expect((await runScenario(resolveVariant(scenarioOf()))).result).not.toHaveProperty('faults');
  });
});

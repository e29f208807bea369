import { describe, expect, it } from 'vitest';
import type { LoadReport, Router } from '../../policies/types.ts';
import type { ReportsConfig } from '../../src/sim/config.ts';
import type { FaultConfig } from '../../src/sim/fault-config.ts';
import { endpoint, MS, reportsEvery, runWorld, sendAt, SEC } from '../harness/world-builder.ts';

/** Takes turns and writes down every report, with what the gateway then holds for its time. */
class ReportLog implements Router {
  readonly seen: { at: number; worker: number; report: LoadReport }[] = [];
  readonly ages: number[] = [];
  #next = 0;

  pick(now: number, _request: unknown, candidates: readonly { reportedAt: number }[]): number {
    this.ages.push(now - (candidates[0]?.reportedAt ?? 0));
    return this.#next++ % candidates.length;
  }

  reported(at: number, worker: number, _rank: number, report: LoadReport): void {
    this.seen.push({ at, worker, report });
  }
}

/** Reports every 10 ms of a fleet that works for two seconds. */
function reported(reports: Partial<ReportsConfig>, faults: readonly FaultConfig[] = [], workers = 1) {
  const log = new ReportLog();
  runWorld({
    check: false,
    workers: Array.from({ length: workers }, () => endpoint()),
    reports: { ...reportsEvery(10 * MS), ...reports },
    faults,
    workload: sendAt(...Array.from({ length: 200 }, (_, i) => i * 10 * MS)),
    objects: { router: log },
  });
  return log;
}

describe('load reports', () => {
  it('take their delay beyond the network', () => {
    const { seen } = reported({ delayUs: 3 * MS });
    expect(seen[0]?.at).toBe(13 * MS);
    expect(seen[0]?.report).not.toHaveProperty('stampedAt');
  });

  it('are lost and doubled in their share', () => {
    const sent = 200;
    expect(reported({}).seen).toHaveLength(sent);
    expect(reported({ lossRatio: 1 }).seen).toHaveLength(0);
    expect(reported({ duplicateRatio: 1 }).seen).toHaveLength(2 * sent);
    // Four standard deviations.
    const far = 4 * Math.sqrt(sent * 0.3 * 0.7);
    expect(Math.abs(reported({ lossRatio: 0.3 }).seen.length - sent * 0.7)).toBeLessThan(far);
    expect(Math.abs(reported({ duplicateRatio: 0.3 }).seen.length - sent * 1.3)).toBeLessThan(far);
  });

  const delayUs = { dist: 'uniform', min: 0, max: 45 * MS } as const;

  it('that overtake each other all count by arrival, and only newer ones by stamp', () => {
    const byArrival = reported({ delayUs });
    const byStamp = reported({ delayUs, stamps: 'worker' });
    const stamps = byStamp.seen.map(({ report }) => report.stampedAt as number);
    expect(stamps).toEqual([...stamps].sort((a, b) => a - b));
    expect(new Set(stamps).size).toBe(stamps.length);
    // The same reports arrive at the same instants; the late ones among them are dropped.
    const arrivals = byArrival.seen.map(({ at }) => at);
    expect(byStamp.seen.every(({ at }) => arrivals.includes(at))).toBe(true);
    expect(arrivals.length - stamps.length).toBeGreaterThan(40);
  });

  it('that come twice have a delay each', () => {
    const arrivals = reported({ delayUs, duplicateRatio: 1 }).seen.map(({ at }) => at);
    expect(new Set(arrivals).size).toBeGreaterThan(380);
  });

  it('that come twice count once by stamp', () => {
    expect(reported({ duplicateRatio: 1, stamps: 'worker' }).seen).toHaveLength(200);
  });

  it('tell their true age by stamp, and that of their arrival else', () => {
    expect(reported({ delayUs: 7 * MS }).ages.slice(5, 8)).toEqual([3 * MS, 3 * MS, 3 * MS]);
    expect(reported({ delayUs: 7 * MS, stamps: 'worker' }).ages.slice(5, 8)).toEqual([10 * MS, 10 * MS, 10 * MS]);
  });

  it('are drawn by worker and report: more workers, or other losses, change none', () => {
    const arrivals = ({ seen }: ReportLog) => seen.filter(({ worker }) => worker === 0).map(({ at }) => at);
    const alone = arrivals(reported({ delayUs }));
    expect(arrivals(reported({ delayUs }, [], 3))).toEqual(alone);
    const fewer = arrivals(reported({ delayUs, lossRatio: 0.5 }));
    expect(fewer.every((at) => alone.includes(at))).toBe(true);
  });
});

describe('load reports of changes only', () => {
  it('come when the load is another one than at the last report, and not from an idle worker', () => {
    const log = new ReportLog();
    runWorld({
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 25 * MS } })],
      reports: { ...reportsEvery(10 * MS), onChange: true },
      workload: sendAt(31 * MS, 71 * MS, 101 * MS),
      objects: { router: log },
    });
    const said = log.seen.map(({ at, report }) => [at / MS, report.running]);
    // The second and third run from 71 to 96 and from 101 to 126 ms: at 100 nobody does.
    expect(said).toEqual([[10, 0], [40, 1], [60, 0], [80, 1], [100, 0], [110, 1]]);
  });

  it('do not come of a burst that is over before the next instant', () => {
    const log = new ReportLog();
    runWorld({
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 4 * MS } })],
      reports: { ...reportsEvery(10 * MS), onChange: true },
      workload: sendAt(11 * MS, 11 * MS, 99 * MS),
      objects: { router: log },
    });
    expect(log.seen.map(({ at }) => at / MS)).toEqual([10, 100]);
  });
});

describe('a misreport', () => {
  const says = { running: 7, kvUsedBlocks: -1 };
  const fault = { kind: 'misreport', at: 500 * MS, forUs: 1 * SEC, worker: 0, ratio: 1, says } as const;

  it('puts its fields in place of what is so, in its window, and leaves the others', () => {
    const { seen } = reported({}, [fault], 2);
    const wrong = seen.filter(({ report }) => report.running === 7);
    expect(wrong).toHaveLength(100);
    for (const { at, worker, report } of wrong) {
      expect(worker).toBe(0);
      expect(at >= 500 * MS && at < 1500 * MS).toBe(true);
      expect(report.maxRunning).toBe(endpoint().maxRunning);
    }
  });

  it('befalls its share of the reports', () => {
    const { seen } = reported({}, [{ ...fault, at: 0, forUs: 2 * SEC, ratio: 0.3 }]);
    const wrong = seen.filter(({ report }) => report.running === 7).length;
    expect(Math.abs(wrong - seen.length * 0.3)).toBeLessThan(4 * Math.sqrt(seen.length * 0.3 * 0.7));
  });
});

describe('load reports of a worker that is not of the fleet', () => {
  it('reach nobody, though they overtake the news of it', () => {
    for (let seed = 0; seed < 20; seed++) {
      const known = new Set<number>();
      let heard = 0;
      runWorld({
        seed,
        workers: [endpoint(), endpoint()],
        network: { clientUs: 0, workerUs: { dist: 'uniform', min: 0, max: 20 * MS } },
        reports: reportsEvery(1 * MS),
        faults: [
          { kind: 'join', at: 5 * MS, worker: 1, loadUs: 0 },
          { kind: 'drain', at: 60 * MS, worker: 1, boundUs: 0, forUs: Infinity, loadUs: 0 },
        ],
        workload: sendAt(0, 120 * MS),
        objects: {
          router: {
            pick: () => 0,
            discovered: (_now, workers) => {
              known.clear();
              for (const worker of workers) known.add(worker);
            },
            reported: (_now, worker) => {
              expect(known.has(worker)).toBe(true);
              heard += worker;
            },
          },
        },
      });
      expect(heard).toBeGreaterThan(10);
    }
  });
});

describe('a clock that is wrong', () => {
  const skew = (aheadUs: number) => ({ kind: 'skew', at: 1 * SEC, forUs: 500 * MS, worker: 0, aheadUs }) as const;

  it('ahead makes reports look younger than they are, and later true ones old', () => {
    const { seen, ages } = reported({ stamps: 'worker' }, [skew(25 * MS)]);
    expect(ages[120]).toBe(-25 * MS);
    // Set back at 1.5 s: reports are dropped until true time has passed the last stamp, of 1.49 s + 25 ms.
    const around = seen.map(({ at }) => at / MS).filter((at) => at > 1480 && at < 1540);
    expect(around).toEqual([1490, 1520, 1530]);
  });

  it('behind has its reports dropped until it has caught up with itself', () => {
    const around = reported({ stamps: 'worker' }, [skew(-35 * MS)]).seen.map(({ at }) => at / MS);
    expect(around.filter((at) => at > 980 && at < 1060)).toEqual([990, 1030, 1040, 1050]);
  });

  it('matters to nobody who goes by arrival', () => {
    expect(reported({}, [skew(-35 * MS)]).seen).toEqual(reported({}).seen);
  });
});

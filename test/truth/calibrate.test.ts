import { beforeAll, describe, expect, it } from 'vitest';
import { LATENCIES, type Statistic } from '../../src/truth/agreement.ts';
import { type Calibration, calibrateFully, calibrateScale, fittedRequests } from '../../src/truth/calibrate.ts';
import { readRunLog, type RunLog } from '../../src/truth/run-log.ts';
import { type SyntheticRun, writeRun } from './synthetic-log.ts';

/** Another machine than the one the fit starts from; memory for some fifteen sequences. */
const RUN: SyntheticRun = {
  ...{ requests: 200, rate: 8, blocks: 800, maxRunning: 64, noise: 0.03, seed: 5 },
  timing: { kind: 'affine', baseUs: 15_000, perTokenUs: 60, perKvTokenUs: 0.15, perMixedKvTokenUs: 0.3 },
};
const START = { kind: 'affine', baseUs: 10_000, perTokenUs: 30, perKvTokenUs: 0.1 } as const;

function worst(of: Calibration['heldOut'], statistics: readonly Statistic[]): number {
  const errors = LATENCIES.flatMap((latency) => statistics.map((each) => of.latencies[latency].statistics[each].error));
  return Math.max(...errors.map(Math.abs));
}

describe('a run that memory bounds, with preemptions and noise', () => {
  let log: RunLog;
  let full: Calibration;
  beforeAll(() => {
    const written = writeRun(RUN);
    expect(written.preemptions).toBeGreaterThan(20);
    log = readRunLog(written.folder);
    full = calibrateFully(log, START);
  });

  it('is predicted within 5 % of the mean and 10 % of the p99 by a full fit', () => {
    expect(worst(full.heldOut, ['mean'])).toBeLessThan(0.05);
    expect(worst(full.heldOut, ['p50', 'p90', 'p99'])).toBeLessThan(0.1);
    expect(full.heldOut.running?.meanDifference).toBeLessThan(1.5);
    expect(Math.abs(full.heldOut.kvUsage?.error ?? 1)).toBeLessThan(0.05);
  });

  it('tells by how much each coefficient moved and how sure that is', () => {
    expect(full.names).toEqual(['base', 'perToken', 'perKvToken', 'perMixedKvToken']);
    expect(full.multipliers).toHaveLength(4);
    full.covariance.forEach((row, i) => {
      expect(row[i]).toBeGreaterThanOrEqual(0);
      row.forEach((value, j) => expect(value).toBeCloseTo(full.covariance[j]?.[i] ?? NaN, 9));
    });
  });

  it('has its mean TPOT met by one scale on the requests that are fitted', () => {
    const one = calibrateScale(log, START);
    expect(one.names).toEqual(['all']);
    expect(Math.abs(one.fitted.latencies.tpot.statistics.mean.error)).toBeLessThan(0.002);
    expect(one.multipliers[0]).toBeGreaterThan(1.2);
  });

  it('cannot be calibrated where nothing decodes', () => {
    const requests = log.requests.map((request) => ({ ...request, outputTokens: 1 }));
    const message = 'no request to be fitted has two tokens; allowed a run with decoding';
    expect(() => calibrateScale({ ...log, requests }, START)).toThrow(message);
  });

  it('is fitted to the first 40 % of its requests, whatever the others say', () => {
    const count = fittedRequests(log);
    expect(count).toBe(80);
    const requests = log.requests.map((request, i) => {
      const { queuedAt } = request;
      return i < count ? request : { ...request, firstTokenAt: queuedAt + 1, lastTokenAt: queuedAt + 2 };
    });
    expect(calibrateScale({ ...log, requests }, START).timing).toEqual(calibrateScale(log, START).timing);
  });
});

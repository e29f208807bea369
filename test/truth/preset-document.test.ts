import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePreset } from '../../src/lab/preset.ts';
import { timingConfig } from '../../src/lab/timing-schema.ts';
import { agreement } from '../../src/truth/agreement.ts';
import type { Calibration } from '../../src/truth/calibrate.ts';
import { calibratedPreset, presetText, writtenDeviation, writtenTiming } from '../../src/truth/preset-document.ts';
import { replayLog } from '../../src/truth/replay.ts';
import type { TimingConfig } from '../../src/worker/timing/timing.ts';
import { loggedRequest, runLog } from './logs.ts';

const us = fc.oneof(fc.double({ min: 0.001, max: 1e8, noNaN: true }), fc.constantFrom(1, 999.9996, 1000, 0.9999999));
const rate = fc.double({ min: 1e-5, max: 1e4, noNaN: true });
const timings: fc.Arbitrary<TimingConfig> = fc.oneof(
  fc.record({
    kind: fc.constant('affine' as const),
    baseUs: us.map((value) => value + 1),
    perTokenUs: rate,
    perKvTokenUs: rate,
    perMixedKvTokenUs: rate,
  }),
  fc.record({
    kind: fc.constant('table' as const),
    prefill: fc.record({ floorUs: us, knots: us.map((value) => [[16, value]] as const), perContextTokenUs: rate }),
    decode: fc.record({ jobs: fc.constant([4]), kvTokens: fc.constant([0]), us: us.map((value) => [[value]]) }),
    experts: fc.option(fc.record({ total: fc.constant(8), perToken: fc.constant(2), us }), { nil: undefined }),
  }),
);

const LOG = runLog([loggedRequest(0, { lastTokenAt: 300 }), loggedRequest(5000, { lastTokenAt: 5400 })]);

function calibration(timing: TimingConfig, names: readonly string[]): Calibration {
  const fitted = agreement(LOG, replayLog(LOG, timing), 0);
  const covariance = names.map((_, i) => names.map((__, j) => (i === j ? 1e-4 : 1e-6)));
  return { timing, names, multipliers: names.map(() => 1.25), covariance, fitted, heldOut: fitted };
}

describe('a preset as a file', () => {
  it('is read back as the timing it was written from, to six digits (random timings)', () => {
    const property = fc.property(timings, (timing) => {
      const document = calibratedPreset(LOG, calibration(timing, ['all']), 'a start');
      const { preset } = parsePreset(presetText(document), 'p.yaml');
      const [written, read] = [numbersOf(timing), numbersOf(timingConfig(preset.timing, 1))];
      expect(read).toHaveLength(written.length);
      read.forEach((value, i) => expect(off(value, written[i] as number)).toBeLessThan(1e-5));
    });
    fc.assert(property, { seed: 3, numRuns: 300 });
  });

  it('is the same as JSON', () => {
    const timing = { kind: 'affine', baseUs: 100, perTokenUs: 2, perKvTokenUs: 0.5 } as const;
    const document = calibratedPreset(LOG, calibration(timing, ['base', 'perToken', 'perKvToken']), 'a start');
    const fromJson = parsePreset(JSON.stringify(document), 'p.json').preset;
    expect(fromJson).toEqual(parsePreset(presetText(document), 'p.yaml').preset);
    expect(fromJson).toMatchObject({
      name: 'model-calibrated',
      form: 'affine: base, perToken, perKvToken, least squares from a start',
      fittedOn: 'the first 2 of 4 requests',
      uncertainty: { of: ['base', 'perToken', 'perKvToken'] },
    });
  });

  it('says of one scale what it was', () => {
    const timing = { kind: 'affine', baseUs: 100, perTokenUs: 2, perKvTokenUs: 0.5 } as const;
    expect(calibratedPreset(LOG, calibration(timing, ['all']), 'preset x').form).toBe('one factor, 1.25, on preset x');
  });

  it('writes dynamo timing too', () => {
    const timing = { kind: 'dynamo', speedup: 2, decodeSpeedup: 4, poolTokens: 1 } as const;
    expect(writtenTiming(timing)).toEqual({ kind: 'dynamo', speedup: 2, decodeSpeedup: 4 });
  });

  it('rounds deviations to a hundredth of a percent', () => {
    expect(writtenDeviation([0.01, 0.02, 0.031234])).toEqual({ median: 0.02, p95: 0.0301, max: 0.0312 });
  });
});

/** Every number of plain data, in order. */
function numbersOf(data: unknown): number[] {
  if (typeof data === 'number') return [data];
  return typeof data === 'object' && data !== null ? Object.values(data).flatMap(numbersOf) : [];
}

/** Size of the relative error. */
function off(read: number, written: number): number {
  return written === read ? 0 : Math.abs(read / written - 1);
}

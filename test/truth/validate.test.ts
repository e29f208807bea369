import { describe, expect, it } from 'vitest';
import { parsePreset, shippedPresets } from '../../src/lab/preset.ts';
import { timingConfig } from '../../src/lab/timing-schema.ts';
import { coefficientNames } from '../../src/truth/coefficients.ts';
import { requiredPreset } from '../../src/truth/log-preset.ts';
import { drawnMultipliers, validate } from '../../src/truth/validate.ts';
import { loggedRequest, runLog } from './logs.ts';

const PRESET = parsePreset(
  `{name: mine, model: m, hardware: h, source: s, fittedOn: f, form: f, errors: [],
    timing: {base: 100us, perToken: 0us, perKvToken: 0us},
    uncertainty: {of: [base], covariance: [[0.01]]}}`,
  'p.yaml',
).preset;
const LOG = runLog(Array.from({ length: 10 }, (_, i) => loggedRequest(1000 * i, { lastTokenAt: 1000 * i + 200 })));

describe('a validation', () => {
  it('compares the last 60 % of the requests', () => {
    const { from, agreement, spreads } = validate(LOG, PRESET, { draws: 0, seed: 1 });
    expect(from).toBe(4);
    expect(agreement.latencies.tpot).toMatchObject({ requests: 6, statistics: { mean: { measured: 100, error: 0 } } });
    expect(spreads).toBeUndefined();
  });

  it('spreads the answers over draws of the coefficients', () => {
    const { spreads } = validate(LOG, PRESET, { draws: 200, seed: 1 });
    const spread = spreads?.tpot.mean ?? { low: NaN, high: NaN };
    expect(spread.low).toBeGreaterThan(75);
    expect(spread.low).toBeLessThan(90);
    expect(spread.high).toBeGreaterThan(112);
    expect(spread.high).toBeLessThan(130);
    expect(validate(LOG, PRESET, { draws: 200, seed: 1 }).spreads).toEqual(spreads);
    expect(validate(LOG, PRESET, { draws: 200, seed: 2 }).spreads).not.toEqual(spreads);
  });

  it('refuses draws of a preset that does not know its uncertainty', () => {
    const { uncertainty: _, ...sure } = PRESET;
    const options = { draws: 2, seed: 1 };
    expect(() => validate(LOG, sure, options)).toThrow('--uncertainty: preset mine does not know its own; allowed');
  });
});

describe('drawn multipliers', () => {
  it('have the covariance that was asked for', () => {
    const covariance = [[0.04, 0.018], [0.018, 0.01]];
    const logs = drawnMultipliers({ of: ['base', 'perToken'], covariance }, 20_000, 3).map((row) => row.map(Math.log));
    const moment = (i: number, j: number): number => {
      return logs.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), 0) / logs.length;
    };
    expect(moment(0, 0)).toBeCloseTo(0.04, 2);
    expect(moment(0, 1)).toBeCloseTo(0.018, 2);
    expect(moment(1, 1)).toBeCloseTo(0.01, 3);
  });
});

describe('shipped presets', () => {
  const named = shippedPresets().map((preset) => [preset.name, preset] as const);

  it.each(named)('know how sure they are: %s', (_, preset) => {
    const { uncertainty, timing } = preset;
    const names = coefficientNames(timingConfig(timing, 1e6));
    const { of = [], covariance = [] } = uncertainty ?? {};
    expect(of.length).toBeGreaterThan(0);
    for (const name of of) expect([...names, 'all']).toContain(name);
    // Each is told to within a factor of three, one standard deviation.
    covariance.forEach((row, i) => expect(Math.sqrt(row[i] ?? NaN)).toBeLessThan(Math.log(3)));
    const drawn = drawnMultipliers({ of, covariance }, 20, 1).flat();
    expect(drawn.every((value) => value > 0 && value < Infinity)).toBe(true);
  });
});

describe('the preset of a log', () => {
  it('is the shipped one of its model', () => {
    const log = { ...LOG, model: 'Qwen/Qwen3-32B' };
    expect(requiredPreset(log, undefined).name).toBe('qwen3-32b-2x-rtx-pro-6000');
    expect(requiredPreset(log, 'llama-3.1-8b-h100').name).toBe('llama-3.1-8b-h100');
  });

  it('must be named when none is', () => {
    const message = /^--preset: missing, and no shipped preset is of a\/model; allowed a preset file, or bloom-/;
    expect(() => requiredPreset(LOG, undefined)).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import { parsePreset, shippedPresets } from '../../src/lab/preset.ts';
import { presetsTable, routingTable, runsTable, splitwiseTable, sweepTable } from '../../src/report/truth-tables.ts';
import { validate } from '../../src/truth/validate.ts';
import { loggedRequest, runLog } from '../truth/logs.ts';

const ANSWER = { meanTtft: 1, p50Ttft: 1, p95Ttft: 1, p99Ttft: 12_345, meanTpot: 60 };
const SIZES = { rows: 715, fitted: { median: 0.0081, p95: 0.11 }, heldOut: { median: 0.021, p95: 0.3 } };

const TABLES: readonly (readonly [string, () => string])[] = [
  ['runs', () => runsTable([{ what: 'Llama-3.1-8B, kernel preset, no fit', agreement: agreementOf() }])],
  ['presets', () => presetsTable(shippedPresets())],
  ['splitwise', () => splitwiseTable({ prefill: SIZES, decode: SIZES })],
  ['sweeps', () => sweepTable(sweepFit(), () => 3.5)],
  ['routing', () => routingTable([point('precise-scheduling', 3), point('random-scheduling', 20)])],
];

function agreementOf() {
  const facts = 'name: mine, model: m, hardware: h, source: s, fittedOn: f, form: f, errors: []';
  const text = `{${facts}, timing: {base: 110us}}`;
  const requests = Array.from({ length: 10 }, (_, i) => loggedRequest(1000 * i, { lastTokenAt: 1000 * i + 300 }));
  return validate(runLog(requests), parsePreset(text, 'p').preset, { draws: 0, seed: 1 }).agreement;
}

function sweepFit() {
  const predicted = { ...ANSWER, meanTpot: 66 };
  const points = [0.5, 5].map((rate) => ({ rate, fitted: rate < 1, measured: ANSWER, predicted }));
  const timing = { kind: 'affine', baseUs: 1, perTokenUs: 1, perKvTokenUs: 1 } as const;
  return { timing, covariance: [], share: 0.73, sweeps: [{ maxRunning: 128, points }, { maxRunning: 1024, points }] };
}

function point(policy: string, rate: number) {
  return { policy, rate, measuredThroughput: 3000, predictedThroughput: 3300 };
}

describe('the tables of truth', () => {
  it.each(TABLES)('stay within 80 columns: %s', (_, table) => {
    const lines = table().split('\n');
    expect(lines.length).toBeGreaterThan(4);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80);
  });

  it('show what is off, good or bad', () => {
    expect(sweepTable(sweepFit(), () => undefined)).toContain('+10.00');
    expect(sweepTable(sweepFit(), () => undefined)).toContain('measured at none, predicted at none');
    expect(routingTable([point('precise-scheduling', 3)])).toMatch(/3 +3,300 +\+10\.00/);
    expect(splitwiseTable({ prefill: SIZES, decode: SIZES })).toMatch(/prompt time +715 +0\.8 +11\.0 +2\.1 +30\.0/);
  });
});

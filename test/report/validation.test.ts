import { describe, expect, it } from 'vitest';
import { parsePreset } from '../../src/lab/preset.ts';
import {
  formatError,
  validationChart,
  validationDocument,
  validationMarkdown,
  validationText,
} from '../../src/report/validation.ts';
import { validate } from '../../src/truth/validate.ts';
import { loggedRequest, runLog } from '../truth/logs.ts';

const PRESET = parsePreset(
  `{name: mine, model: m, hardware: h, source: s, fittedOn: f, form: f, errors: [],
    timing: {base: 110us, perToken: 0us, perKvToken: 0us}, uncertainty: {of: [base], covariance: [[0.01]]}}`,
  'p.yaml',
).preset;
const REQUESTS = Array.from({ length: 10 }, (_, i) => {
  return loggedRequest(1000 * i, { firstTokenAt: 1000 * i + 100, lastTokenAt: 1000 * i + 300 });
});
const TICKS = [1500, 4500, 6500].map((at) => ({ at, running: 1, waiting: 0, kvUsageRatio: 0.25 }));
const LOG = { ...runLog(REQUESTS, {}, TICKS), notes: ['a note'] };
const VALIDATION = validate(LOG, PRESET, { draws: 0, seed: 1 });
const SPREAD = validate(LOG, PRESET, { draws: 20, seed: 1 });

describe('an error', () => {
  it.each([[0.0123, '+1.23 %'], [-0.5, '−50.00 %'], [Infinity, '–'], [NaN, '–']])('%d is written %s', (error, text) => {
    expect(formatError(error)).toBe(text);
  });
});

describe('a validation in the terminal', () => {
  it('has a line for each statistic of each latency, within 80 columns', () => {
    const lines = validationText(VALIDATION, 80).split('\n');
    expect(lines.slice(0, 3)).toEqual(['a/model, vLLM.', 'Preset mine: h.', 'The last 6 of 10 requests:']);
    expect(lines).toContain('TTFT mean ms     0.100     0.110  +10.00 %');
    expect(lines.filter((line) => /^(TTFT|TPOT|E2E) (mean|p50|p90|p99) ms/.test(line))).toHaveLength(12);
    expect(lines).toContain("Median error of a single request: TTFT 10.00 %, TPOT 10.00 %, E2E 10.00 %.");
    expect(lines).toContain('KV usage: mean 25.0 % measured, 0.0 % replayed; 25.0 % apart over 2 ticks.');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('shows what the log says of machine, preemptions and prefix hits', () => {
    const log = { ...LOG, hardware: '1 × gpu', preemptions: 3, prefixHitRatio: 0.25 };
    const lines = validationText({ ...VALIDATION, log }, 80).split('\n');
    expect(lines[0]).toBe('a/model, vLLM, 1 × gpu.');
    expect(lines).toContain('Preemptions in the whole log: 3 measured, 0 replayed.');
    expect(lines).toContain('Prefix hits in the whole log: 25.0 % measured, 0.0 % replayed.');
  });

  it('shows how far draws spread', () => {
    expect(validationText(SPREAD, 80)).toMatch(/5 to 95 % of 20 draws/);
    expect(validationText(SPREAD, 80)).toMatch(/TPOT p50 ms .* \d\.\d{3} to \d\.\d{3}/);
  });
});

describe('a validation as Markdown', () => {
  it('has the table, the chart, the notes and the command', () => {
    const text = validationMarkdown(VALIDATION, 'spillway validate run');
    expect(text).toContain('# mine against a/model');
    expect(text).toContain('| TTFT mean ms | 0.100 | 0.110 | +10.00 % |');
    expect(text).toContain('![measured and replayed](chart.svg)');
    expect(text).toContain('- a note');
    expect(text).toContain('```sh\nspillway validate run\n```');
  });

  it('draws measured and replayed requests and gauges', () => {
    const chart = validationChart(VALIDATION);
    const titles = ['TTFT, a/model', 'E2E, a/model', 'running', 'waiting', 'KV usage'];
    for (const title of titles) expect(chart).toContain(title);
    expect(chart.match(/<circle/g)).toHaveLength(4 * 10);
    const withoutKv = LOG.ticks.map((tick) => ({ ...tick, kvUsageRatio: undefined }));
    expect(validationChart({ ...VALIDATION, log: { ...LOG, ticks: withoutKv } })).not.toContain('KV usage');
    expect(validationChart({ ...VALIDATION, log: runLog(REQUESTS) })).not.toContain('waiting');
  });
});

describe('a validation as JSON', () => {
  it('has every number, none that JSON cannot say', () => {
    const document = JSON.parse(JSON.stringify(validationDocument(SPREAD))) as Record<string, unknown>;
    expect(document).toMatchObject({
      preset: 'mine',
      requests: 10,
      compared_from: 4,
      ttft_ms: { mean: { measured: 0.1, replayed: 0.11 }, single_requests: { requests: 6 } },
      running: { measured: 1, ticks: 2 },
      draws: 20,
    });
    const waiting = { measured: 0, replayed: 0, error: NaN, meanDifference: 0, ticks: 2 };
    const idle = { ...VALIDATION, agreement: { ...VALIDATION.agreement, waiting } };
    expect(JSON.stringify(validationDocument(idle))).toContain('"error":null');
  });
});

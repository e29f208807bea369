/** What the README's tables of truth claim, held against the measured engines. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';
import { presetNames, shippedPresets } from '../../src/lab/preset.ts';
import { presetsTable, routingTable, runsTable, splitwiseTable, sweepTable } from '../../src/report/truth-tables.ts';
import { LATENCIES, type Latency, STATISTICS } from '../../src/truth/agreement.ts';
import { measuredRunsTruth, type RunTruth } from '../../src/truth/measured-runs.ts';
import { presetText } from '../../src/truth/preset-document.ts';
import { kneeOf, type SweepPoint } from '../../src/truth/rate-sweeps.ts';
import { type DearFits, dearFits, refittedPresets } from '../../src/truth/refit.ts';
import { predictRouting, type RoutingPoint } from '../../src/truth/routing.ts';
import { type SplitwiseTruth, splitwiseTruth } from '../../src/truth/splitwise-presets.ts';

const folder = resolve(import.meta.dirname, '../..', process.env['SPILLWAY_DATA'] ?? '../shared/data', 'engine');
const absent = existsSync(folder) ? '' : ` (skipped: no ${folder}; set SPILLWAY_DATA)`;
/** Some thousand replays. */
const DEAR_MS = 600_000;

let fits: DearFits;
let truths: readonly RunTruth[];
let splitwise: SplitwiseTruth;
let points: readonly RoutingPoint[];
beforeAll(async () => {
  if (absent !== '') return;
  fits = dearFits(folder);
  truths = measuredRunsTruth(folder, fits.qwen);
  splitwise = splitwiseTruth(folder);
  points = await predictRouting(join(folder, 'routing_llmd', 'per_qps.csv'), fits.routing.timing);
}, DEAR_MS);

describe.skipIf(absent !== '')(`measured runs on RTX PRO 6000${absent}`, () => {

  /** Largest size of an error of these latencies at mean, p50, p90 and p99. */
  function worst(what: string, latencies: readonly Latency[]): number {
    const truth = truths.find((each) => each.what.startsWith(what));
    const errors = latencies.flatMap((latency) => {
      return STATISTICS.map((statistic) => truth?.agreement.latencies[latency].statistics[statistic].error ?? NaN);
    });
    return Math.max(...errors.map(Math.abs));
  }

  it('are predicted by a kernel fit alone: Llama TPOT within 15 %', () => {
    expect(worst('Llama-3.1-8B, kernel preset', ['tpot'])).toBeLessThan(0.15);
  });

  it('are predicted with one scale: Llama TTFT within 3 %, TPOT within 2.5 %', () => {
    expect(worst('Llama-3.1-8B, one scale', ['ttft'])).toBeLessThan(0.03);
    expect(worst('Llama-3.1-8B, one scale', ['tpot'])).toBeLessThan(0.025);
  });

  it('are predicted by a full fit: Llama TTFT and TPOT within 2 %, Qwen within 5 %', () => {
    expect(worst('Llama-3.1-8B, --full', LATENCIES)).toBeLessThan(0.02);
    expect(worst('Qwen3-32B TP2, --full', LATENCIES)).toBeLessThan(0.05);
  });
});

describe.skipIf(absent !== '')(`Splitwise's cells${absent}`, () => {
  it('are met within 4 % (prompts) and 2 % (tokens) at the median, left out of the fit or not', () => {
    const { prefill, decode } = splitwise;
    for (const { median } of [prefill.fitted, prefill.heldOut]) expect(median).toBeLessThan(0.04);
    for (const { median } of [decode.fitted, decode.heldOut]) expect(median).toBeLessThan(0.02);
  });
});

describe.skipIf(absent !== '')(`what takes many replays${absent}`, () => {
  function sweep(maxRunning: number): readonly SweepPoint[] {
    return fits.sweeps.sweeps.find((each) => each.maxRunning === maxRunning)?.points ?? [];
  }

  it('H200: p99 TTFT doubles at 3.5/s with 128 sequences, nowhere up to 5/s with 1,024', () => {
    expect(kneeOf(sweep(128), 'measured')).toBe(3.5);
    expect(Math.abs((kneeOf(sweep(128), 'predicted') ?? NaN) - 3.5)).toBeLessThanOrEqual(0.5);
    expect(sweep(1024).at(-1)?.rate).toBe(5);
    expect(kneeOf(sweep(1024), 'measured')).toBeUndefined();
    expect(kneeOf(sweep(1024), 'predicted')).toBeUndefined();
  });

  it('llm-d: saturated throughput of load-aware and random routing within 11 %, but for one row within 10 %', () => {
    const saturated = points.filter(({ policy, rate }) => /^(load|random)/.test(policy) && rate >= 5);
    const sizes = saturated.map((point) => Math.abs(point.predictedThroughput / point.measuredThroughput - 1));
    expect(sizes).toHaveLength(14);
    expect(sizes.filter((size) => size > 0.1).length).toBeLessThanOrEqual(1);
    expect(Math.max(...sizes)).toBeLessThan(0.11);
  });

  it('llm-d: from 8/s on both prefix routers are ahead of load-aware and random routing, which tie', () => {
    for (const rate of [8, 10, 12, 15, 20]) {
      const at = (policy: string): number => {
        const point = points.find((each) => each.rate === rate && each.policy.startsWith(policy));
        return point?.predictedThroughput ?? NaN;
      };
      expect(Math.min(at('precise'), at('default'))).toBeGreaterThan(1.5 * Math.max(at('load'), at('random')));
      expect(Math.abs(at('load') / at('random') - 1)).toBeLessThan(0.1);
    }
  });

  it('fits the shipped presets again, to the byte', () => {
    const documents = refittedPresets(folder, fits);
    expect(documents.map(({ name }) => name).sort()).toEqual(presetNames());
    for (const document of documents) {
      const shipped = readFileSync(join(packageRoot(), 'scenarios', 'presets', `${document.name}.yaml`), 'utf8');
      expect(presetText(document)).toBe(shipped);
    }
  }, DEAR_MS);

  it.each<[string, () => string]>([
    ['runs', () => runsTable(truths)],
    ['presets', () => presetsTable(shippedPresets())],
    ['splitwise', () => splitwiseTable(splitwise)],
    ['sweeps', () => sweepTable(fits.sweeps, kneeOf)],
    ['routing', () => routingTable(points)],
  ])('stands in the README as npm run truth prints it: %s', (_, table) => {
    expect(readFileSync(join(packageRoot(), 'README.md'), 'utf8')).toContain(table());
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Arrival } from '../../src/workload/arrival.ts';
import { readTrace } from './trace-files.ts';

const root = resolve(import.meta.dirname, '../..', process.env.SPILLWAY_DATA ?? '../shared/data', 'traces');
const absent = existsSync(root) ? '' : ` (skipped: no ${root}; set SPILLWAY_DATA)`;

interface Lengths {
  readonly mean: number;
  readonly std: number;
  readonly p1: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}
interface Stats {
  readonly rows: number;
  readonly span_s: number;
  readonly rps: number;
  readonly interarrival_s: Lengths;
  readonly interarrival_cv: number;
  readonly input: Lengths;
  readonly output: Lengths;
  readonly per_minute?: { readonly min: number; readonly median: number; readonly max: number };
  readonly zero_out?: number;
  readonly distinct_timestamps?: number;
  readonly unique_blocks?: number;
  readonly total_block_refs?: number;
  readonly ideal_prefix_hit_token_ratio?: number;
}

/** Percentile by linear interpolation, as numpy's. */
function percentile(sorted: readonly number[], p: number): number {
  const rank = (p / 100) * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] as number;
  return low + ((sorted[Math.ceil(rank)] as number) - low) * (rank % 1);
}

function lengths(values: readonly number[]): Lengths {
  const sorted = [...values].sort((a, b) => a - b);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const std = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  const [p1, p50, p90, p95, p99] = [1, 50, 90, 95, 99].map((p) => percentile(sorted, p));
  return { mean, std, p1, p50, p90, p95, p99, max: sorted.at(-1) } as Lengths;
}

function expectLengths(got: Lengths, stated: Lengths, digits: number): void {
  for (const key of ['mean', 'std', 'p1', 'p50', 'p90', 'p95', 'p99', 'max'] as const) {
    expect(Math.abs(got[key] - stated[key]), key).toBeLessThanOrEqual(0.5000001 * 10 ** -digits);
  }
}

/** Share of prompt tokens whose block, with all before it, was seen in an earlier prompt. */
function idealHitRatio(arrivals: readonly Arrival[]): number {
  const seen = new Set<number>();
  let hit = 0;
  let all = 0;
  for (const { hashIds, hashBlockTokens, promptTokens } of arrivals) {
    const known = hashIds.findIndex((id) => !seen.has(id));
    hit += Math.min(promptTokens, (known < 0 ? hashIds.length : known) * hashBlockTokens);
    all += promptTokens;
    for (const id of hashIds) seen.add(id);
  }
  return hit / all;
}

function minuteCounts(arrivals: readonly Arrival[]): number[] {
  const counts: number[] = [];
  for (const { at } of arrivals) {
    const minute = Math.floor(at / 60e6);
    counts[minute] = (counts[minute] ?? 0) + 1;
  }
  return counts.filter((count) => count > 0);
}

describe.skipIf(absent !== '').each([
  ['azure_code_2023', 'AzureLLMInferenceTrace_code_2023.csv.gz'],
  ['azure_conv_2023', 'AzureLLMInferenceTrace_conv_2023.csv.gz'],
  ['mooncake_conversation', 'mooncake_conversation_trace.jsonl.gz'],
  ['mooncake_synthetic', 'mooncake_synthetic_trace.jsonl.gz'],
] as const)(`real trace %s${absent}`, (name, file) => {
  let stated: Stats;
  let arrivals: Arrival[] = [];
  beforeAll(async () => {
    stated = (JSON.parse(readFileSync(join(root, 'trace_stats.json'), 'utf8')) as Record<string, Stats>)[name] as Stats;
    arrivals = await readTrace(join(root, file));
  });

  it('has the rows, the span and the rate stated', () => {
    expect(arrivals).toHaveLength(stated.rows);
    expect(arrivals[0]?.at).toBe(0);
    expect(arrivals.at(-1)?.at).toBe(Math.round(stated.span_s * 1e6));
    expect(arrivals.length / ((arrivals.at(-1) as Arrival).at / 1e6)).toBeCloseTo(stated.rps, 6);
  });

  it('has the interarrival statistics stated', () => {
    const gaps = arrivals.slice(1).map((x, i) => (x.at - (arrivals[i] as Arrival).at) / 1e6);
    const got = lengths(gaps);
    expectLengths(got, stated.interarrival_s, 3);
    expect(got.std / got.mean).toBeCloseTo(stated.interarrival_cv, 2);
  });

  it('has the lengths stated', () => {
    expectLengths(lengths(arrivals.map((x) => x.promptTokens)), stated.input, 3);
    expectLengths(lengths(arrivals.map((x) => x.outputTokens)), stated.output, 3);
  });

  it('has the prefix structure stated, or none', () => {
    const ids = arrivals.flatMap((x) => x.hashIds);
    expect(ids).toHaveLength(stated.total_block_refs ?? 0);
    expect(new Set(ids).size).toBe(stated.unique_blocks ?? 0);
    expect(idealHitRatio(arrivals)).toBeCloseTo(stated.ideal_prefix_hit_token_ratio ?? 0, 4);
    if (stated.distinct_timestamps !== undefined) {
      expect(new Set(arrivals.map((x) => x.at)).size).toBe(stated.distinct_timestamps);
    }
  });

  if (name.startsWith('azure')) {
    it('has the requests a minute stated', () => {
      const counts = minuteCounts(arrivals).sort((a, b) => a - b);
      const got = { min: counts[0], median: Math.trunc(percentile(counts, 50)), max: counts.at(-1) };
      expect(got).toEqual(stated.per_minute);
    });
  }
});

describe.skipIf(absent !== '')(`the workload on which peers were timed${absent}`, () => {
  it('is read by its default column names: 10,000 requests at 20/s, means near 514 and 129', async () => {
    const arrivals = await readTrace(join(root, 'w1_poisson20.csv.gz'), { format: 'csv' });
    expect(arrivals).toHaveLength(10_000);
    expect([arrivals[0]?.at, arrivals.at(-1)?.at]).toEqual([19_566, 499_423_263]);
    expect(lengths(arrivals.map((x) => x.promptTokens)).mean).toBeCloseTo(514, -1);
    expect(lengths(arrivals.map((x) => x.outputTokens)).mean).toBeCloseTo(129, -1);
  });

  it('lists lengths without times, and is refused so, where vidur recorded none', async () => {
    await expect(readTrace(join(root, 'vidur_arxiv_summarization_lengths.csv.gz'))).rejects.toThrow(
      ':1: a header without "arrived_at_s"',
    );
  });
});

/**
 * Open-loop rate sweeps of one engine (DO-Solutions/gtc-2026-doks@c70febac, `vllm bench serve`, Llama-3.1-70B FP8 on
 * one H200, vLLM 0.14.1): each row has percentiles of a run at one rate, no request of its own. The workload is made
 * up in their likeness, its share of known prompts and the step time are fitted to the low rates, and the rest is
 * predicted.
 *
 * What is made up, and why:
 *
 * Arrivals: 300 requests with exponential gaps, scaled so that the last comes at 300 ÷ rate, as the benchmark does.
 *
 * Prompts: 3,000 to 8,600 tokens (mean of the file: 5,806). With the fitted share a prompt is one of four popular ones
 * up to 150 tokens of its own; the others share their first half with one. (TTFT at the lowest rates falls into two
 * groups, near 85 ms and near 550 ms, some four to one.) The half is chosen: were all of such a prompt new, the fit
 * would make a token cost 48 µs, less than the 71 µs in which an H200 can do its 141 GFLOP.
 *
 * Outputs: 1 to 230 or 730 to 1,130 tokens, evenly (mean of the file: 517; E2E ÷ TPOT at 0.5/s has mean 523, median
 * 517, standard deviation 415 and 99th percentile 1,135).
 */
import { z } from 'zod';
import { stream } from '../kernel/rng.ts';
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import { ascending, mean, percentileOf, replayedLatencies } from './agreement.ts';
import { anchored, clusteredCovariance, gaussNewton } from './gauss-newton.ts';
import { type ReplayedRequest, replayLog } from './replay.ts';
import type { LoggedRequest, RunLog } from './run-log.ts';
import { readCsv } from './table-file.ts';

const DATASET = 'custom-multiturn-500';
const REQUESTS = 300;
const PROMPT_LEAST = 3000;
const PROMPT_SPREAD = 5600;
const POPULAR = 4;
/** Of a prompt that is no popular one. */
const KNOWN_RATIO = 0.5;
const OWN_TOKENS = 150;
const BLOCK_TOKENS = 16;
const IDS_PER_PROMPT = 10_000;
const SEEDS = [1, 2];
/** Rows up to this rate are fitted. */
const FIT_RATE_MAX = 2;
const FIT_MAX_SEQS = 1024;
const ROUNDS = [0.2, 0.1, 0.1, 0.05, 0.05];

/** Where the fit starts: H200's memory and 70 GB of weights make about this. */
const START: AffineTimingConfig = { kind: 'affine', baseUs: 20_000, perTokenUs: 60, perKvTokenUs: 0.06 };
const START_UNKNOWN = 0.25;

const number = z.coerce.number();
const rowSchema = z.object({
  dataset: z.string(),
  request_rate: number,
  max_num_seqs: number,
  max_num_batched_tokens: number,
  kv_capacity_tokens: number,
  mean_ttft_ms: number,
  p50_ttft_ms: number,
  p95_ttft_ms: number,
  p99_ttft_ms: number,
  mean_tpot_ms: number,
});
type SweepRow = z.output<typeof rowSchema>;

/** Milliseconds. */
export interface SweepAnswer {
  readonly meanTtft: number;
  readonly p50Ttft: number;
  readonly p95Ttft: number;
  readonly p99Ttft: number;
  readonly meanTpot: number;
}

export interface SweepPoint {
  readonly rate: number;
  /** The fit used it. */
  readonly fitted: boolean;
  readonly measured: SweepAnswer;
  readonly predicted: SweepAnswer;
}

export interface SweepFit {
  readonly timing: AffineTimingConfig;
  /** Of its coefficients, whatever the share: base, per token, per context token. */
  readonly covariance: readonly (readonly number[])[];
  /** Share of the prompts that are popular ones. */
  readonly share: number;
  /** By `max_num_seqs`, in order of the rate. */
  readonly sweeps: readonly Sweep[];
}

export interface Sweep {
  /** Its `max_num_seqs`. */
  readonly maxRunning: number;
  readonly points: readonly SweepPoint[];
}

/** The first rate whose p99 TTFT is more than twice that of the rate before; undefined: none. */
export function kneeOf(points: readonly SweepPoint[], of: 'measured' | 'predicted'): number | undefined {
  return points.find((point, i) => {
    const before = points[i - 1];
    return before !== undefined && point[of].p99Ttft > 2 * before[of].p99Ttft;
  })?.rate;
}

/** Fits the low rates and predicts all. Throws ScenarioError. */
export function fitRateSweeps(path: string): SweepFit {
  const rows = readCsv(path, rowSchema).rows.filter(({ dataset }) => dataset === DATASET);
  const low = rows.filter((row) => row.max_num_seqs === FIT_MAX_SEQS && row.request_rate <= FIT_RATE_MAX);
  const groups = byRate(low);
  const fit = gaussNewton([1, 1, 1, 1], (multipliers) => {
    const { timing, unknown } = parameters(multipliers);
    return groups.flatMap((group) => {
      return residuals(measuredAnswer(group), replayedAnswer(group[0] as SweepRow, timing, unknown));
    });
  }, ROUNDS);
  const { timing, unknown } = parameters(fit.multipliers);
  const limits = [...new Set(rows.map((row) => row.max_num_seqs))].sort(ascending);
  const sweeps = limits.map((maxRunning): Sweep => {
    const points = byRate(rows.filter((row) => row.max_num_seqs === maxRunning)).map((group): SweepPoint => {
      const row = group[0] as SweepRow;
      const predicted = replayedAnswer(row, timing, unknown);
      return { rate: row.request_rate, fitted: low.includes(row), measured: measuredAnswer(group), predicted };
    });
    return { maxRunning, points };
  });
  const all = clusteredCovariance(anchored(fit), groups.length, fit.jacobian.length);
  const covariance = all.slice(0, 3).map((row) => row.slice(0, 3));
  return { timing, covariance, share: 1 - unknown, sweeps };
}

function parameters(multipliers: readonly number[]): { timing: AffineTimingConfig; unknown: number } {
  const [base = 1, perToken = 1, perKvToken = 1, unknown = 1] = multipliers;
  return {
    timing: {
      kind: 'affine',
      baseUs: START.baseUs * base,
      perTokenUs: START.perTokenUs * perToken,
      perKvTokenUs: START.perKvTokenUs * perKvToken,
    },
    unknown: Math.min(1, START_UNKNOWN * unknown),
  };
}

/** Runs of one rate together, in order of the rate. */
function byRate(rows: readonly SweepRow[]): SweepRow[][] {
  const rates = [...new Set(rows.map((row) => row.request_rate))].sort(ascending);
  return rates.map((rate) => rows.filter((row) => row.request_rate === rate));
}

function measuredAnswer(rows: readonly SweepRow[]): SweepAnswer {
  return {
    meanTtft: mean(rows.map((row) => row.mean_ttft_ms)),
    p50Ttft: mean(rows.map((row) => row.p50_ttft_ms)),
    p95Ttft: mean(rows.map((row) => row.p95_ttft_ms)),
    p99Ttft: mean(rows.map((row) => row.p99_ttft_ms)),
    meanTpot: mean(rows.map((row) => row.mean_tpot_ms)),
  };
}

/** TPOT counts most: the knee lies where its product with the outputs meets the limit. */
function residuals(measured: SweepAnswer, predicted: SweepAnswer): number[] {
  const off = (name: keyof SweepAnswer): number => predicted[name] / measured[name] - 1;
  return [off('meanTpot'), off('meanTtft') / 2, off('p50Ttft') / 4, off('p95Ttft') / 4];
}

/** Means over the seeds. */
function replayedAnswer(row: SweepRow, timing: AffineTimingConfig, unknown: number): SweepAnswer {
  const answers = SEEDS.map((seed) => answerOf(sweepLog(row, unknown, seed), timing));
  const average = (name: keyof SweepAnswer): number => mean(answers.map((answer) => answer[name]));
  return {
    meanTtft: average('meanTtft'),
    p50Ttft: average('p50Ttft'),
    p95Ttft: average('p95Ttft'),
    p99Ttft: average('p99Ttft'),
    meanTpot: average('meanTpot'),
  };
}

/** What a client sees: TTFT from its sending, not from when the engine takes the request. */
function answerOf(log: RunLog, timing: AffineTimingConfig): SweepAnswer {
  const replay = replayLog(log, timing);
  const replayed = (i: number): ReplayedRequest => replay.requests[i] as ReplayedRequest;
  const ttfts = log.requests.map(({ queuedAt }, i) => (replayed(i).firstTokenAt - queuedAt) / 1000);
  const tpots = log.requests.flatMap(({ outputTokens }, i) => replayedLatencies(replayed(i), outputTokens).tpot ?? []);
  const sorted = [...ttfts].sort(ascending);
  return {
    meanTtft: mean(ttfts),
    p50Ttft: percentileOf(sorted, 50),
    p95Ttft: percentileOf(sorted, 95),
    p99Ttft: percentileOf(sorted, 99),
    meanTpot: mean(tpots) / 1000,
  };
}

/** The made-up workload of a row. Equal seeds give the same prompts and gaps at every rate and share. */
function sweepLog(row: SweepRow, unknown: number, seed: number): RunLog {
  const rng = stream(seed, 'rate-sweeps');
  const popular = Array.from({ length: POPULAR }, () => prefixTokens(rng()));
  let at = 0;
  const requests = Array.from({ length: REQUESTS }, (_, i): LoggedRequest => {
    const [gap, own, kind, length] = [rng(), rng(), rng(), rng()];
    at -= Math.log(1 - gap);
    const chosen = Math.floor(rng() * POPULAR);
    const isUnknown = own < unknown;
    const known = popular[chosen] as number;
    const prefix = isUnknown ? prefixTokens(length) : known;
    return {
      id: `request-${i}`,
      promptTokens: prefix + OWN_TOKENS,
      outputTokens: Math.round(kind < 0.5 ? 1 + 458 * kind : 730 + 800 * (kind - 0.5)),
      hashIds: blockIds(prefix, isUnknown ? Math.min(known, KNOWN_RATIO * prefix) : prefix, chosen, POPULAR + i),
      ...{ queuedAt: at, firstTokenAt: 0, lastTokenAt: 0 },
    };
  });
  const scale = (REQUESTS * 1e6) / (row.request_rate * at);
  return {
    folder: DATASET,
    model: 'Llama-3.1-70B-Instruct-FP8',
    software: 'vLLM 0.14.1',
    engine: {
      maxRunning: row.max_num_seqs,
      maxBatchedTokens: row.max_num_batched_tokens,
      maxModelTokens: Infinity,
      blocks: Math.floor(row.kv_capacity_tokens / BLOCK_TOKENS),
      blockTokens: BLOCK_TOKENS,
      prefixCache: true,
      chunkedPrefill: true,
      schedulesAhead: true,
    },
    hashBlockTokens: BLOCK_TOKENS,
    requests: requests.map((request) => ({ ...request, queuedAt: Math.round(request.queuedAt * scale) })),
    ...{ hardware: undefined, preemptions: undefined, prefixHitRatio: undefined },
    ticks: [],
    notes: [],
  };
}

/** Identities of a prefix whose first `known` tokens are those of prompt `popular` and the rest those of `own`. */
function blockIds(prefix: number, known: number, popular: number, own: number): number[] {
  return Array.from({ length: prefix / BLOCK_TOKENS }, (_, block) => {
    return ((block + 1) * BLOCK_TOKENS <= known ? popular : own) * IDS_PER_PROMPT + block;
  });
}

function prefixTokens(draw: number): number {
  return Math.round((PROMPT_LEAST + PROMPT_SPREAD * draw) / BLOCK_TOKENS) * BLOCK_TOKENS;
}

/**
 * Four routing policies in front of four workers, measured by llm-d (see routing-workload.ts; Llama-3.1-70B on 4 × H100
 * each, 461,376 KV tokens a worker) and run through our gateway with ours. The step time is fitted to single workers:
 * TPOT of their best policy up to 6/s, where each has its share of the prompts in its cache; TPOT of the random one at
 * 3/s, where prompts are computed again and hold up the others; throughput of the random one at 20/s, where memory
 * bounds the batch. All the rest is predicted. (Without the last row random and load-aware routing come out 5 to 23 %
 * too fast from 5/s on: there is something in a full engine that the model does not know.)
 *
 * Their ITL is reported at half its value, so TPOT is twice it. TTFT is not fitted: it holds a routing time of its own.
 * How long a stage lasted is not told: it follows from the throughput of the best policy, which no queue held up
 * (offered tokens over stage plus one request's time).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { resolveVariant } from '../lab/resolve.ts';
import { runScenario } from '../lab/run.ts';
import { parseScenario } from '../lab/scenario.ts';
import type { RequestRecord } from '../results/record.ts';
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import { mean, replayedLatencies } from './agreement.ts';
import { anchored, clusteredCovariance, gaussNewton } from './gauss-newton.ts';
import { replayLog } from './replay.ts';
import {
  HASH_BLOCK_TOKENS,
  OUTPUT_TOKENS,
  PROMPT_TOKENS,
  routingStage,
  type RoutingStage,
} from './routing-workload.ts';
import type { RunLog } from './run-log.ts';
import { readCsv } from './table-file.ts';
import { writtenTiming } from './preset-document.ts';

const WORKERS = 4;
const BLOCK_TOKENS = 16;
/** 461,376 tokens. */
export const ROUTING_BLOCKS = 28_836;
/** vLLM's defaults on an H100. */
const MAX_RUNNING = 1024;
const MAX_BATCHED_TOKENS = 8192;
const BEST = 'precise-scheduling';
const FIT_RATE_MAX = 6;
const RANDOM = 'random-scheduling';
const RANDOM_FIT_RATE = 3;
const FULL_FIT_RATE = 20;
/** What the full engine's residual weighs. */
const FULL_WEIGHT = 2;
const SEEDS = [1, 2];
const ROUNDS = [0.2, 0.1, 0.1, 0.05];
const START = {
  kind: 'affine',
  ...{ baseUs: 20_000, perTokenUs: 90, perKvTokenUs: 0.015, perMixedKvTokenUs: 0.04 },
} as const satisfies AffineTimingConfig;

/**
 * Which of our routers stands for which of theirs. We have none that hears of the workers' KV events, as their precise
 * one does: both prefix routers here know what was sent.
 */
const ROUTERS: Readonly<Record<string, { readonly name: string; readonly [setting: string]: unknown }>> = {
  'precise-scheduling': { name: 'cache-aware', choose: 'most-overlap' },
  'default-scheduling': { name: 'cache-aware' },
  'load-scheduling': { name: 'least-load' },
  'random-scheduling': { name: 'random' },
};

const number = z.coerce.number();
const rowSchema = z.object({
  offered_qps: z.string(),
  policy: z.string(),
  output_tok_per_s: number,
  ttft_mean_s: number,
  itl_mean_s: number,
});
type RoutingRow = z.output<typeof rowSchema> & { readonly rate: number };

export interface RoutingPoint {
  readonly policy: string;
  readonly rate: number;
  /** Output tokens a second, drain included. */
  readonly measuredThroughput: number;
  readonly predictedThroughput: number;
}

export interface RoutingFit {
  readonly timing: AffineTimingConfig;
  /** Of its coefficients. */
  readonly covariance: readonly (readonly number[])[];
  /** Sizes of relative TPOT errors: on the rows fitted, and on the other rates of the best policy. */
  readonly fittedTpot: readonly number[];
  readonly heldOutTpot: readonly number[];
}

/** Rows by rate and policy. Throws ScenarioError. */
function readRows(path: string): RoutingRow[] {
  const { rows } = readCsv(path, rowSchema);
  const ofRates = rows.filter((row) => row.offered_qps !== 'all');
  return ofRates.map((row): RoutingRow => ({ ...row, rate: Number(row.offered_qps) }));
}

/** Seconds of the stage at a rate. */
function stageSeconds(rows: readonly RoutingRow[], rate: number): number {
  const best = bestRows(rows).find((row) => row.rate === rate);
  if (best === undefined) return 60;
  const e2e = best.ttft_mean_s + 2 * best.itl_mean_s * OUTPUT_TOKENS;
  return (best.output_tok_per_s * e2e) / (rate * OUTPUT_TOKENS - best.output_tok_per_s);
}

function bestRows(rows: readonly RoutingRow[]): RoutingRow[] {
  return rows.filter(({ policy }) => policy === BEST).sort((a, b) => a.rate - b.rate);
}

/** Fits the step time to one worker's share of the best policy's low rates. Throws ScenarioError. */
export function fitRouting(path: string): RoutingFit {
  const rows = readRows(path);
  const best = bestRows(rows);
  const low = best.filter(({ rate }) => rate <= FIT_RATE_MAX);
  const random = rows.filter(({ policy, rate }) => policy === RANDOM && rate === RANDOM_FIT_RATE);
  const full = rows.filter(({ policy, rate }) => policy === RANDOM && rate === FULL_FIT_RATE);
  const oneWorker = (row: RoutingRow, timing: AffineTimingConfig): WorkerAnswer => {
    const groupShare = row.policy === BEST ? 1 / WORKERS : 1;
    const stages = SEEDS.map((seed) => {
      return routingStage(row.rate, stageSeconds(rows, row.rate), seed, 1 / WORKERS, groupShare);
    });
    return workerAnswer(stages, timing);
  };
  const tpotOff = (row: RoutingRow, timing: AffineTimingConfig): number => {
    return oneWorker(row, timing).tpotS / (2 * row.itl_mean_s) - 1;
  };
  const fit = gaussNewton([1, 1, 1, 1], (multipliers) => {
    const timing = timingOf(multipliers);
    const throughputs = full.map((row) => (WORKERS * oneWorker(row, timing).throughput) / row.output_tok_per_s - 1);
    return [...[...low, ...random].map((row) => tpotOff(row, timing)), ...throughputs.map((off) => FULL_WEIGHT * off)];
  }, ROUNDS);
  const timing = timingOf(fit.multipliers);
  const sizes = (those: readonly RoutingRow[]): number[] => those.map((row) => Math.abs(tpotOff(row, timing)));
  const high = best.filter(({ rate }) => rate > FIT_RATE_MAX);
  const covariance = clusteredCovariance(anchored(fit), fit.residuals.length, fit.jacobian.length);
  return { timing, covariance, fittedTpot: sizes([...low, ...random]), heldOutTpot: sizes(high) };
}

function timingOf(multipliers: readonly number[]): AffineTimingConfig {
  const [base = 1, perToken = 1, perKvToken = 1, perMixedKvToken = 1] = multipliers;
  return {
    kind: 'affine',
    baseUs: START.baseUs * base,
    perTokenUs: START.perTokenUs * perToken,
    perKvTokenUs: START.perKvTokenUs * perKvToken,
    perMixedKvTokenUs: START.perMixedKvTokenUs * perMixedKvToken,
  };
}

interface WorkerAnswer {
  /** Mean, seconds. */
  readonly tpotS: number;
  /** Output tokens a second, drain included. */
  readonly throughput: number;
}

/** Of a worker that gets these requests, means over the stages. */
function workerAnswer(stages: readonly RoutingStage[], timing: AffineTimingConfig): WorkerAnswer {
  const answers = stages.map((stage) => {
    const { requests } = replayLog(stageLog(stage), timing);
    const replayed = requests.slice(stage.warmUp);
    const tpots = replayed.map((request) => replayedLatencies(request, OUTPUT_TOKENS).tpot ?? 0);
    const lastAt = Math.max(...replayed.map(({ lastTokenAt }) => lastTokenAt));
    return { tpotUs: mean(tpots), perUs: (replayed.length * OUTPUT_TOKENS) / (lastAt - stage.startAt) };
  });
  const tpotUs = mean(answers.map((each) => each.tpotUs));
  return { tpotS: tpotUs / 1e6, throughput: mean(answers.map((each) => each.perUs)) * 1e6 };
}

function stageLog({ requests }: RoutingStage): RunLog {
  return {
    folder: 'routing',
    model: 'Llama-3.1-70B',
    software: 'vLLM',
    engine: {
      maxRunning: MAX_RUNNING,
      maxBatchedTokens: MAX_BATCHED_TOKENS,
      maxModelTokens: Infinity,
      blocks: ROUTING_BLOCKS,
      blockTokens: BLOCK_TOKENS,
      prefixCache: true,
      chunkedPrefill: true,
      schedulesAhead: false,
    },
    hashBlockTokens: HASH_BLOCK_TOKENS,
    requests: requests.map(({ at, hashIds, outputTokens }, i) => ({
      ...{ id: `request-${i}`, promptTokens: PROMPT_TOKENS, outputTokens, hashIds },
      ...{ queuedAt: at, firstTokenAt: 0, lastTokenAt: 0 },
    })),
    ...{ hardware: undefined, preemptions: undefined, prefixHitRatio: undefined },
    ticks: [],
    notes: [],
  };
}

/** Every policy at every rate through the gateway, means over the seeds. Rejects with ScenarioError. */
export async function predictRouting(path: string, timing: AffineTimingConfig): Promise<RoutingPoint[]> {
  const rows = readRows(path);
  const folder = mkdtempSync(join(tmpdir(), 'spillway-routing-'));
  try {
    const points: RoutingPoint[] = [];
    for (const row of rows) {
      const seconds = stageSeconds(rows, row.rate);
      const throughputs: number[] = [];
      for (const seed of SEEDS) {
        throughputs.push(await throughput(folder, row.policy, routingStage(row.rate, seconds, seed), seed, timing));
      }
      const { policy, rate, output_tok_per_s: measuredThroughput } = row;
      points.push({ policy, rate, measuredThroughput, predictedThroughput: mean(throughputs) });
    }
    return points;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Output tokens a second of one run, from the beginning of the stage to its last token. */
async function throughput(
  folder: string,
  policy: string,
  stage: RoutingStage,
  seed: number,
  timing: AffineTimingConfig,
): Promise<number> {
  const trace = join(folder, 'trace.jsonl');
  const lines = stage.requests.map(({ at, hashIds, outputTokens }) => {
    const lengths = { input_length: PROMPT_TOKENS, output_length: outputTokens };
    return JSON.stringify({ timestamp: at / 1000, ...lengths, hash_ids: hashIds });
  });
  writeFileSync(trace, `${lines.join('\n')}\n`);
  const engine = {
    ...{ maxRunning: MAX_RUNNING, maxBatchedTokens: MAX_BATCHED_TOKENS },
    ...{ blocks: ROUTING_BLOCKS, blockTokens: BLOCK_TOKENS },
    timing: writtenTiming(timing),
  };
  const scenario = {
    name: 'llm-d-routing',
    why: 'A policy at one rate.',
    source: 'llm-d/llm-d-kv-cache-manager@a378f5b3',
    seed: seed,
    fleet: [{ count: WORKERS, engine }],
    workload: { kind: 'trace', path: trace, format: 'mooncake' },
    policies: { router: ROUTERS[policy] },
  };
  const resolved = resolveVariant(parseScenario(JSON.stringify(scenario), policy));
  let tokens = 0;
  let lastAt = 0;
  const onRecord = (record: RequestRecord): void => {
    if (record.sentAt < stage.startAt) return;
    tokens += record.outputTokens;
    lastAt = Math.max(lastAt, record.finishedAt);
  };
  await runScenario(resolved, { onRecord });
  return (tokens * 1e6) / (lastAt - stage.startAt);
}

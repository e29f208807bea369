/**
 * Logs of runs that were never measured: an engine with known coefficients, noise on its speed, and the files that a
 * bench would have left of it. They go when the test file is done.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { PHASE } from '../../src/kernel/event-queue.ts';
import { type Rng, stream } from '../../src/kernel/rng.ts';
import { Engine } from '../../src/worker/engine.ts';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import type { AffineTimingConfig } from '../../src/worker/timing/affine.ts';

const root = mkdtempSync(join(tmpdir(), 'spillway-log-'));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

export interface SyntheticRun {
  readonly requests: number;
  /** Requests a second. */
  readonly rate: number;
  readonly timing: AffineTimingConfig;
  readonly blocks: number;
  readonly maxRunning: number;
  /** Standard deviation of the speed, which changes twice a second. */
  readonly noise: number;
  readonly seed: number;
}

const BLOCK_TOKENS = 16;
const MAX_BATCHED_TOKENS = 2048;
/** The log's monotonic clock begins somewhere. */
const CLOCK_START_S = 1000;
const NOISE_EVERY_US = 5e5;

export interface WrittenRun {
  readonly folder: string;
  readonly preemptions: number;
}

/** An empty folder with these files. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = join(root, `run-${folders++}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

interface Job {
  readonly at: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly hashIds: readonly number[];
  takenAt: number;
  firstTokenAt: number;
  lastTokenAt: number;
}

/** Runs the engine and writes what a bench would have. `meta` adds to meta.json. */
export function writeRun(run: SyntheticRun, meta: Readonly<Record<string, unknown>> = {}): WrittenRun {
  const rng = stream(run.seed, 'synthetic');
  const jobs = drawnJobs(run, rng);
  const { ticks, preemptions } = served(run, jobs, rng);
  const seconds = (us: number): number => CLOCK_START_S + us / 1e6;
  const rows = jobs.map(({ promptTokens, outputTokens, takenAt, firstTokenAt, lastTokenAt }, i) => ({
    ...{ request_id: `bench-${i}`, input_toks: promptTokens, output_toks: outputTokens, arrival_time: 0 },
    ...{ queued_ts: seconds(takenAt), scheduled_ts: seconds(takenAt) },
    ...{ first_token_ts: seconds(firstTokenAt), last_token_ts: seconds(lastTokenAt) },
  }));
  const plan = jobs.map(({ promptTokens, outputTokens, hashIds, at }) => {
    return { input_toks: promptTokens, output_toks: outputTokens, arrival_time_ns: at * 1000, hash_ids_16: hashIds };
  });
  const limits = { max_num_seqs: run.maxRunning, max_num_batched_tokens: MAX_BATCHED_TOKENS, max_model_len: null };
  const kwargs = { ...limits, async_scheduling: false };
  const folder = folderWith({
    'meta.json': JSON.stringify({
      ...{ model: 'made/up', vllm_version: '0.19.0', dataset_path: 'workload.jsonl', num_requests: run.requests },
      ...{ num_gpu_blocks: run.blocks + 1, block_size: BLOCK_TOKENS, engine_kwargs: kwargs, ...meta },
    }),
    'requests.jsonl': linesOf(rows),
    'workload.jsonl': linesOf(plan),
    'timeseries.csv': ['t,prompt_throughput,gen_throughput,running,waiting,kv_cache_pct', ...ticks, ''].join('\n'),
  });
  return { folder, preemptions };
}

/** Three in ten begin with the same ten blocks. */
function drawnJobs({ requests, rate }: SyntheticRun, rng: Rng): Job[] {
  let at = 0;
  return Array.from({ length: requests }, (_, i): Job => {
    at += Math.round((-Math.log(1 - rng()) * 1e6) / rate);
    const promptTokens = 50 + Math.floor(900 * rng());
    const shared = rng() < 0.3 ? 10 : 0;
    const blocks = Math.floor(promptTokens / BLOCK_TOKENS);
    const hashIds = Array.from({ length: blocks }, (__, block) => (block < shared ? block : 1000 * i + block));
    const outputTokens = 20 + Math.floor(300 * rng());
    return { at, promptTokens, outputTokens, hashIds, takenAt: -1, firstTokenAt: -1, lastTokenAt: -1 };
  });
}

/** Serves the jobs to their end and fills in their instants; answers the lines of the time series. */
function served(run: SyntheticRun, jobs: readonly Job[], rng: Rng): { ticks: string[]; preemptions: number } {
  const engine = engineOf(run);
  const ticks: string[] = [];
  let entered: Job[] = [];
  let sent = 0;
  let noiseAt = 0;
  for (;;) {
    const arrivalAt = jobs[sent]?.at ?? Infinity;
    const now = Math.min(engine.nextAt(), arrivalAt);
    if (now === Infinity) return { ticks, preemptions: engine.totals.preemptions };
    for (; noiseAt <= now; noiseAt += NOISE_EVERY_US) {
      engine.slowDown(now, Math.max(0.5, 1 + run.noise * normal(rng)));
      if (noiseAt % 1e6 === 0) ticks.push(tickLine(noiseAt, engine));
    }
    if (engine.nextAt() < arrivalAt || (engine.nextAt() === now && engine.nextPhase() === PHASE.io)) {
      const begins = engine.nextPhase() === PHASE.wake;
      engine.advance(now);
      if (begins) {
        for (const job of entered) job.takenAt = now;
        entered = [];
      }
    } else {
      const job = jobs[sent++] as Job;
      const { promptTokens, outputTokens, hashIds } = job;
      const draw = { drawKey: sent, drawTry: 0, hashBlockTokens: BLOCK_TOKENS };
      engine.submit(now, { owner: job, promptTokens, outputTokens, hashIds, ...draw });
      entered.push(job);
    }
    for (let event = engine.take(); event !== undefined; event = engine.take()) {
      if (event.kind === 'first-token') event.job.init.owner.firstTokenAt = now;
      else event.job.init.owner.lastTokenAt = now;
    }
  }
}

function engineOf({ maxRunning, blocks, timing }: SyntheticRun): Engine<Job> {
  const config: EngineConfig = {
    model: 'engine',
    ...{ maxRunning, maxBatchedTokens: MAX_BATCHED_TOKENS, blocks, blockTokens: BLOCK_TOKENS, timing },
    ...{ maxModelTokens: Infinity, maxWaiting: Infinity, chunkedPrefill: true, prefixCache: true },
  };
  return new Engine(config, { tokenGaps: () => undefined }, false);
}

function tickLine(at: number, engine: Engine<Job>): string {
  const { running, waiting, kvUsedBlocks, kvTotalBlocks } = engine.gauges();
  return `${(at / 1e6).toFixed(1)},0.0,0.0,${running},${waiting},${((100 * kvUsedBlocks) / kvTotalBlocks).toFixed(2)}`;
}

function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
}

function linesOf(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

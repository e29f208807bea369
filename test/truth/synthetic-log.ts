/**
 * Logs of runs that were never measured: an engine with known coefficients, noise on its speed, and the files that a
 * bench would have left of it. They go when the test file is done.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { PHASE } from '../../src/kernel/event-queue.ts';
import { stream } from '../../src/kernel/rng.ts';
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

export const BLOCK_TOKENS = 16;
const MAX_BATCHED_TOKENS = 2048;
/** The log's monotonic clock begins somewhere. */
const CLOCK_START_S = 1000;

export interface WrittenRun {
  readonly folder: string;
  readonly workload: string;
  readonly preemptions: number;
}

/** An empty folder with these files. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = join(root, `run-${folders++}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Runs the engine and writes what a bench would have. `meta` adds to meta.json. */
export function writeRun(run: SyntheticRun, meta: Readonly<Record<string, unknown>> = {}): WrittenRun {
  const rng = stream(run.seed, 'synthetic');
  let at = 0;
  const jobs = Array.from({ length: run.requests }, (_, i) => {
    at += Math.round((-Math.log(1 - rng()) * 1e6) / run.rate);
    const promptTokens = 50 + Math.floor(900 * rng());
    const shared = rng() < 0.3 ? 10 : 0;
    const hashIds = Array.from({ length: Math.floor(promptTokens / BLOCK_TOKENS) }, (__, b) => (b < shared ? b : 1000 * i + b));
    return { at, promptTokens, outputTokens: 20 + Math.floor(300 * rng()), hashIds };
  });
  const config: EngineConfig = {
    model: 'engine',
    ...{ maxRunning: run.maxRunning, maxBatchedTokens: MAX_BATCHED_TOKENS, blocks: run.blocks, blockTokens: BLOCK_TOKENS },
    ...{ maxModelTokens: Infinity, maxWaiting: Infinity, chunkedPrefill: true, prefixCache: true },
    timing: run.timing,
  };
  const engine = new Engine<number>(config, { tokenGaps: () => undefined }, false);
  const taken = jobs.map(() => -1);
  const first = jobs.map(() => 0);
  const last = jobs.map(() => 0);
  const ticks: string[] = [];
  let entered: number[] = [];
  let sent = 0;
  let noiseAt = 0;
  for (;;) {
    const arrivalAt = jobs[sent]?.at ?? Infinity;
    const now = Math.min(engine.nextAt(), arrivalAt);
    if (now === Infinity) break;
    for (; noiseAt <= now; noiseAt += 5e5) {
      const normal = Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
      engine.slowDown(now, Math.max(0.5, 1 + run.noise * normal));
      const { running, waiting, kvUsedBlocks, kvTotalBlocks } = engine.gauges();
      const usage = ((100 * kvUsedBlocks) / kvTotalBlocks).toFixed(2);
      if (noiseAt % 1e6 === 0) ticks.push(`${(noiseAt / 1e6).toFixed(1)},0.0,0.0,${running},${waiting},${usage}`);
    }
    const engineFirst = engine.nextAt() < arrivalAt || (engine.nextAt() === now && engine.nextPhase() === PHASE.io);
    if (engineFirst) {
      const begins = engine.nextPhase() === PHASE.wake;
      engine.advance(now);
      if (begins) {
        for (const index of entered) taken[index] = now;
        entered = [];
      }
    } else {
      const { promptTokens, outputTokens, hashIds } = jobs[sent] as (typeof jobs)[number];
      const draw = { drawKey: sent, drawTry: 0, hashBlockTokens: BLOCK_TOKENS };
      engine.submit(now, { owner: sent, promptTokens, outputTokens, hashIds, ...draw });
      entered.push(sent++);
    }
    for (let event = engine.take(); event !== undefined; event = engine.take()) {
      (event.kind === 'first-token' ? first : last)[event.job.init.owner] = now;
    }
  }
  const seconds = (us: number): number => CLOCK_START_S + us / 1e6;
  const rows = jobs.map(({ promptTokens, outputTokens }, i) => ({
    ...{ request_id: `bench-${i}`, input_toks: promptTokens, output_toks: outputTokens, arrival_time: 0 },
    ...{ queued_ts: seconds(taken[i] as number), scheduled_ts: seconds(taken[i] as number) },
    ...{ first_token_ts: seconds(first[i] as number), last_token_ts: seconds(last[i] as number) },
  }));
  const plan = jobs.map(({ promptTokens, outputTokens, hashIds, at: arrivalUs }) => {
    const lengths = { input_toks: promptTokens, output_toks: outputTokens };
    return { ...lengths, arrival_time_ns: arrivalUs * 1000, hash_ids_16: hashIds };
  });
  const kwargs = { max_num_seqs: run.maxRunning, max_num_batched_tokens: MAX_BATCHED_TOKENS, max_model_len: null };
  const folder = folderWith({
    'meta.json': JSON.stringify({
      ...{ model: 'made/up', vllm_version: '0.10.0', dataset_path: 'workload.jsonl', num_requests: run.requests },
      ...{ num_gpu_blocks: run.blocks + 1, block_size: BLOCK_TOKENS, engine_kwargs: kwargs, ...meta },
    }),
    'requests.jsonl': linesOf(rows),
    'workload.jsonl': linesOf(plan),
    'timeseries.csv': ['t,prompt_throughput,gen_throughput,running,waiting,kv_cache_pct', ...ticks, ''].join('\n'),
  });
  return { folder, workload: join(folder, 'workload.jsonl'), preemptions: engine.totals.preemptions };
}

function linesOf(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

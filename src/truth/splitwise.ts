/**
 * Fits to Splitwise's measured cells (Mutinifni/splitwise-sim@8f99e7dc): prompt and token times of one batch of equal
 * prompts, by model, machine and tensor parallelism. Prompts become a table by tokens (medians, freed from falls,
 * straight lines between); a decode step is affine in batch and context. Errors on cells left out one at a time.
 */
import { z } from 'zod';
import type { StepWork } from '../worker/timing/step-time.ts';
import { TableTiming, type TableTimingConfig } from '../worker/timing/table.ts';
import { ascending, percentileOf } from './agreement.ts';
import { nondecreasing, relativeCovariance, relativeFit } from './robust-fit.ts';
import { readCsv } from './table-file.ts';

/** One measured repetition; milliseconds. */
export interface SplitwiseRow {
  readonly promptTokens: number;
  readonly batch: number;
  readonly outputTokens: number;
  readonly promptMs: number;
  readonly tokenMs: number;
}

/** What was measured of one model on one machine. */
export interface SplitwiseSetup {
  readonly model: string;
  readonly hardware: string;
  readonly tensorParallel: number;
  readonly rows: readonly SplitwiseRow[];
}

const number = z.coerce.number();
const rowSchema = z.object({
  model: z.string(),
  hardware: z.string(),
  prompt_size: number,
  batch_size: number,
  token_size: number,
  prompt_time: number,
  token_time: number,
  tensor_parallel: number,
});

/** The setups of a file, in order of appearance. Throws ScenarioError. */
export function readSplitwise(path: string): SplitwiseSetup[] {
  const setups = new Map<string, SplitwiseSetup & { readonly rows: SplitwiseRow[] }>();
  for (const row of readCsv(path, rowSchema).rows) {
    const { model, hardware, tensor_parallel: tensorParallel } = row;
    const key = `${model}/${hardware}/${tensorParallel}`;
    const setup = setups.get(key) ?? { model, hardware, tensorParallel, rows: [] };
    setups.set(key, setup);
    const { prompt_size: promptTokens, batch_size: batch, token_size: outputTokens } = row;
    setup.rows.push({ promptTokens, batch, outputTokens, promptMs: row.prompt_time, tokenMs: row.token_time });
  }
  return [...setups.values()];
}

/** The mean context of the batch's decode steps, in tokens. */
function meanContext({ batch, promptTokens, outputTokens }: SplitwiseRow): number {
  return batch * (promptTokens + outputTokens / 2);
}

/** A table for prompts, a plane for decoding. */
export function fitSplitwise(rows: readonly SplitwiseRow[]): TableTimingConfig {
  const byTokens = new Map<number, number[]>();
  for (const { promptTokens, batch, promptMs } of rows) {
    const tokens = promptTokens * batch;
    byTokens.set(tokens, [...(byTokens.get(tokens) ?? []), promptMs]);
  }
  const points = [...byTokens].sort(([a], [b]) => a - b);
  const medians = points.map(([, times]) => percentileOf(times.sort(ascending), 50));
  const times = nondecreasing(medians, points.map(([, each]) => each.length));
  const knots = points.map(([tokens], i) => [tokens, 1000 * (times[i] as number)] as const);
  const plane = relativeFit(rows.map((row) => ({ features: [1, row.batch, meanContext(row)], value: row.tokenMs })));
  return {
    kind: 'table',
    prefill: { floorUs: 1000 * (times[0] as number), knots: rising(knots), perContextTokenUs: 0 },
    decode: decodePlane(plane.map((ms) => ms * 1000), rows),
  };
}

/** Without the inner points of level stretches; the last stretch ends at its end, so that the table goes on rising. */
function rising(knots: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  return knots.filter(([, us], i) => {
    const before = knots[i - 1]?.[1];
    const after = knots[i + 1]?.[1];
    if (us === after && knots.slice(i).every((knot) => knot[1] === us)) return false;
    return !(us === before && us === after);
  });
}

/** A plane as the smallest grid that is one. */
function decodePlane(coefficients: readonly number[], rows: readonly SplitwiseRow[]): TableTimingConfig['decode'] {
  const [base = 0, perJob = 0, perKvToken = 0] = coefficients;
  const most = Math.max(2, ...rows.map(({ batch }) => batch));
  const context = Math.max(...rows.map((row) => row.batch * (row.promptTokens + row.outputTokens)));
  const at = (jobs: number, kvTokens: number): number => base + perJob * jobs + perKvToken * kvTokens;
  const jobs = [1, most];
  const kvTokens = [0, context];
  return { jobs, kvTokens, us: jobs.map((count) => kvTokens.map((tokens) => at(count, tokens))) };
}

/** Names the cell of a row: its repetitions have one. */
export function cellOf({ promptTokens, batch, outputTokens }: SplitwiseRow): string {
  return `${promptTokens}/${batch}/${outputTokens}`;
}

export interface SplitwiseErrors {
  /** Sizes of relative errors, one a row, ascending. */
  readonly prefill: readonly number[];
  readonly decode: readonly number[];
}

/** Errors of a timing on rows. */
export function splitwiseErrors(timing: TableTimingConfig, rows: readonly SplitwiseRow[]): SplitwiseErrors {
  const table = new TableTiming(timing);
  const prefill = rows.map(({ batch, promptTokens, promptMs }) => {
    return Math.abs(table.us(promptWork(batch, promptTokens)) / 1000 / promptMs - 1);
  });
  const decode = rows.map((row) => Math.abs(table.decodeUs(row.batch, meanContext(row)) / 1000 / row.tokenMs - 1));
  return { prefill: prefill.sort(ascending), decode: decode.sort(ascending) };
}

/** How sure a timing is: one factor on prompts, one on decoding, told by rows that fall into one cell or the next. */
export function splitwiseCovariance(timing: TableTimingConfig, rows: readonly SplitwiseRow[]): number[][] {
  const table = new TableTiming(timing);
  const variance = (ratio: (row: SplitwiseRow) => number): number => {
    const { covariance } = relativeCovariance(rows.map((row) => ({ features: [ratio(row)], value: 1 })), [1]);
    return covariance[0]?.[0] ?? 0;
  };
  const prefill = variance(({ batch, promptTokens, promptMs }) => {
    return table.us(promptWork(batch, promptTokens)) / 1000 / promptMs;
  });
  const decode = variance((row) => table.decodeUs(row.batch, meanContext(row)) / 1000 / row.tokenMs);
  return [[prefill, 0], [0, decode]];
}

function promptWork(batch: number, promptTokens: number): StepWork {
  const prompts = { prefillJobs: batch, prefillTokens: batch * promptTokens, prefillContextTokens: 0 };
  return { ...prompts, decodeJobs: 0, decodeKvTokens: 0 };
}

/** Errors on each cell (prompt, batch, output) of fits without it. */
export function splitwiseHeldOut(rows: readonly SplitwiseRow[]): SplitwiseErrors {
  const cells = [...new Set(rows.map(cellOf))];
  const errors = cells.map((cell) => {
    const timing = fitSplitwise(rows.filter((row) => cellOf(row) !== cell));
    return splitwiseErrors(timing, rows.filter((row) => cellOf(row) === cell));
  });
  return {
    prefill: errors.flatMap(({ prefill }) => prefill).sort(ascending),
    decode: errors.flatMap(({ decode }) => decode).sort(ascending),
  };
}

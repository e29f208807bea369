/**
 * Fits to closed-loop sweeps that hold one statistic a row (ai-dynamo/aiconfigurator@095f58a5, InferenceX runs): prompt
 * and output length, concurrency, TTFT, TPOT. In a steady closed loop every iteration carries the decoding sequences
 * and, on average, the prompt tokens that replace what they finish, so that TPOT is the mean iteration and linear in
 * the three sums of affine timing; of a mixture of experts the share of experts hit is a fourth. That one is no sum:
 * it is the mean of iterations that only decode and of those that compute a prompt as well, taken to be one at a time.
 * TTFT is used only to tell how many of the clients decode: it is not fitted.
 */
import { z } from 'zod';
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import type { ExpertTerm, TableTimingConfig } from '../worker/timing/table.ts';
import { ascending } from './agreement.ts';
import { type FitRow, type RelativeCovariance, relativeCovariance, relativeFit } from './robust-fit.ts';
import { readCsv } from './table-file.ts';

/** What to look for in the file. */
export interface SiliconSetup {
  readonly model: string;
  readonly system: string;
  readonly precision: string;
  readonly backend: string;
  readonly version: string;
  readonly tensorParallel: number;
}

/** Experts of a layer and how many a token uses. */
export type Experts = Pick<ExpertTerm, 'total' | 'perToken'>;

const number = z.coerce.number();
const rowSchema = z.object({
  model_path: z.string(),
  system: z.string(),
  precision: z.string().default(''),
  backend: z.string(),
  backend_version: z.string().default(''),
  isl: number,
  osl: number,
  concurrency: number,
  tp_size: number,
  silicon_ttft_ms: number,
  silicon_tpot_ms: number,
});
export type SiliconRow = z.output<typeof rowSchema>;

/** Every row of the file. Throws ScenarioError. */
export function readSilicon(path: string): readonly SiliconRow[] {
  return readCsv(path, rowSchema).rows;
}

/** Rows of one setup. */
export function siliconRows(rows: readonly SiliconRow[], setup: SiliconSetup): SiliconRow[] {
  const { model, system, precision, backend, version, tensorParallel } = setup;
  return rows.filter((row) => {
    const isModel = row.model_path === model && row.precision === precision && row.system === system;
    return isModel && row.backend === backend && row.backend_version === version && row.tp_size === tensorParallel;
  });
}

/** Coefficients in milliseconds: of every iteration, per token, per context token, and of all experts. */
function coefficientsOf(rows: readonly SiliconRow[], experts: Experts | undefined): number[] {
  return relativeFit(rows.map((row) => fitRow(row, experts)));
}

function fitRow(row: SiliconRow, experts: Experts | undefined): FitRow {
  const { isl, osl, concurrency, silicon_ttft_ms: ttft, silicon_tpot_ms: tpot } = row;
  const decoding = (concurrency * tpot * osl) / (ttft + tpot * osl);
  const tokens = decoding + (decoding * isl) / osl;
  const hits = experts === undefined ? [] : [hitRatio(decoding, isl, Math.min(1, decoding / osl), experts)];
  return { features: [1, tokens, decoding * (isl + osl / 2), ...hits], value: tpot };
}

/** Mean share of experts hit, where a prompt is in `prompts` of the iterations. */
function hitRatio(decoding: number, isl: number, prompts: number, { total, perToken }: Experts): number {
  const hitBy = (tokens: number): number => 1 - (1 - perToken / total) ** tokens;
  return (1 - prompts) * hitBy(decoding) + prompts * hitBy(decoding + isl);
}

/** Sizes of relative TPOT errors, ascending. */
function errorsOf(
  coefficients: readonly number[],
  rows: readonly SiliconRow[],
  experts: Experts | undefined,
): number[] {
  return rows
    .map((row) => {
      const { features, value } = fitRow(row, experts);
      return Math.abs(features.reduce((sum, x, i) => sum + x * (coefficients[i] as number), 0) / value - 1);
    })
    .sort(ascending);
}

export interface SiliconFit {
  readonly timing: AffineTimingConfig | TableTimingConfig;
  /** Sizes of relative TPOT errors, ascending: of the fit, and of fits that left the row out. */
  readonly fitted: readonly number[];
  readonly heldOut: readonly number[];
  /** Of the timing: of a dense model by coefficient (base, per token, per context token), else of one factor. */
  readonly covariance: RelativeCovariance;
}

export function fitSilicon(rows: readonly SiliconRow[], experts?: Experts): SiliconFit {
  const coefficients = coefficientsOf(rows, experts);
  const heldOut = rows.flatMap((row) => {
    return errorsOf(coefficientsOf(rows.filter((other) => other !== row), experts), [row], experts);
  });
  return {
    timing: timingOf(coefficients, experts),
    fitted: errorsOf(coefficients, rows, experts),
    heldOut: heldOut.sort(ascending),
    covariance: covarianceOf(rows, coefficients, experts),
  };
}

function covarianceOf(
  rows: readonly SiliconRow[],
  coefficients: readonly number[],
  experts: Experts | undefined,
): RelativeCovariance {
  const fitRows = rows.map((row) => fitRow(row, experts));
  if (experts === undefined) return relativeCovariance(fitRows, coefficients);
  const whole = fitRows.map(({ features, value }) => {
    return { features: [features.reduce((sum, x, i) => sum + x * (coefficients[i] as number), 0)], value };
  });
  return relativeCovariance(whole, [1]);
}

/** Batch and context that the corners of a table lie at; between and beyond them it is straight. */
const CORNER_TOKENS = 8192;
const CORNER_KV_TOKENS = 1 << 20;

function timingOf(
  coefficients: readonly number[],
  experts: Experts | undefined,
): AffineTimingConfig | TableTimingConfig {
  const [baseUs = 0, perTokenUs = 0, perKvTokenUs = 0, expertsUs = 0] = coefficients.map((ms) => ms * 1000);
  if (experts === undefined) return { kind: 'affine', baseUs, perTokenUs, perKvTokenUs };
  const at = (tokens: number, kvTokens: number): number => baseUs + perTokenUs * tokens + perKvTokenUs * kvTokens;
  const kvTokens = [0, CORNER_KV_TOKENS];
  const jobs = [1, CORNER_TOKENS];
  return {
    kind: 'table',
    prefill: {
      floorUs: 0,
      knots: jobs.map((tokens) => [tokens, at(tokens, 0)] as const),
      perContextTokenUs: perKvTokenUs,
    },
    decode: { jobs, kvTokens, us: jobs.map((count) => kvTokens.map((tokens) => at(count, tokens))) },
    experts: { ...experts, us: expertsUs },
  };
}

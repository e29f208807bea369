/**
 * Step times from measured kernels: LLMServingSim's tables of one layer on one accelerator (casys-kaist/LLMServingSim,
 * `profiles`), added up over the layers of the model. Communication between accelerators is not in them.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import { AffineTiming } from '../worker/timing/affine.ts';
import type { StepWork } from '../worker/timing/step-time.ts';
import { type FitRow, type RelativeCovariance, relativeCovariance, relativeFit } from './robust-fit.ts';
import { readCsv } from './table-file.ts';

/** An iteration and what its kernels take together, microseconds. */
export interface KernelStep {
  readonly work: StepWork;
  readonly us: number;
}

const size = z.coerce.number();
const attentionSchema = z.object({
  prefill_chunk: size,
  kv_prefill: size,
  n_decode: size,
  kv_decode: size,
  time_us: z.coerce.number(),
});
const denseSchema = z.object({ layer: z.string(), tokens: size, time_us: z.coerce.number() });
const sequenceSchema = z.object({ layer: z.string(), sequences: size, time_us: z.coerce.number() });

/** How often a kernel runs in each layer of the model; the others run once an iteration. */
const PER_LAYER: Readonly<Record<string, number>> = {
  ...{ qkv_proj: 1, o_proj: 1, gate_up_proj: 1, down_proj: 1 },
  ...{ act_fn: 1, layernorm: 2, rotary_emb: 1, qk_norm: 1 },
};

/** Context of a batch at most: beyond it lie grid points that no pool of such a machine holds. */
const KV_TOKENS_MAX = 1 << 19;
/** Tokens of an iteration at most that the dense kernels were measured with. */
const TOKENS_MAX = 2048;

/** Every iteration that the attention table has, within what a machine holds. Throws ScenarioError. */
export function kernelSteps(folder: string, layers: number): KernelStep[] {
  const denseRows = readCsv(join(folder, 'dense.csv'), denseSchema).rows;
  const endRows = readCsv(join(folder, 'per_sequence.csv'), sequenceSchema).rows;
  const dense = kernelCurves(denseRows.map((row) => [row.layer, row.tokens, row.time_us]));
  const ends = kernelCurves(endRows.map((row) => [row.layer, row.sequences, row.time_us]));
  return readCsv(join(folder, 'attention.csv'), attentionSchema).rows.flatMap((row): KernelStep[] => {
    const { prefill_chunk: chunk, kv_prefill: context, n_decode: jobs, kv_decode: each } = row;
    const tokens = chunk + jobs;
    const prompts = chunk > 0 ? 1 : 0;
    const kvTokens = chunk + context + jobs * each;
    if (tokens === 0 || tokens > TOKENS_MAX || kvTokens > KV_TOKENS_MAX) return [];
    let us = layers * row.time_us;
    for (const [layer, curve] of dense) {
      const inLayer = PER_LAYER[layer];
      us += (inLayer === undefined ? 1 : layers * inLayer) * curve(tokens);
    }
    for (const curve of ends.values()) us += curve(jobs + prompts);
    const prompt = { prefillJobs: prompts, prefillTokens: chunk, prefillContextTokens: context };
    return [{ work: { ...prompt, decodeJobs: jobs, decodeKvTokens: jobs * each }, us }];
  });
}

/** Time by size for each kernel: straight lines between the measured sizes. */
function kernelCurves(rows: readonly (readonly [string, number, number])[]): Map<string, (size: number) => number> {
  const points = new Map<string, [number, number][]>();
  for (const [layer, at, us] of rows) points.set(layer, [...(points.get(layer) ?? []), [at, us]]);
  return new Map([...points].map(([layer, list]) => [layer, curveOf(list.sort(([a], [b]) => a - b))]));
}

function curveOf(points: readonly (readonly [number, number])[]): (size: number) => number {
  return (at) => {
    const high = Math.max(1, points.findIndex(([x]) => x >= at));
    const [x0, y0] = points[high - 1] as readonly [number, number];
    const [x1, y1] = points[high] ?? [x0 + 1, y0];
    return y0 + ((y1 - y0) * (at - x0)) / (x1 - x0);
  };
}

/**
 * Affine timing with a context rate of its own for iterations that have prompt tokens; each point of the grid counts
 * once.
 */
export function fitKernelSteps(steps: readonly KernelStep[]): AffineTimingConfig {
  const [baseUs = 0, perTokenUs = 0, perKvTokenUs = 0, perMixedKvTokenUs = 0] = relativeFit(steps.map(fitRow));
  return { kind: 'affine', baseUs, perTokenUs, perKvTokenUs, perMixedKvTokenUs };
}

/** How sure its coefficients are: base, per token, per context token, the same in iterations with prompt tokens. */
export function kernelCovariance(timing: AffineTimingConfig, steps: readonly KernelStep[]): RelativeCovariance {
  const { baseUs, perTokenUs, perKvTokenUs, perMixedKvTokenUs = perKvTokenUs } = timing;
  return relativeCovariance(steps.map(fitRow), [baseUs, perTokenUs, perKvTokenUs, perMixedKvTokenUs]);
}

function fitRow({ work, us }: KernelStep): FitRow {
  const tokens = work.prefillTokens + work.decodeJobs;
  const kvTokens = work.prefillContextTokens + work.prefillTokens + work.decodeKvTokens;
  const isMixed = work.prefillTokens > 0;
  return { features: [1, tokens, isMixed ? 0 : kvTokens, isMixed ? kvTokens : 0], value: us };
}

/** Sizes of the relative errors of a timing on iterations. */
export function kernelErrors(timing: AffineTimingConfig, steps: readonly KernelStep[]): number[] {
  const priced = new AffineTiming(timing);
  return steps.map(({ work, us }) => Math.abs(priced.us(work) / us - 1));
}

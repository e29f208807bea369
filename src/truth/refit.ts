/**
 * The shipped presets, fitted again to the measured engines that they name. Which they are is decided here; how each is
 * fitted, in the module of its data.
 */
import { join } from 'node:path';
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import { agreement, ascending } from './agreement.ts';
import { calibrateFully, fittedRequests } from './calibrate.ts';
import { fitKernelSteps, kernelErrors, kernelSteps } from './kernel-tables.ts';
import { COMPUTED_POOL, computedBlocks, MEMORY_BYTES, MODELS } from './memory.ts';
import { calibratedPreset, type PresetDocument, writtenDeviation, writtenTiming } from './preset-document.ts';
import { fitRateSweeps, type SweepPoint } from './rate-sweeps.ts';
import { replayLog } from './replay.ts';
import { fitRouting, ROUTING_BLOCKS } from './routing.ts';
import { readRunLog, type RunLog } from './run-log.ts';
import { siliconPresets } from './silicon-presets.ts';
import { splitwisePresets } from './splitwise-presets.ts';

const LLMSERVINGSIM = 'casys-kaist/LLMServingSim@5daddb21';
export const LLAMA_RUN = 'RTXPRO6000_Llama-3.1-8B';
export const QWEN_RUN = 'RTXPRO6000_Qwen3-32B';
const LAYERS_OF_LLAMA_8B = 32;

/** In the order in which they are listed. `folder` holds the measured engines. Throws ScenarioError. */
export function refittedPresets(folder: string): PresetDocument[] {
  return [
    llamaFromKernels(folder),
    qwenFromRun(folder),
    h200FromSweeps(folder),
    routingFleet(folder),
    ...siliconPresets(folder),
    ...splitwisePresets(folder),
  ];
}

/** The two runs of LLMServingSim, whose pool is not recorded: what fits the memory. Throws ScenarioError. */
export function measuredRun(folder: string, run: typeof LLAMA_RUN | typeof QWEN_RUN): RunLog {
  const blocks = run === LLAMA_RUN ? llamaBlocks() : qwenBlocks();
  return readRunLog(join(folder, 'e2e_vllm_llmservingsim', run), { blocks, blockTokens: 16 });
}

function llamaBlocks(): number {
  return computedBlocks(MODELS.llama8b, MEMORY_BYTES.rtxPro6000);
}

function qwenBlocks(): number {
  return computedBlocks(MODELS.qwen32b, 2 * MEMORY_BYTES.rtxPro6000);
}

function llamaFromKernels(folder: string): PresetDocument {
  const steps = kernelSteps(join(folder, 'kernel_llmservingsim', 'RTXPRO6000_Llama-3.1-8B_tp1'), LAYERS_OF_LLAMA_8B);
  const timing = fitKernelSteps(steps);
  const half = fitKernelSteps(steps.filter((_, i) => i % 2 === 0));
  const heldOut = kernelErrors(half, steps.filter((_, i) => i % 2 === 1)).sort(ascending);
  const log = measuredRun(folder, LLAMA_RUN);
  const { tpot, ttft } = agreement(log, replayLog(log, timing), fittedRequests(log)).latencies;
  const ofRun = 'of single requests of a whole run, none of which was used';
  return {
    name: 'llama-3.1-8b-rtx-pro-6000',
    model: 'meta-llama/Llama-3.1-8B',
    hardware: '1 × RTX PRO 6000 Blackwell Server Edition',
    software: 'vLLM 0.19.0, bfloat16, eager kernels',
    source: `${LLMSERVINGSIM}: kernel times of one layer, times ${LAYERS_OF_LLAMA_8B}`,
    fittedOn: `${steps.length} iterations of the attention grid with up to 2,048 tokens and 524,288 of context`,
    form: 'affine, least relative errors, context at a rate of its own in iterations with prompt tokens',
    errors: [
      {
        of: 'iterations of the grid',
        count: steps.length,
        fitted: writtenDeviation(kernelErrors(timing, steps).sort(ascending)),
        heldOut: writtenDeviation(heldOut),
      },
      { of: `TPOT ${ofRun}`, count: tpot.requests, heldOut: { median: tpot.requestMedian, p95: tpot.requestP95 } },
      { of: `TTFT ${ofRun}`, count: ttft.requests, heldOut: { median: ttft.requestMedian, p95: ttft.requestP95 } },
    ].map(roundedError),
    pool: COMPUTED_POOL,
    engine: { blocks: llamaBlocks(), blockTokens: 16, maxRunning: 128, maxBatchedTokens: 2048 },
    timing: writtenTiming(timing),
  };
}

type WrittenError = PresetDocument['errors'][number];

function roundedError(error: WrittenError): WrittenError {
  const { heldOut } = error;
  if (heldOut?.median === undefined || heldOut.p95 === undefined) return error;
  return { ...error, heldOut: { ...heldOut, median: Number(heldOut.median.toFixed(4)), p95: Number(heldOut.p95.toFixed(4)) } };
}

function qwenFromRun(folder: string): PresetDocument {
  const log = measuredRun(folder, QWEN_RUN);
  const start: AffineTimingConfig = { kind: 'affine', baseUs: 20_000, perTokenUs: 100, perKvTokenUs: 0.1 };
  return {
    ...calibratedPreset(log, calibrateFully(log, start), 'round numbers'),
    name: 'qwen3-32b-2x-rtx-pro-6000',
    hardware: '2 × RTX PRO 6000 Blackwell Server Edition',
    source: `${LLMSERVINGSIM}: ${QWEN_RUN}, one run of 300 requests`,
    pool: COMPUTED_POOL,
  };
}

function h200FromSweeps(folder: string): PresetDocument {
  const fit = fitRateSweeps(join(folder, 'e2e_vllm_h200_do', 'rate_sweeps.csv'));
  const off = (points: readonly SweepPoint[]): number[] => {
    return points.map(({ measured, predicted }) => Math.abs(predicted.meanTpot / measured.meanTpot - 1)).sort(ascending);
  };
  const fitted = fit.sweeps.flatMap((sweep) => (sweep.fitted ? sweep.points.filter(({ rate }) => rate <= 2) : []));
  const others = fit.sweeps.flatMap(({ points }) => points).filter((point) => !fitted.includes(point));
  return {
    name: 'llama-3.1-70b-fp8-h200',
    model: 'nvidia/Llama-3.1-70B-Instruct-FP8',
    hardware: '1 × H200',
    software: 'vLLM 0.14.1',
    source: 'DO-Solutions/gtc-2026-doks@c70febac: open-loop rate sweeps, custom-multiturn-500',
    fittedOn: `mean TPOT and TTFT up to 2/s at max_num_seqs 1024, with a made-up workload and ${percent(fit.share)} of popular prompts, fitted too`,
    form: 'affine, least squares through replays',
    errors: [
      { of: 'mean TPOT of a rate', count: fitted.length, fitted: writtenDeviation(off(fitted)) },
      { of: 'mean TPOT of the other rates', count: others.length, heldOut: writtenDeviation(off(others)) },
    ],
    pool: 'measured: 348,304 tokens, 8-bit keys and values',
    engine: { blocks: 21_769, blockTokens: 16, maxRunning: 1024, maxBatchedTokens: 8192 },
    timing: writtenTiming(fit.timing),
  };
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(0)} %`;
}

function routingFleet(folder: string): PresetDocument {
  const { timing, fittedTpot, heldOutTpot } = fitRouting(join(folder, 'routing_llmd', 'per_qps.csv'));
  return {
    name: 'llama-3.1-70b-4x-h100',
    model: 'meta-llama/Llama-3.1-70B-Instruct',
    hardware: '4 × H100 80GB',
    software: 'vLLM under llm-d',
    source: 'llm-d/llm-d-kv-cache-manager@a378f5b3: routing benchmark, 8k + 1k tokens in, 1k out',
    fittedOn: 'TPOT of precise scheduling up to 6/s, TPOT of random scheduling at 3/s, its throughput at 20/s',
    form: 'affine, least squares through replays, context at a rate of its own in iterations with prompt tokens',
    errors: [
      { of: 'mean TPOT of a rate', count: fittedTpot.length, fitted: writtenDeviation([...fittedTpot].sort(ascending)) },
      {
        of: 'mean TPOT of precise scheduling from 8/s on',
        count: heldOutTpot.length,
        heldOut: writtenDeviation([...heldOutTpot].sort(ascending)),
      },
    ],
    pool: 'measured: 461,376 tokens',
    engine: { blocks: ROUTING_BLOCKS, blockTokens: 16, maxRunning: 1024, maxBatchedTokens: 8192 },
    timing: writtenTiming(timing),
  };
}

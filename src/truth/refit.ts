/**
 * The shipped presets, fitted again to the measured engines that they name. Which they are is decided here; how each is
 * fitted, in the module of its data.
 */
import { join } from 'node:path';
import { agreement, ascending } from './agreement.ts';
import { fittedRequests } from './calibrate.ts';
import { coefficientNames } from './coefficients.ts';
import { fitKernelSteps, kernelCovariance, kernelErrors, kernelSteps } from './kernel-tables.ts';
import { calibratedQwen, type CalibratedRun, LLAMA_RUN, measuredRun, QWEN_RUN } from './measured-runs.ts';
import { COMPUTED_POOL } from './memory.ts';
import {
  calibratedPreset,
  linearUncertainty,
  type PresetDocument,
  requestDeviation,
  writtenDeviation,
  writtenTiming,
  writtenUncertainty,
} from './preset-document.ts';
import { fitRateSweeps, type SweepFit, type SweepPoint } from './rate-sweeps.ts';
import { replayLog } from './replay.ts';
import { fitRouting, ROUTING_BLOCKS, type RoutingFit } from './routing.ts';
import { siliconPresets } from './silicon-presets.ts';
import { splitwisePresets } from './splitwise-presets.ts';

const LLMSERVINGSIM = 'casys-kaist/LLMServingSim@5daddb21';
const LAYERS_OF_LLAMA_8B = 32;

/** What takes longest to fit, so that whoever has it need not fit it again. */
export interface DearFits {
  readonly qwen: CalibratedRun;
  readonly sweeps: SweepFit;
  readonly routing: RoutingFit;
}

/** `folder` holds the measured engines. Throws ScenarioError. */
export function dearFits(folder: string): DearFits {
  return {
    qwen: calibratedQwen(folder),
    sweeps: fitRateSweeps(join(folder, 'e2e_vllm_h200_do', 'rate_sweeps.csv')),
    routing: fitRouting(join(folder, 'routing_llmd', 'per_qps.csv')),
  };
}

/** All of them. `folder` holds the measured engines. Throws ScenarioError. */
export function refittedPresets(folder: string, fits = dearFits(folder)): PresetDocument[] {
  return [
    llamaFromKernels(folder),
    qwenFromRun(fits.qwen),
    h200FromSweeps(fits.sweeps),
    routingFleet(fits.routing),
    ...siliconPresets(folder),
    ...splitwisePresets(folder),
  ];
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
      { of: `TPOT ${ofRun}`, count: tpot.requests, heldOut: requestDeviation(tpot) },
      { of: `TTFT ${ofRun}`, count: ttft.requests, heldOut: requestDeviation(ttft) },
    ],
    pool: COMPUTED_POOL,
    engine: { blocks: log.engine.blocks, blockTokens: 16, maxRunning: 128, maxBatchedTokens: 2048 },
    timing: writtenTiming(timing),
    uncertainty: linearUncertainty(coefficientNames(timing), kernelCovariance(timing, steps)),
  };
}

function qwenFromRun({ log, calibration }: CalibratedRun): PresetDocument {
  return {
    ...calibratedPreset(log, calibration, 'round numbers'),
    name: 'qwen3-32b-2x-rtx-pro-6000',
    hardware: '2 × RTX PRO 6000 Blackwell Server Edition',
    source: `${LLMSERVINGSIM}: ${QWEN_RUN}, one run of 300 requests`,
    pool: COMPUTED_POOL,
  };
}

function h200FromSweeps({ timing, covariance, share, sweeps }: SweepFit): PresetDocument {
  const points = sweeps.flatMap((sweep) => sweep.points);
  const off = (those: readonly SweepPoint[]): number[] => {
    const sizes = those.map(({ measured, predicted }) => Math.abs(predicted.meanTpot / measured.meanTpot - 1));
    return sizes.sort(ascending);
  };
  const fitted = points.filter((point) => point.fitted);
  const others = points.filter((point) => !point.fitted);
  const popular = `${(100 * share).toFixed(0)} % of popular prompts`;
  return {
    name: 'llama-3.1-70b-fp8-h200',
    model: 'nvidia/Llama-3.1-70B-Instruct-FP8',
    hardware: '1 × H200',
    software: 'vLLM 0.14.1',
    source: 'DO-Solutions/gtc-2026-doks@c70febac: open-loop rate sweeps, custom-multiturn-500',
    fittedOn: `mean TPOT and TTFT up to 2/s at max_num_seqs 1024; a made-up workload, ${popular}, fitted too`,
    form: 'affine, least squares through replays',
    errors: [
      { of: 'mean TPOT of a rate', count: fitted.length, fitted: writtenDeviation(off(fitted)) },
      { of: 'mean TPOT of the other rates', count: others.length, heldOut: writtenDeviation(off(others)) },
    ],
    pool: 'measured: 348,304 tokens, 8-bit keys and values',
    engine: { blocks: 21_769, blockTokens: 16, maxRunning: 1024, maxBatchedTokens: 8192 },
    timing: writtenTiming(timing),
    uncertainty: writtenUncertainty(['base', 'perToken', 'perKvToken'], covariance),
  };
}

function routingFleet({ timing, covariance, fittedTpot, heldOutTpot }: RoutingFit): PresetDocument {
  const sizes = (errors: readonly number[]) => writtenDeviation([...errors].sort(ascending));
  return {
    name: 'llama-3.1-70b-4x-h100',
    model: 'meta-llama/Llama-3.1-70B-Instruct',
    hardware: '4 × H100 80GB',
    software: 'vLLM under llm-d',
    source: 'llm-d/llm-d-kv-cache-manager@a378f5b3: routing benchmark, 8k + 1k tokens in, 1k out',
    fittedOn: 'TPOT of precise scheduling up to 6/s, TPOT of random scheduling at 3/s, its throughput at 20/s',
    form: 'affine, least squares through replays, context at a rate of its own in iterations with prompt tokens',
    errors: [
      { of: 'mean TPOT of a rate', count: fittedTpot.length, fitted: sizes(fittedTpot) },
      {
        of: 'mean TPOT of precise scheduling from 8/s on',
        count: heldOutTpot.length,
        heldOut: sizes(heldOutTpot),
      },
    ],
    pool: 'measured: 461,376 tokens',
    engine: { blocks: ROUTING_BLOCKS, blockTokens: 16, maxRunning: 1024, maxBatchedTokens: 8192 },
    timing: writtenTiming(timing),
    uncertainty: writtenUncertainty(coefficientNames(timing), covariance),
  };
}

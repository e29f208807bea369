/** The two measured runs on RTX PRO 6000 (LLMServingSim), against presets: as shipped, one scale, fitted in full. */
import { join } from 'node:path';
import { findPreset } from '../lab/preset.ts';
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';
import { type Agreement, agreement } from './agreement.ts';
import { calibrateFully, calibrateScale, type Calibration, fittedRequests } from './calibrate.ts';
import { computedBlocks, MEMORY_BYTES, MODELS } from './memory.ts';
import { replayLog } from './replay.ts';
import { readRunLog, type RunLog } from './run-log.ts';
import { timingOf } from './validate.ts';

export const LLAMA_RUN = 'RTXPRO6000_Llama-3.1-8B';
export const QWEN_RUN = 'RTXPRO6000_Qwen3-32B';

/** One of the two; its pool, which is not recorded, is what fits the memory. Throws ScenarioError. */
export function measuredRun(folder: string, run: typeof LLAMA_RUN | typeof QWEN_RUN): RunLog {
  const memory = MEMORY_BYTES.rtxPro6000;
  const [model, count] = run === LLAMA_RUN ? [MODELS.llama8b, 1] : [MODELS.qwen32b, 2];
  const blocks = computedBlocks(model, count * memory);
  return readRunLog(join(folder, 'e2e_vllm_llmservingsim', run), { blocks, blockTokens: 16 });
}

/** Nobody has measured kernels of it that hold its all-reduce. */
const ROUND_NUMBERS: AffineTimingConfig = { kind: 'affine', baseUs: 20_000, perTokenUs: 100, perKvTokenUs: 0.1 };

export interface CalibratedRun {
  readonly log: RunLog;
  readonly calibration: Calibration;
}

/** Qwen3-32B fitted in full. Throws ScenarioError. */
export function calibratedQwen(folder: string): CalibratedRun {
  const log = measuredRun(folder, QWEN_RUN);
  return { log, calibration: calibrateFully(log, ROUND_NUMBERS) };
}

export interface RunTruth {
  readonly what: string;
  readonly agreement: Agreement;
}

/** On the requests that no fit may use. Throws ScenarioError. */
export function measuredRunsTruth(folder: string, qwen = calibratedQwen(folder)): RunTruth[] {
  const llama = measuredRun(folder, LLAMA_RUN);
  const kernels = timingOf(findPreset('llama-3.1-8b-rtx-pro-6000', '.', '').preset, llama);
  return [
    { what: 'Llama-3.1-8B, kernel preset, no fit', agreement: asShipped(llama, kernels) },
    { what: 'Llama-3.1-8B, one scale', agreement: calibrateScale(llama, kernels).heldOut },
    { what: 'Llama-3.1-8B, --full', agreement: calibrateFully(llama, kernels).heldOut },
    { what: 'Qwen3-32B TP2, --full', agreement: qwen.calibration.heldOut },
  ];
}

function asShipped(log: RunLog, timing: TimingConfig): Agreement {
  return agreement(log, replayLog(log, timing), fittedRequests(log));
}

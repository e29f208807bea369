/** The two measured runs of RTX PRO 6000 against presets: as shipped, with one scale, fitted in full. */
import { findPreset } from '../lab/preset.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';
import { type Agreement, agreement } from './agreement.ts';
import { calibrateFully, calibrateScale, fittedRequests } from './calibrate.ts';
import { LLAMA_RUN, measuredRun, QWEN_RUN } from './refit.ts';
import { replayLog } from './replay.ts';
import type { RunLog } from './run-log.ts';
import { timingOf } from './validate.ts';

export interface RunTruth {
  readonly what: string;
  readonly agreement: Agreement;
}

/** On the requests that no fit may use. Throws ScenarioError. */
export function measuredRunsTruth(folder: string): RunTruth[] {
  const llama = measuredRun(folder, LLAMA_RUN);
  const qwen = measuredRun(folder, QWEN_RUN);
  const kernels = timingOf(findPreset('llama-3.1-8b-rtx-pro-6000', '.', '').preset, llama);
  return [
    { what: 'Llama-3.1-8B, kernel preset, no fit', agreement: asShipped(llama, kernels) },
    { what: 'Llama-3.1-8B, one scale', agreement: calibrateScale(llama, kernels).heldOut },
    { what: 'Llama-3.1-8B, --full', agreement: calibrateFully(llama, kernels).heldOut },
    { what: 'Qwen3-32B TP2, --full', agreement: calibrateFully(qwen, kernels).heldOut },
  ];
}

function asShipped(log: RunLog, timing: TimingConfig): Agreement {
  return agreement(log, replayLog(log, timing), fittedRequests(log));
}

/** Presets from closed-loop sweeps (see silicon.ts): which setups of the file become one. */
import { join } from 'node:path';
import { ONE_SCALE } from './coefficients.ts';
import { COMPUTED_POOL, computedBlocks, MEMORY_BYTES, type ModelMemory, MODELS } from './memory.ts';
import { linearUncertainty, type PresetDocument, writtenDeviation, writtenTiming } from './preset-document.ts';
import { type Experts, fitSilicon, readSilicon, siliconRows, type SiliconSetup } from './silicon.ts';

const SOURCE = 'ai-dynamo/aiconfigurator@095f58a5: closed-loop sweeps of InferenceX';
/** Published configuration of gpt-oss-120b. */
const GPT_OSS_EXPERTS: Experts = { total: 128, perToken: 4 };

interface Choice {
  readonly name: string;
  readonly setup: SiliconSetup;
  readonly memory: ModelMemory;
  readonly experts?: Experts;
}

function choice(
  name: string,
  model: string,
  precision: string,
  engine: readonly [backend: string, version: string],
  machine: readonly [tensorParallel: number, system: keyof typeof SYSTEMS],
  memory: ModelMemory,
  experts?: Experts,
): Choice {
  const [backend, version] = engine;
  const [tensorParallel, system] = machine;
  const setup = { model, system, precision, backend, version, tensorParallel };
  return experts === undefined ? { name, setup, memory } : { name, setup, memory, experts };
}

const SYSTEMS = {
  h100_sxm: { title: 'H100 SXM 80GB', bytes: MEMORY_BYTES.h100 },
  h200_sxm: { title: 'H200 SXM', bytes: MEMORY_BYTES.h200 },
} as const;

const LLAMA_70B = 'meta-llama/Llama-3.1-70B';
const QWEN_32B = 'Qwen/Qwen3-32B';
const GPT_OSS = 'openai/gpt-oss-120b';
const VLLM_12 = ['vllm', '0.12.0'] as const;
const VLLM_18 = ['vllm', '0.18.0'] as const;
const VLLM = ['vllm', ''] as const;
const TRTLLM = ['trtllm', '1.0.0rc3'] as const;

const CHOICES: readonly Choice[] = [
  choice('llama-3.1-8b-h100', 'meta-llama/Llama-3.1-8B-Instruct', '', TRTLLM, [1, 'h100_sxm'], MODELS.llama8b),
  choice('llama-3.1-70b-fp8-2x-h100', LLAMA_70B, 'fp8', VLLM, [2, 'h100_sxm'], MODELS.llama70bFp8),
  choice('llama-3.1-70b-fp8-4x-h100', LLAMA_70B, 'fp8', VLLM, [4, 'h100_sxm'], MODELS.llama70bFp8),
  choice('llama-3.1-70b-fp8-2x-h200', LLAMA_70B, 'fp8', VLLM, [2, 'h200_sxm'], MODELS.llama70bFp8),
  choice('llama-3.1-70b-fp8-4x-h200', LLAMA_70B, 'fp8', VLLM, [4, 'h200_sxm'], MODELS.llama70bFp8),
  choice('qwen3-32b-fp8-h100', QWEN_32B, 'fp8', TRTLLM, [1, 'h100_sxm'], MODELS.qwen32bFp8),
  choice('qwen3-32b-2x-h100', QWEN_32B, '', VLLM_12, [2, 'h100_sxm'], MODELS.qwen32b),
  choice('qwen3-32b-4x-h100', QWEN_32B, '', VLLM_12, [4, 'h100_sxm'], MODELS.qwen32b),
  choice('gpt-oss-120b-2x-h100', GPT_OSS, 'fp4', VLLM_18, [2, 'h100_sxm'], MODELS.gptOss120b, GPT_OSS_EXPERTS),
  choice('gpt-oss-120b-4x-h100', GPT_OSS, 'fp4', VLLM_18, [4, 'h100_sxm'], MODELS.gptOss120b, GPT_OSS_EXPERTS),
  choice('gpt-oss-120b-2x-h200', GPT_OSS, 'fp4', VLLM_18, [2, 'h200_sxm'], MODELS.gptOss120b, GPT_OSS_EXPERTS),
  choice('gpt-oss-120b-4x-h200', GPT_OSS, 'fp4', VLLM_18, [4, 'h200_sxm'], MODELS.gptOss120b, GPT_OSS_EXPERTS),
];

/** Names of the serving engines. */
const ENGINES: Readonly<Record<string, string>> = { vllm: 'vLLM', trtllm: 'TensorRT-LLM' };

/** Throws ScenarioError. */
export function siliconPresets(folder: string): PresetDocument[] {
  const all = readSilicon(join(folder, 'silicon_inferencex', 'agg_concurrency_sweeps_selected.csv'));
  return CHOICES.map(({ name, setup, memory, experts }) => {
    const rows = siliconRows(all, setup);
    const { timing, fitted, heldOut, covariance } = fitSilicon(rows, experts);
    const names = experts === undefined ? ['base', 'perToken', 'perKvToken'] : ONE_SCALE;
    const { system, tensorParallel, backend, version, precision, model } = setup;
    const { title, bytes } = SYSTEMS[system as keyof typeof SYSTEMS];
    const blocks = computedBlocks(memory, tensorParallel * bytes);
    return {
      name,
      model: precision === '' ? `${model}, 16-bit` : `${model}, ${precision}`,
      hardware: `${tensorParallel} × ${title}`,
      software: `${ENGINES[backend] ?? backend} ${version === '' ? '(version not recorded)' : version}`,
      source: SOURCE,
      fittedOn: `mean TPOT of ${rows.length} rows, concurrency ${range(rows.map((row) => row.concurrency))}`,
      form: experts === undefined ? 'affine, least relative errors' : 'affine with a concave term of experts hit',
      errors: [
        {
          ...{ of: 'TPOT of a row', count: rows.length },
          ...{ fitted: writtenDeviation(fitted), heldOut: writtenDeviation(heldOut) },
        },
      ],
      pool: COMPUTED_POOL,
      engine: { blocks, blockTokens: 16 },
      timing: writtenTiming(timing),
      uncertainty: linearUncertainty(names, covariance),
    };
  });
}

function range(values: readonly number[]): string {
  return `${Math.min(...values)} to ${Math.max(...values)}`;
}

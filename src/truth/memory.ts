/**
 * How many KV blocks a model leaves room for, where nobody measured it: 0.9 of the memory (vLLM's default) less the
 * weights, by the bytes of a token's keys and values. Activations are left out; the pool that llm-d measured for
 * Llama-3.1-70B on 4 × H100 (461,376 tokens) is 3 % above this sum.
 */

/** What a model takes. */
export interface ModelMemory {
  readonly weightBytes: number;
  /** Keys and values of one token, all layers. */
  readonly kvBytesPerToken: number;
}

/** Bytes of one accelerator. */
export const MEMORY_BYTES = { a100: 80e9, h100: 80e9, h200: 141e9, rtxPro6000: 96e9 } as const;

/** From the models' published configurations: layers × 2 × key-value heads × head size × 2 bytes. */
export const MODELS = {
  llama8b: { weightBytes: 16.1e9, kvBytesPerToken: 32 * 2 * 8 * 128 * 2 },
  llama70bFp16: { weightBytes: 141.1e9, kvBytesPerToken: 80 * 2 * 8 * 128 * 2 },
  llama70bFp8: { weightBytes: 70.6e9, kvBytesPerToken: 80 * 2 * 8 * 128 * 2 },
  qwen32b: { weightBytes: 65.5e9, kvBytesPerToken: 64 * 2 * 8 * 128 * 2 },
  qwen32bFp8: { weightBytes: 32.8e9, kvBytesPerToken: 64 * 2 * 8 * 128 * 2 },
  bloom176b: { weightBytes: 352.5e9, kvBytesPerToken: 70 * 2 * 112 * 128 * 2 },
  gptOss120b: { weightBytes: 65e9, kvBytesPerToken: 36 * 2 * 8 * 64 * 2 },
} as const satisfies Readonly<Record<string, ModelMemory>>;

const USED = 0.9;
const BLOCK_TOKENS = 16;
/** What a preset says of a pool that was computed so. */
export const COMPUTED_POOL = 'computed, not measured: 0.9 of the memory less the weights, 16-bit keys and values';

/** Blocks of 16 tokens. */
export function computedBlocks(model: ModelMemory, memoryBytes: number): number {
  return Math.floor((USED * memoryBytes - model.weightBytes) / (model.kvBytesPerToken * BLOCK_TOKENS));
}

/** The `engine:` block of a fleet with `semantics: vllm`, the default. Names and defaults are vLLM's. */
import { z } from 'zod';
import type { EngineConfig } from '../worker/engine-config.ts';
import { wholeNumber, wholeNumberOrNone } from './number-schema.ts';
import { timingConfig, timingSchema } from './timing-schema.ts';

/** The `engine:` block with `semantics: vllm`, or none said. */
export const vllmEngineSchema = z
  .strictObject({
    semantics: z.literal('vllm')
      .optional()
      .describe('Whose scheduling the engine follows: vllm, sglang, trtllm, or dynamo, its mocker. Default vllm.'),
    preset: z.string()
      .optional()
      .describe('Timing and pool of a measured engine: a name of `spillway presets`, or a preset file.'),
    maxRunning: wholeNumber(1, 1e5)
      .default(256)
      .describe('Sequences in the batch. Default 256, vLLM max_num_seqs.'),
    maxBatchedTokens: wholeNumber(1, 1e7)
      .default(2048)
      .describe('Tokens computed in one iteration. Default 2048, vLLM max_num_batched_tokens.'),
    blocks: wholeNumber(1, 1e8)
      .default(16_384)
      .describe('KV blocks of the pool. Default 16384, which is 262,144 tokens.'),
    blockTokens: wholeNumber(1, 1e5)
      .default(16)
      .describe('Tokens a KV block holds. Default 16, vLLM block_size.'),
    maxModelTokens: wholeNumberOrNone(1)
      .prefault('none')
      .describe('Prompt plus output at most, vLLM max_model_len. Default none.'),
    maxWaiting: wholeNumberOrNone(1)
      .prefault('none')
      .describe('Requests that may wait; more get 503. Default none.'),
    chunkedPrefill: z.boolean()
      .default(true)
      .describe('Prompts above the token budget take several iterations. Default true.'),
    prefixCache: z.boolean().default(true).describe('Full blocks stay cached by content. Default true.'),
    scheduling: z.enum(['fcfs', 'priority'])
      .optional()
      .describe('Who is served first and preempted last, vLLM scheduling-policy. Default fcfs.'),
    preemption: z.enum(['newest', 'oldest'])
      .optional()
      .describe('Whom fcfs preempts when KV blocks run out. Default newest, as vLLM.'),
    ranks: wholeNumber(1, 1024)
      .optional()
      .describe('Data-parallel ranks; every other number is of one rank. Default 1.'),
    lockStep: z.boolean()
      .optional()
      .describe('Ranks begin and end iterations together, as expert parallelism forces them to. Default false.'),
    timing: timingSchema.prefault({}).describe('How long one iteration takes. Default affine.'),
  })
  .superRefine((value, context) => {
    if (value.maxBatchedTokens >= value.maxRunning) return;
    const message = `at least maxRunning (${value.maxRunning}), as vLLM asks`;
    context.addIssue({ code: 'custom', path: ['maxBatchedTokens'], message });
  });
type ParsedVllmEngine = z.output<typeof vllmEngineSchema>;

/** What the worker is given. */
export function vllmEngineConfig(parsed: ParsedVllmEngine): EngineConfig {
  const { preset: _preset, semantics: _vllm, timing, ...settings } = parsed;
  return { model: 'engine', ...settings, timing: timingConfig(timing, settings.blocks * settings.blockTokens) };
}

/**
 * The `engine:` block of a fleet with `semantics: dynamo` or `trtllm`: an engine that schedules, prices and preempts as
 * Dynamo's mocker does. Names are those of the other engines, defaults those of the mocker.
 */
import { z } from 'zod';
import type { DynamoEngineConfig } from '../worker/dynamo/dynamo-engine-config.ts';
import { wholeNumber, wholeNumberOrNone } from './number-schema.ts';
import { timingConfig, timingSchema } from './timing-schema.ts';

/** What both semantics have in common; blocks of `blockTokens` tokens unless said otherwise. */
function commonSettings(blockTokens: number) {
  return {
    maxRunning: wholeNumberOrNone(1, 1e5)
      .default(256)
      .describe("Sequences in the batch of a rank, max_num_seqs, or 'none'. Default 256."),
    maxBatchedTokens: wholeNumberOrNone(1, 1e7)
      .default(8192)
      .describe("Tokens that a rank computes in one pass, max_num_batched_tokens, or 'none'. Default 8192."),
    blocks: wholeNumber(1, 1e8).default(16_384).describe("KV blocks of a rank's pool, num_gpu_blocks. Default 16384."),
    blockTokens: wholeNumber(2, 1e5)
      .default(blockTokens)
      .describe(`Tokens a KV block holds, block_size. Default ${blockTokens}.`),
    maxWaiting: wholeNumberOrNone(1)
      .prefault('none')
      .describe('Requests that may wait; more get 503. Default none.'),
    chunkedPrefill: z.boolean()
      .default(true)
      .describe('Prompts above the token budget take several passes. Default true.'),
    prefixCache: z.boolean().default(true).describe('Full blocks stay cached by content. Default true.'),
    ranks: wholeNumber(1, 1024)
      .default(1)
      .describe('Data-parallel ranks in lockstep, dp_size, each with its own batch and pool. Default 1.'),
    timing: timingSchema.prefault({ kind: 'dynamo' }).describe('How long one pass takes. Default dynamo.'),
  };
}

const dynamo = z.strictObject({
  semantics: z.literal('dynamo').describe("Dynamo's mocker of vLLM: admits what fits now, preempts when it grows."),
  ...commonSettings(64),
  maxModelTokens: wholeNumberOrNone(1)
    .prefault('none')
    .describe('Prompt plus output at most, max_model_len; a prompt of so many tokens is refused. Default none.'),
  preemption: z.enum(['lifo', 'fifo'])
    .default('lifo')
    .describe('Who gives way when blocks run out: the last of the batch or the first. Default lifo.'),
});

const trtllm = z.strictObject({
  semantics: z.literal('trtllm')
    .describe('The same with the admission of TensorRT-LLM: only what fits to its last token; nothing is preempted.'),
  ...commonSettings(32),
});

/** The `engine:` block with `semantics: dynamo` or `trtllm`. */
export const dynamoEngineSchema = z.discriminatedUnion('semantics', [dynamo, trtllm]);
type ParsedDynamoEngine = z.output<typeof dynamoEngineSchema>;

/** What the worker is given. */
export function dynamoEngineConfig(parsed: ParsedDynamoEngine): DynamoEngineConfig {
  const { timing, ...settings } = parsed;
  const own = { model: 'dynamo', timing: timingConfig(timing, parsed.blocks * parsed.blockTokens) } as const;
  // What never preempts has no order of preemption, and no limit but its pool.
  return { maxModelTokens: Infinity, preemption: 'lifo', ...settings, ...own };
}

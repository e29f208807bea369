/**
 * The `engine:` block of a fleet with `semantics: sglang`: an engine that schedules as SGLang does. Names are those of
 * the other engines where the thing is the same, defaults those of SGLang.
 */
import { z } from 'zod';
import type { SglangConfig } from '../worker/sglang/sglang-config.ts';
import { decimal, wholeNumber, wholeNumberOrNone } from './number-schema.ts';
import { timingConfig, timingSchema } from './timing-schema.ts';

/** Tokens of the pool when `blocks` is not given: that of the default engine. */
const POOL_TOKENS = 262_144;
const PREFILL_TOKENS = 16_384;
const CHUNK_TOKENS = 8192;
/** Pages below which no request may fit: of one token each for its prompt, its output, in reserve and left over. */
const BLOCKS_MIN = 4;

const settings = z.strictObject({
  semantics: z.literal('sglang')
    .describe('SGLang: prefill and decode in passes of their own, a radix tree as prefix cache, retraction.'),
  maxRunning: wholeNumber(1, 1e5).default(256).describe('Requests in the batch, max_running_requests. Default 256.'),
  blocks: wholeNumber(BLOCKS_MIN, 1e8)
    .optional()
    .describe('Pages of the token pool. Default 262,144 tokens, max_total_tokens, by blockTokens.'),
  blockTokens: wholeNumber(1, 1e5).default(1).describe('Tokens of a page, page_size. Default 1.'),
  maxModelTokens: wholeNumberOrNone(1)
    .prefault('none')
    .describe('Prompt plus output at most, context_length. Default none.'),
  maxWaiting: wholeNumberOrNone(1)
    .prefault('none')
    .describe('Requests that may wait, max_queued_requests; more get 503. Default none.'),
  prefixCache: z.boolean().default(true).describe('Whole pages stay cached by content. Default true.'),
  order: z.enum(['fifo', 'lpm'])
    .default('fifo')
    .describe('Who is tried first, schedule_policy: first come, or longest cached prefix. Default fifo.'),
  maxPrefillTokens: wholeNumber(1, 1e7)
    .optional()
    .describe('Prompt tokens of one pass, max_prefill_tokens, at least a page. Default 16384.'),
  chunkedPrefillTokens: wholeNumberOrNone(1, 1e7)
    .optional()
    .describe("Prompt tokens of one pass before a prompt is cut, chunked_prefill_size, or 'none'. Default 8192."),
  clipNewTokens: wholeNumber(1, 1e7)
    .default(4096)
    .describe('Output tokens reserved for a request at most. Default 4096.'),
  conservativeness: decimal(0.001, 1000)
    .default(1)
    .describe('Scales what is reserved for running requests, schedule_conservativeness. Default 1.'),
  reservation: z.enum(['prompt', 'chunk'])
    .default('prompt')
    .describe("Room asked for a prompt that is cut: all of it, or its chunk as in Dynamo's mocker. Default prompt."),
  mixedChunk: z.boolean()
    .default(false)
    .describe('Running requests decode in prefill passes too, enable_mixed_chunk. Default false.'),
  timing: timingSchema.prefault({}).describe('How long one pass takes. Default affine.'),
});

/** The `engine:` block with `semantics: sglang`. */
export const sglangEngineSchema = settings.superRefine((value, context) => {
  if (context.issues.length > 0) return;
  const refuse = (key: keyof typeof value, message: string) => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  const { blockTokens, chunkedPrefillTokens: chunk = Infinity, maxPrefillTokens = blockTokens } = value;
  if (chunk !== Infinity && chunk % blockTokens !== 0) {
    refuse('chunkedPrefillTokens', `a multiple of blockTokens (${blockTokens}), or 'none'`);
  }
  if (maxPrefillTokens < blockTokens) refuse('maxPrefillTokens', `at least blockTokens (${blockTokens})`);
});
type ParsedSglangEngine = z.output<typeof sglangEngineSchema>;

/** What the worker is given. Sizes that are not given fit the page, as far as they can. */
export function sglangEngineConfig(parsed: ParsedSglangEngine): SglangConfig {
  const { semantics: _, timing, blockTokens: page, ...rest } = parsed;
  const blocks = parsed.blocks ?? Math.max(BLOCKS_MIN, Math.floor(POOL_TOKENS / page));
  return {
    ...rest,
    model: 'sglang',
    blocks,
    blockTokens: page,
    maxPrefillTokens: parsed.maxPrefillTokens ?? Math.max(PREFILL_TOKENS, page),
    chunkedPrefillTokens: parsed.chunkedPrefillTokens ?? Math.max(1, Math.floor(CHUNK_TOKENS / page)) * page,
    timing: timingConfig(timing, blocks * page),
  };
}

/**
 * Settings of an engine with SGLang's semantics, in parentheses SGLang's own name of each; defaults are what the
 * scenario schema fills in. Facts: sgl-project/sglang, `server_args.py` and `managers/schedule_policy.py`, August 2026,
 * and ai-dynamo/dynamo, `lib/mocker`, which models the same core.
 */
import type { TimingConfig } from '../timing/timing.ts';

export interface SglangConfig {
  readonly model: 'sglang';
  /**
   * Requests in the batch, those whose prompt is being computed included, ≥ 1 (`max_running_requests`). Default 256,
   * as in Dynamo's model; SGLang derives it from its memory.
   */
  readonly maxRunning: number;
  /** Pages of the token pool, ≥ 4 (`max_total_tokens` ÷ `page_size`). Default 262,144 tokens. */
  readonly blocks: number;
  /** Tokens of a page, ≥ 1 (`page_size`). Default 1. */
  readonly blockTokens: number;
  /**
   * Prompt plus output at most, tokens (`context_length`); generation stops there. Infinity: only the pool bounds it,
   * less a page and a token. Default Infinity.
   */
  readonly maxModelTokens: number;
  /**
   * Requests that may wait, ≥ 1 (`max_queued_requests`); more are refused with 503. Infinity: no bound. Default
   * Infinity.
   */
  readonly maxWaiting: number;
  /** Whole pages stay cached by content after use and are shared (off: `disable_radix_cache`). Default true. */
  readonly prefixCache: boolean;
  /**
   * Who of the waiting is tried first (`schedule_policy`): `fifo`, first come (`fcfs` there), or `lpm`, longest cached
   * prefix. Default fifo.
   */
  readonly order: 'fifo' | 'lpm';
  /** Prompt tokens of one prefill pass at most, ≥ a page (`max_prefill_tokens`). Default 16,384. */
  readonly maxPrefillTokens: number;
  /**
   * Prompt tokens of one pass before a prompt is cut, a multiple of the page (`chunked_prefill_size`). Infinity:
   * prompts are never cut, and one larger than `maxPrefillTokens` is computed alone. Default 8,192, or the
   * next multiple below.
   */
  readonly chunkedPrefillTokens: number;
  /**
   * Output tokens reserved for one request at most, ≥ 1 (environment `SGLANG_CLIP_MAX_NEW_TOKENS_ESTIMATION`). It
   * bounds the reservation, not the output. Default 4,096.
   */
  readonly clipNewTokens: number;
  /**
   * Scales the share of remaining output that is reserved for running requests, > 0 (`schedule_conservativeness`).
   * Default 1.
   */
  readonly conservativeness: number;
  /**
   * What a prompt that is cut must have room for. `prompt`: all of it, its output and a page, as in SGLang. `chunk`:
   * its first chunk, and the output only with the last one, as in Dynamo's model. Default prompt.
   */
  readonly reservation: 'prompt' | 'chunk';
  /** Running requests decode in prefill passes too (`enable_mixed_chunk`); off, they pause. Default false. */
  readonly mixedChunk: boolean;
  /** How long a pass takes. Default affine. */
  readonly timing: TimingConfig;
}

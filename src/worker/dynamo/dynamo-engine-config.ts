/**
 * Settings of an engine that schedules as Dynamo's mocker does (`semantics: dynamo`), or as its TensorRT-LLM variant
 * (`trtllm`): the same core with other admission. In parentheses the mocker's own name of a setting; defaults are what
 * the scenario schema fills in. Source of names and defaults: ai-dynamo/dynamo, `lib/mocker`, July and August 2026.
 */
import type { TimingConfig } from '../timing/timing.ts';

export interface DynamoEngineConfig {
  readonly model: 'dynamo';
  /** `dynamo`: admit what fits now, preempt later. `trtllm`: admit what fits to its end, never preempt. */
  readonly semantics: 'dynamo' | 'trtllm';
  /** Sequences in the batch of a rank, ≥ 1; Infinity: no bound (`max_num_seqs`). Default 256. */
  readonly maxRunning: number;
  /** Tokens that a rank computes in one pass, ≥ 1; Infinity: no bound (`max_num_batched_tokens`). Default 8,192. */
  readonly maxBatchedTokens: number;
  /** KV blocks of each rank's pool, all usable, ≥ 1 (`num_gpu_blocks`). Default 16,384. */
  readonly blocks: number;
  /** Tokens a KV block holds, ≥ 2 (`block_size`). Default 64, for `trtllm` 32. */
  readonly blockTokens: number;
  /**
   * A prompt of so many tokens is refused, and generation stops there; Infinity: no limit. `dynamo` only
   * (`max_model_len`). Default none.
   */
  readonly maxModelTokens: number;
  /**
   * Requests that may wait, all ranks together, ≥ 1; more are refused with 503. Infinity: no bound, as in the mocker.
   * Default none.
   */
  readonly maxWaiting: number;
  /**
   * A prompt larger than the budget is computed over several passes (`enable_chunked_prefill`). Off, such a prompt is
   * refused; the mocker lets it block its queue for ever. Default true.
   */
  readonly chunkedPrefill: boolean;
  /** Full blocks stay cached by content and are shared (`enable_prefix_caching`). Default true. */
  readonly prefixCache: boolean;
  /** Who gives way when a running sequence finds no block: the last of the batch or the first (`preemption_mode`). */
  readonly preemption: 'lifo' | 'fifo';
  /** Data-parallel ranks, ≥ 1, each with a scheduler and a pool of its own, in lockstep (`dp_size`). Default 1. */
  readonly ranks: number;
  /** How long a pass takes; `dynamo` timing reproduces the mocker (`speedup_ratio`, `decode_speedup_ratio`). */
  readonly timing: TimingConfig;
}

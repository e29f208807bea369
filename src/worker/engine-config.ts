/** Settings of a simulated engine; names follow vLLM's where it has one. */

export interface EngineConfig {
  readonly model: 'engine';
  /** Sequences in the batch at most (`max_num_seqs`). */
  readonly maxRunning: number;
  /** Tokens computed in one iteration at most (`max_num_batched_tokens`). */
  readonly maxBatchedTokens: number;
  /** KV blocks of the pool. */
  readonly blocks: number;
  /** Tokens a KV block holds (`block_size`). */
  readonly blockTokens: number;
  /** Prompt plus output at most (`max_model_len`); generation stops there. Infinity: only the pool bounds it. */
  readonly maxModelTokens: number;
  /**
   * Requests that may wait in the engine, ≥ 1 (each waits for its first pass); more are refused with 503. Infinity:
   * no bound.
   */
  readonly maxWaiting: number;
  /**
   * A prompt larger than the budget is computed over several iterations. Off, such a prompt is refused, and generation
   * stops where a preempted request could no longer be computed again in one iteration.
   */
  readonly chunkedPrefill: boolean;
  /** Full blocks stay cached by content after use and are shared. */
  readonly prefixCache: boolean;
  /**
   * Duration of one iteration: baseUs + perTokenUs · tokens computed + perKvTokenUs · Σ context tokens of the
   * batch.
   */
  readonly step: { readonly baseUs: number; readonly perTokenUs: number; readonly perKvTokenUs: number };
}

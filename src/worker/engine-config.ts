/** Settings of a simulated engine; names follow vLLM's where it has one. */
import type { TimingConfig } from './timing/timing.ts';

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
   * Who is served first and preempted last (`--scheduling-policy`): `fcfs` by arrival, `priority` the more urgent, by
   * arrival among equals. Absent: fcfs.
   */
  readonly scheduling?: 'fcfs' | 'priority' | undefined;
  /**
   * Whom first come, first served preempts when KV blocks run out: the newest running sequence, as vLLM does, or the
   * oldest. Absent: newest. Scheduling by priority has its own rule.
   */
  readonly preemption?: 'newest' | 'oldest' | undefined;
  /**
   * Data-parallel ranks (`--data-parallel-size`), each with a scheduler, a batch and a pool of its own; every number
   * above holds for one rank. Absent: 1.
   */
  readonly ranks?: number | undefined;
  /**
   * Ranks begin and end their iterations together, at the pace of the slowest, as expert-parallel
   * mixture-of-experts models force them to. Absent: false.
   */
  readonly lockStep?: boolean | undefined;
  /** How long an iteration takes. */
  readonly timing: TimingConfig;
}

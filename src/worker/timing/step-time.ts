/**
 * How long one iteration of an engine takes, whatever the model behind it. A timing is a pure function of the work;
 * the engine multiplies by the slow-down in force and rounds to whole microseconds, at least one.
 */

/** What one iteration computes. Counts ≥ 0. */
export interface StepWork {
  /** Sequences with prompt tokens (or tokens recomputed after a preemption) in this iteration. */
  readonly prefillJobs: number;
  /** Tokens computed for them now. */
  readonly prefillTokens: number;
  /** Σ tokens of theirs whose KV existed before: cached prefix and earlier chunks. */
  readonly prefillContextTokens: number;
  /** Sequences that compute one token and yield one. */
  readonly decodeJobs: number;
  /** Σ context of those, the token computed now included. */
  readonly decodeKvTokens: number;
}

export interface StepTime {
  /** Microseconds of one iteration, not rounded. */
  us(work: StepWork): number;
  /** The same for an iteration that only decodes: `jobs` sequences with `kvTokens` context tokens in all. */
  decodeUs(jobs: number, kvTokens: number): number;
}

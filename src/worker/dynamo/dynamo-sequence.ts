/** A job inside a rank: how far it is computed, what it does in the pass that runs, which KV blocks it holds. */
import type { JobInit, JobView } from '../worker.ts';
import type { BlockCopy } from './block-pool.ts';
import type { BlockIdentity } from './block-identity.ts';

export class DynamoSequence<Owner> implements JobView<Owner> {
  readonly init: JobInit<Owner>;
  /** Index of the rank it was given to, for good. */
  readonly rank: number;
  /** Tokens to generate: the job's, less what model length or pool forbid. */
  readonly outputLimit: number;
  readonly identity: BlockIdentity;
  generated = 0;
  computedTokens = 0;
  recomputedTokens = 0;
  cachedTokens = 0;
  tokenHash = 0;

  /** `preempted` waits like `waiting`, in front. */
  status: 'waiting' | 'running' | 'preempted' = 'waiting';
  admitted = false;
  /** Given up while a pass runs: it leaves at the end of the pass. */
  cancelled = false;
  /** Tokens whose KV exists. */
  computed = 0;
  /** Tokens that the pass that runs adds to them. */
  scheduled = 0;
  /** Blocks held, in order. */
  blocks: BlockCopy[] = [];
  /** Announced instant of its last token, or -1. */
  lastTokenAt = -1;
  /** Most tokens ever computed at once: what is computed below it is computed again. */
  #computedPeak = 0;

  constructor(init: JobInit<Owner>, rank: number, outputLimit: number, identity: BlockIdentity) {
    this.init = init;
    this.rank = rank;
    this.outputLimit = outputLimit;
    this.identity = identity;
  }

  /** Prompt and generated tokens. */
  get known(): number {
    return this.init.promptTokens + this.generated;
  }

  /** The pass that runs computes the last of its known tokens. */
  get reached(): boolean {
    return this.computed + this.scheduled === this.known;
  }

  /** The pass that runs yields a token of it. */
  get ready(): boolean {
    return this.reached && this.generated < this.outputLimit;
  }

  /** Counts `tokens` more as computed; answers how many of them had been before. */
  book(tokens: number): number {
    const again = Math.min(tokens, Math.max(0, this.#computedPeak - this.computed));
    this.computed += tokens;
    this.computedTokens += tokens;
    this.recomputedTokens += again;
    if (this.computed > this.#computedPeak) this.#computedPeak = this.computed;
    return again;
  }
}

/**
 * A job inside the engine: how far it is computed, which KV blocks it holds, when its tokens came.
 *
 * A sequence that decodes gets one token in every pass, like all others that do. Its counts are then functions of the
 * number of passes (`decoders.ts`), and nobody touches it until it leaves them.
 */
import type { Decoders } from './decoders.ts';
import type { Run } from './kv-run.ts';
import type { PromptHold } from './prompt-hold.ts';
import type { JobInit, JobView } from './worker.ts';

export class Sequence<Owner> implements JobView<Owner> {
  readonly init: JobInit<Owner>;
  /** Number of its arrival at the engine. */
  readonly order: number;
  readonly promptTokens: number;
  /** Tokens to generate: the job's, less what the model length forbids. */
  readonly outputLimit: number;
  /** What it holds of content that others may share; undefined: its content is its own. */
  readonly prompt: PromptHold | undefined;
  readonly #decoders: Decoders;

  recomputedTokens = 0;
  cachedTokens = 0;
  admitted = false;
  /** Full private blocks that a preemption left behind, while they may be resident. */
  parked: Run | undefined = undefined;
  /** Most tokens ever computed at once, for counting recomputation. */
  computedPeak = 0;
  /** Tokens scheduled in the pass that runs now; a decoding sequence has one in each, unsaid. */
  scheduled = 0;
  /** Given up while a pass runs: it leaves at the end of the pass. */
  cancelled = false;
  /** It waits, and its neighbours in the queue. */
  waiting = false;
  ahead: Sequence<Owner> | undefined = undefined;
  behind: Sequence<Owner> | undefined = undefined;

  decoding = false;
  /** While it decodes: passes so far, less tokens generated. */
  passOffset = 0;
  /** Running sum of hashed instants at the moment it began to decode. */
  hashFrom = 0;
  /** These four count what came before it decoded, or all when it does not. */
  tokens = 0;
  tokensComputed = 0;
  work = 0;
  hash = 0;
  lastAt = -Infinity;

  constructor(
    init: JobInit<Owner>,
    order: number,
    outputLimit: number,
    prompt: PromptHold | undefined,
    decoders: Decoders,
  ) {
    this.init = init;
    this.order = order;
    this.promptTokens = init.promptTokens;
    this.outputLimit = outputLimit;
    this.prompt = prompt;
    this.#decoders = decoders;
  }

  get generated(): number {
    return this.decoding ? this.#decoders.passes - this.passOffset : this.tokens;
  }

  /** Prompt and generated tokens. */
  get known(): number {
    return this.promptTokens + this.generated;
  }

  /** Tokens whose KV is computed. The last token of a decoding sequence is computed by the next pass. */
  get computed(): number {
    return this.decoding ? this.known - 1 : this.tokensComputed;
  }

  get computedTokens(): number {
    return this.decoding ? this.work + this.generated - this.tokens : this.work;
  }

  get tokenHash(): number {
    return this.hash;
  }

  /** Number of the pass that ends it, while it decodes. */
  get lastPass(): number {
    return this.passOffset + this.outputLimit;
  }

  /** Every known token but the last is computed, so that the next pass yields one more. */
  get ready(): boolean {
    return this.computed === this.known - 1 && this.generated > 0;
  }
}

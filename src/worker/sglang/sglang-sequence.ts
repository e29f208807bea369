/**
 * A job inside the engine. While it decodes it keeps no count of its own: whoever is in the decode batch gets one token
 * in every decode pass, so its tokens are what it had when it joined and the passes since. When it leaves, the passes
 * are written down.
 */
import type { JobInit, JobView } from '../worker.ts';
import type { RadixNode } from './radix-node.ts';
import { TokenContent } from './token-content.ts';

/** Counts decode passes that ended. */
export interface DecodeClock {
  readonly passes: number;
}

const STOPPED: DecodeClock = { passes: 0 };

export class SglangSequence<Owner> implements JobView<Owner> {
  readonly init: JobInit<Owner>;
  /** Tokens to generate: the job's, less what pool and model length forbid. */
  readonly outputLimit: number;
  readonly content: TokenContent;
  recomputedTokens = 0;
  cachedTokens = 0;

  /** End of the path that it locks: its cached prefix. Undefined while it waits, and when it is gone. */
  node: RadixNode | undefined = undefined;
  /** Prompt tokens (or tokens computed again) that the pass running now computes. */
  scheduled = 0;
  admitted = false;
  /** Given up while a pass runs: it leaves at the end of the pass. */
  cancelled = false;
  /** Instant of its last token before it joined the decode batch; -1 before the first. */
  lastTokenAt = -1;
  /** Sort key of the longest-prefix order. */
  rank = 0;

  #generated = 0;
  #computed = 0;
  #computedTokens = 0;
  /** Most tokens ever computed at once. */
  #computedPeak = 0;
  #tokenHash = 0;
  #clock = STOPPED;
  #joinedPass = 0;

  /** `uid` is unique in this engine. */
  constructor(init: JobInit<Owner>, uid: number, outputLimit: number) {
    this.init = init;
    this.outputLimit = outputLimit;
    this.content = new TokenContent(init, uid);
  }

  get generated(): number {
    return this.#generated + this.#decoded;
  }

  get computedTokens(): number {
    return this.#computedTokens + this.#decoded;
  }

  get tokenHash(): number {
    return this.#tokenHash | 0;
  }

  /** Tokens whose KV is computed. */
  get computed(): number {
    return this.#computed + this.#decoded;
  }

  /** Prompt and generated tokens. */
  get known(): number {
    return this.init.promptTokens + this.generated;
  }

  /** Tokens still to be generated. */
  get remaining(): number {
    return this.outputLimit - this.generated;
  }

  /** Decode passes that had ended when it joined the batch. */
  get joinedPass(): number {
    return this.#joinedPass;
  }

  /** Decode passes that will have ended when it has all its tokens; while it is in the batch. */
  get finishPass(): number {
    return this.#joinedPass + this.outputLimit - this.#generated;
  }

  /** Starts at `tokens`, found in the cache. */
  start(tokens: number): void {
    this.#computed = tokens;
    if (this.admitted) return;
    this.admitted = true;
    this.cachedTokens = tokens;
  }

  /** Books what the pass computes of it; answers how many of those tokens had been computed before. */
  book(): number {
    const again = Math.max(0, Math.min(this.#computedPeak - this.#computed, this.scheduled));
    this.recomputedTokens += again;
    this.#computed += this.scheduled;
    this.#computedTokens += this.scheduled;
    this.scheduled = 0;
    return again;
  }

  /** Gets the token that follows its prompt, or follows what was computed again. `hash` is that of the instant. */
  yieldAt(now: number, hash: number): void {
    this.#generated++;
    this.#tokenHash += hash;
    this.lastTokenAt = now;
  }

  /** Is in the decode batch from now on. `hash` is the clock's sum of hashed instants. */
  join(clock: DecodeClock, hash: number): void {
    this.#clock = clock;
    this.#joinedPass = clock.passes;
    this.#tokenHash -= hash;
  }

  /**
   * Is out of the decode batch; `inPass` tokens are computed that it does not get. `hash` is the clock's sum of hashed
   * instants.
   */
  leave(inPass: 0 | 1, hash: number): void {
    const decoded = this.#decoded;
    this.#generated += decoded;
    this.#computed += decoded + inPass;
    this.#computedTokens += decoded + inPass;
    this.#tokenHash = (this.#tokenHash + hash) | 0;
    this.#clock = STOPPED;
    this.#joinedPass = 0;
  }

  /** Loses its KV. */
  lose(): void {
    this.#computedPeak = Math.max(this.#computedPeak, this.#computed);
    this.#computed = 0;
    this.node = undefined;
  }

  get #decoded(): number {
    return this.#clock.passes - this.#joinedPass;
  }
}

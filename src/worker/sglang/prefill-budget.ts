/**
 * What one prefill pass may still take: prompt tokens to compute, and tokens of the pool. Of the pool, room is kept for
 * what running requests are expected to generate, and for prompt and output of everyone admitted before in this pass.
 * Compute is charged by whole pages.
 *
 * Facts: sgl-project/sglang, `managers/schedule_policy.py` (PrefillAdder).
 */
import type { SglangConfig } from './sglang-config.ts';

export class PrefillBudget {
  readonly #config: SglangConfig;
  #computeLeft: number;
  #reserved: number;

  /**
   * `mixedJobs` running requests decode in this pass; `reserved` tokens of the pool are spoken for, a fraction counts.
   */
  constructor(config: SglangConfig, mixedJobs: number, reserved: number) {
    this.#config = config;
    this.#computeLeft = Math.min(config.maxPrefillTokens, config.chunkedPrefillTokens) - mixedJobs;
    this.#reserved = reserved;
  }

  /** Tokens of the pool that are spoken for. */
  get reserved(): number {
    return this.#reserved;
  }

  /**
   * Tokens computed in this pass for one that has `left` > 0 to compute: all, whole pages of them, or 0. `alone`:
   * nothing else is in the pass.
   */
  chunk(left: number, alone: boolean): number {
    const { blockTokens, chunkedPrefillTokens } = this.#config;
    const uncut = chunkedPrefillTokens === Infinity;
    if (this.#paged(left) <= this.#computeLeft || (uncut && alone)) return left;
    return uncut ? 0 : Math.max(0, Math.floor(this.#computeLeft / blockTokens) * blockTokens);
  }

  /** Tokens of the pool that must be exceeded by what is left, for one that computes `chunk` of `left` now. */
  need(left: number, chunk: number, newTokens: number): number {
    const { reservation, blockTokens } = this.#config;
    if (reservation === 'prompt') return left + newTokens + blockTokens;
    return this.#paged(chunk) + (chunk === left ? newTokens : 0);
  }

  charge(left: number, chunk: number, newTokens: number): void {
    const tokens = this.#paged(chunk);
    this.#computeLeft -= tokens;
    this.#reserved += tokens + (chunk === left ? newTokens : 0);
    if (this.#config.reservation === 'prompt') this.#reserved += this.#config.blockTokens;
  }

  #paged(tokens: number): number {
    const { blockTokens } = this.#config;
    return Math.ceil(tokens / blockTokens) * blockTokens;
  }
}

/**
 * Affine timing: base + perToken · tokens computed + perKvToken · Σ context tokens, a mixed batch in one step.
 *
 * Attention kernels read the context of decoding sequences faster when nothing else is in the batch (in the kernel
 * tables of casys-kaist/LLMServingSim@5daddb21 by 1.7 to 2.8 times), so that an iteration with prompt tokens may have a
 * rate of its own.
 */
import type { StepTime, StepWork } from './step-time.ts';

export interface AffineTimingConfig {
  readonly kind: 'affine';
  /** Microseconds of every iteration. */
  readonly baseUs: number;
  /** Microseconds per token computed, prompt or output. */
  readonly perTokenUs: number;
  /** Microseconds per context token of the batch, tokens computed now included. */
  readonly perKvTokenUs: number;
  /** The same in an iteration that computes prompt tokens; undefined: perKvTokenUs there too. */
  readonly perMixedKvTokenUs?: number | undefined;
}

export class AffineTiming implements StepTime {
  readonly #config: AffineTimingConfig;
  readonly #perMixedKvTokenUs: number;

  constructor(config: AffineTimingConfig) {
    this.#config = config;
    this.#perMixedKvTokenUs = config.perMixedKvTokenUs ?? config.perKvTokenUs;
  }

  us(work: StepWork): number {
    const { baseUs, perTokenUs, perKvTokenUs } = this.#config;
    const tokens = work.prefillTokens + work.decodeJobs;
    const kvTokens = work.prefillContextTokens + work.prefillTokens + work.decodeKvTokens;
    const perKvUs = work.prefillTokens > 0 ? this.#perMixedKvTokenUs : perKvTokenUs;
    return baseUs + perTokenUs * tokens + perKvUs * kvTokens;
  }

  decodeUs(jobs: number, kvTokens: number): number {
    const { baseUs, perTokenUs, perKvTokenUs } = this.#config;
    return baseUs + perTokenUs * jobs + perKvTokenUs * kvTokens;
  }
}

/**
 * Timing of Dynamo's mocker: two polynomials, one in the prompt tokens of a pass, one in the share of the KV pool
 * that the decoding sequences fill. A mixed pass is their sum; batch size and context of a prompt cost nothing. Kept
 * as it is, to reproduce figures published with it (facts: ai-dynamo/dynamo, `lib/mocker`, July 2026); not fitted to
 * hardware.
 */
import type { StepTime, StepWork } from './step-time.ts';

export interface DynamoTimingConfig {
  readonly kind: 'dynamo';
  /** Divides every pass, > 0. */
  readonly speedup: number;
  /** Divides the decode part once more, > 0. */
  readonly decodeSpeedup: number;
  /** Tokens that the KV pool holds, ≥ 1: what the decoding sequences' share is a share of. */
  readonly poolTokens: number;
}

/** Microseconds of a pass with `tokens` ≥ 0 prompt tokens; none cost nothing. */
export function dynamoPrefillUs(tokens: number): number {
  if (tokens <= 0) return 0;
  return 1000 * (4.209989e-7 * tokens * tokens + 1.518344e-2 * tokens + 16.50142);
}

/** Microseconds of a pass that decodes, by the share of the pool in use (above 1 counts as 1); 1 ms at least. */
export function dynamoDecodeUs(activeRatio: number): number {
  const ratio = Math.min(1, activeRatio);
  return 1000 * Math.max(1, -25.74 * ratio * ratio + 54.01 * ratio + 5.74);
}

export class DynamoTiming implements StepTime {
  readonly #config: DynamoTimingConfig;

  constructor(config: DynamoTimingConfig) {
    this.#config = config;
  }

  /** Prompt lengths and prefixes enter as whole-number means, which may lose a few tokens a sequence: theirs does. */
  us(work: StepWork): number {
    const { prefillJobs: jobs, prefillTokens, prefillContextTokens, decodeJobs, decodeKvTokens } = work;
    let prefillUs = 0;
    if (jobs > 0) {
      const length = Math.floor((prefillContextTokens + prefillTokens) / jobs);
      prefillUs = dynamoPrefillUs(jobs * (length - Math.floor(prefillContextTokens / jobs)));
    }
    return prefillUs / this.#config.speedup + this.decodeUs(decodeJobs, decodeKvTokens);
  }

  decodeUs(jobs: number, kvTokens: number): number {
    if (jobs === 0) return 0;
    const { speedup, decodeSpeedup, poolTokens } = this.#config;
    return dynamoDecodeUs(kvTokens / poolTokens) / (speedup * decodeSpeedup);
  }
}

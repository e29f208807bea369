/**
 * Timing read from measured tables. A prompt pass costs a floor (the weights are read whatever it computes) and, from
 * there on, straight lines between knots. A pass that decodes is read off a grid over batch and context, bilinear
 * between its points. A mixed pass is one pass: what all its tokens share (weights, matrix products) is paid once, by
 * the dearer of the two sides, and reading the decoding sequences' context comes on top.
 *
 * Mixture-of-experts models read more weights as more experts are hit, so their batch term is concave: with `total`
 * experts of which a token uses `perToken`, tokens that choose evenly and on their own hit total · (1 − (1 − perToken
 * ÷ total)^tokens) of them.
 *
 * Outside its points a table goes on along its last segment, below them along its first one for context; a batch or a
 * pass smaller than the smallest measured costs what that one does.
 */
import { assert } from '../../kernel/assert.ts';
import type { StepTime, StepWork } from './step-time.ts';

/** Expert weights read by a pass. */
export interface ExpertTerm {
  /** Experts of a layer, and how many each token uses. */
  readonly total: number;
  readonly perToken: number;
  /** Microseconds to read all of them, in all layers. */
  readonly us: number;
}

export interface TableTimingConfig {
  readonly kind: 'table';
  readonly prefill: {
    /** Microseconds of a prompt pass at least. */
    readonly floorUs: number;
    /** [tokens, microseconds], ascending in both, one at least. */
    readonly knots: readonly (readonly [number, number])[];
    /** Microseconds per token of context that the prompts of the pass have already. */
    readonly perContextTokenUs: number;
  };
  readonly decode: {
    /** Sequences in the batch, ascending, one value at least. */
    readonly jobs: readonly number[];
    /** Σ context tokens, ascending, one value at least. */
    readonly kvTokens: readonly number[];
    /** Microseconds: a row for each of `jobs`, a column for each of `kvTokens`. */
    readonly us: readonly (readonly number[])[];
  };
  /** Undefined: a dense model. */
  readonly experts?: ExpertTerm | undefined;
}

export class TableTiming implements StepTime {
  readonly #config: TableTimingConfig;
  readonly #knotTokens: readonly number[];
  readonly #knotUs: readonly number[];

  constructor(config: TableTimingConfig) {
    const { prefill, decode } = config;
    assert(prefill.knots.length > 0 && decode.jobs.length > 0 && decode.kvTokens.length > 0, 'a timing table is empty');
    assert(decode.us.length === decode.jobs.length, 'a timing grid has another number of rows than batches');
    for (const row of decode.us) {
      assert(row.length === decode.kvTokens.length, 'a timing grid has a row of another length than its contexts');
    }
    this.#config = config;
    this.#knotTokens = prefill.knots.map(([tokens]) => tokens);
    this.#knotUs = prefill.knots.map(([, us]) => us);
  }

  us(work: StepWork): number {
    const { prefillTokens, decodeJobs: jobs, decodeKvTokens } = work;
    const contextUs = this.#config.prefill.perContextTokenUs * work.prefillContextTokens;
    if (prefillTokens === 0) return contextUs + this.decodeUs(jobs, decodeKvTokens);
    const tokens = prefillTokens + jobs;
    const promptUs = this.#prefillUs(tokens);
    const expertsUs = this.#expertsUs(tokens);
    if (jobs === 0) return promptUs + contextUs + expertsUs;
    const bareUs = this.#gridUs(jobs, 0);
    return Math.max(promptUs, bareUs) + contextUs + (this.#gridUs(jobs, decodeKvTokens) - bareUs) + expertsUs;
  }

  decodeUs(jobs: number, kvTokens: number): number {
    if (jobs === 0) return 0;
    return this.#gridUs(jobs, kvTokens) + this.#expertsUs(jobs);
  }

  #prefillUs(tokens: number): number {
    const at = Math.max(tokens, this.#knotTokens[0] as number);
    return Math.max(this.#config.prefill.floorUs, along(this.#knotTokens, this.#knotUs, at));
  }

  /** Never negative: a grid that falls steeply may say so below its first context. */
  #gridUs(jobs: number, kvTokens: number): number {
    const { decode } = this.#config;
    const batches = decode.jobs;
    const at = Math.max(jobs, batches[0] as number);
    const row = segmentOf(batches, at);
    const low = along(decode.kvTokens, decode.us[row] as readonly number[], kvTokens);
    if (batches.length === 1) return Math.max(0, low);
    const high = along(decode.kvTokens, decode.us[row + 1] as readonly number[], kvTokens);
    const from = batches[row] as number;
    return Math.max(0, low + ((high - low) * (at - from)) / ((batches[row + 1] as number) - from));
  }

  #expertsUs(tokens: number): number {
    const experts = this.#config.experts;
    if (experts === undefined) return 0;
    return experts.us * (1 - (1 - experts.perToken / experts.total) ** tokens);
  }
}

/** The value at `x` of the straight lines through (xs, ys), the first and the last one prolonged. */
function along(xs: readonly number[], ys: readonly number[], x: number): number {
  if (xs.length === 1) return ys[0] as number;
  const i = segmentOf(xs, x);
  const from = xs[i] as number;
  const y = ys[i] as number;
  return y + (((ys[i + 1] as number) - y) * (x - from)) / ((xs[i + 1] as number) - from);
}

/** Index of the segment that `x` is in or, outside, nearest to; 0 for a single point. */
function segmentOf(xs: readonly number[], x: number): number {
  let i = 0;
  while (i < xs.length - 2 && x >= (xs[i + 1] as number)) i++;
  return i;
}

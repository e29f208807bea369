/**
 * The sequences of an engine that get a token in every pass. Because all of them do, the engine keeps them as sums: how
 * many there are, how much context they have, and how many need a new KV block in which pass. A pass then costs a few
 * additions however many sequences decode; each one's own numbers are differences to what the sums were when
 * it joined.
 *
 * So it is with the instants of tokens: the engine keeps one running sum of hashed pass ends, and a sequence's
 * token-time hash is the difference between two readings of it.
 */
import { mix32 } from '../kernel/rng.ts';
import type { Sequence } from './sequence.ts';

export class Decoders {
  /** Passes of the engine that have ended. */
  passes = 0;
  /** End of the last one; -Infinity: none has. */
  endedAt = -Infinity;
  /** Sequences that decode. */
  jobs = 0;
  /** Σ known tokens of theirs: the context that the next pass reads. */
  contextTokens = 0;
  /** Sequences by the pass, modulo the block size, for which they need a new block. */
  readonly needs: Int32Array;
  /** Sum of the hashed ends of all passes. */
  #hash = 0;
  readonly #blockTokens: number;

  constructor(blockTokens: number) {
    this.#blockTokens = blockTokens;
    this.needs = new Int32Array(blockTokens);
  }

  /** New blocks that the pass after `ahead` more passes needs. */
  blocksNeeded(ahead: number): number {
    return this.needs[(this.passes + ahead) % this.#blockTokens] as number;
  }

  /** A pass has ended in which each of them got a token. */
  passed(endAt: number): void {
    this.passes++;
    this.endedAt = endAt;
    this.contextTokens += this.jobs;
    this.#hash = (this.#hash + hashInstant(endAt)) | 0;
  }

  /** The same of the passes that ended at `ends[from]` … `ends[to − 1]`. */
  passedAll(ends: Float64Array, from: number, to: number): void {
    let hash = this.#hash;
    for (let pass = from; pass < to; pass++) hash = (hash + hashInstant(ends[pass] as number)) | 0;
    this.#hash = hash;
    this.passes += to - from;
    this.contextTokens += (to - from) * this.jobs;
    this.endedAt = ends[to - 1] as number;
  }

  /** `sequence` got a token in the pass that ended just now, and will get one in the next. */
  join<Owner>(sequence: Sequence<Owner>): void {
    this.#noteToken(sequence);
    sequence.hashFrom = this.#hash;
    sequence.passOffset = this.passes - sequence.tokens;
    sequence.decoding = true;
    this.jobs++;
    this.contextTokens += sequence.known;
    (this.needs[this.#needOf(sequence)] as number)++;
  }

  /** `sequence` got its one token and will get no other. */
  single<Owner>(sequence: Sequence<Owner>): void {
    this.#noteToken(sequence);
  }

  /** `sequence` got its first token elsewhere, at `at`. */
  adopt<Owner>(sequence: Sequence<Owner>, at: number): void {
    sequence.tokens = 1;
    sequence.lastAt = at;
    sequence.hash = hashInstant(at);
  }

  /** `sequence` gets no token in the next pass. */
  leave<Owner>(sequence: Sequence<Owner>): void {
    (this.needs[this.#needOf(sequence)] as number)--;
    this.jobs--;
    this.contextTokens -= sequence.known;
    const { generated, computed, computedTokens } = sequence;
    sequence.tokens = generated;
    sequence.tokensComputed = computed;
    sequence.work = computedTokens;
    sequence.hash = (sequence.hash + this.#hash - sequence.hashFrom) | 0;
    sequence.lastAt = this.endedAt;
    sequence.decoding = false;
  }

  #noteToken<Owner>(sequence: Sequence<Owner>): void {
    sequence.tokens++;
    sequence.lastAt = this.endedAt;
    sequence.hash = (sequence.hash + hashInstant(this.endedAt)) | 0;
  }

  /** A pass needs a block for a sequence whose computed tokens fill its blocks. */
  #needOf<Owner>(sequence: Sequence<Owner>): number {
    const toFill = (this.#blockTokens - (sequence.computed % this.#blockTokens)) % this.#blockTokens;
    return (this.passes + toFill) % this.#blockTokens;
  }
}

/** What the instant of one token adds to the hash of its sequence. */
export function hashInstant(at: number): number {
  return mix32((at | 0) ^ mix32(Math.floor(at / 0x1_0000_0000)));
}

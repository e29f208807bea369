/** One attempt on a disaggregated worker: where it is, and what its two halves show of it. */
import type { Engine } from '../engine.ts';
import type { JobInit, JobView } from '../worker.ts';
import { hashInstant } from '../decoders.ts';
import type { DecodeSide } from './decode-side.ts';
import type { Transfer } from './kv-link.ts';

/**
 * `prefill`: in an engine that computes its prompt. `asking`: for blocks of a decode engine. `link`: on the link or
 * in line for it. `landed`: its KV is there, and it waits for a place in the batch. `decode`: in that batch.
 */
export type PairPhase = 'prefill' | 'asking' | 'link' | 'landed' | 'decode';

export class PairJob<Owner> implements JobView<Owner>, Transfer {
  readonly init: JobInit<Owner>;
  readonly source: Engine<PairJob<Owner>>;
  /** Tokens it generates in all. */
  readonly limit: number;
  phase: PairPhase = 'prefill';
  /** Chosen when its prompt is computed. */
  target: DecodeSide<Owner> | undefined = undefined;
  /** When its client was shown the first token, or -1. */
  firstTokenAt = -1;
  /** Its transfer fails then. */
  deadlineAt = Infinity;
  bytes = 0;
  endsAfter = 0;
  arrivesAt = 0;
  /** What the engines show of it, once they do. */
  prefilled: JobView<PairJob<Owner>> | undefined = undefined;
  decoded: JobView<PairJob<Owner>> | undefined = undefined;

  constructor(init: JobInit<Owner>, source: Engine<PairJob<Owner>>, limit: number) {
    this.init = init;
    this.source = source;
    this.limit = limit;
  }

  /** It needs no other engine than the one that computes its prompt. */
  get isShort(): boolean {
    return this.limit <= 1;
  }

  get generated(): number {
    return this.decoded?.generated ?? this.prefilled?.generated ?? 0;
  }

  get computedTokens(): number {
    return (this.prefilled?.computedTokens ?? 0) + (this.decoded?.computedTokens ?? 0);
  }

  get recomputedTokens(): number {
    return (this.prefilled?.recomputedTokens ?? 0) + (this.decoded?.recomputedTokens ?? 0);
  }

  get cachedTokens(): number {
    return this.prefilled?.cachedTokens ?? 0;
  }

  get tokenHash(): number {
    return this.decoded?.tokenHash ?? (this.firstTokenAt < 0 ? 0 : hashInstant(this.firstTokenAt) | 0);
  }

  /** The job of its prompt: one token ends it, and its KV stays. */
  get prefillJob(): JobInit<PairJob<Owner>> {
    return { ...this.init, owner: this, outputTokens: Math.min(1, this.limit), keepsKv: true };
  }

  get decodeJob(): JobInit<PairJob<Owner>> {
    return { ...this.init, owner: this, outputTokens: this.limit };
  }
}

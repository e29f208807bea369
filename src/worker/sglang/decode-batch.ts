/**
 * The requests that decode, in order of joining. Each gets one token in every decode pass, so a pass changes counters
 * only, whatever the size of the batch: its context grows by its size, and who needs a page in which pass is known from
 * how full each last page was at the start. Members are visited when one joins, ends or leaves.
 */
import { assert } from '../../kernel/assert.ts';
import { mix32 } from '../../kernel/rng.ts';
import type { TokenObserver } from '../worker.ts';
import type { SglangSequence } from './sglang-sequence.ts';

/** Hash of an instant; a job's token hash is the sum over its tokens. */
export function hashInstant(at: number): number {
  return mix32((at | 0) ^ mix32(Math.floor(at / 0x1_0000_0000)));
}

export class DecodeBatch<Owner> {
  readonly members: SglangSequence<Owner>[] = [];
  readonly #observer: TokenObserver;
  /** Members by computed tokens less passes, modulo the page: their last page fills up in the same passes. */
  readonly #phases: Int32Array;
  #passes = 0;
  #kvTokens = 0;
  /** Passes that will have ended when the next member has all its tokens; Infinity without members. */
  #nextFinish = Infinity;
  #lastPassAt = -1;
  /** Sum of the hashed ends of all decode passes. */
  #hash = 0;

  constructor(pageTokens: number, observer: TokenObserver) {
    this.#phases = new Int32Array(pageTokens);
    this.#observer = observer;
  }

  get size(): number {
    return this.members.length;
  }

  /** Decode passes that ended. */
  get passes(): number {
    return this.#passes;
  }

  /** Σ computed tokens of the members. */
  get kvTokens(): number {
    return this.#kvTokens;
  }

  /** Passes until the next member has all its tokens. */
  get passesLeft(): number {
    return this.#nextFinish - this.#passes;
  }

  /** Pages that decode pass number `ahead` from here needs, the next one being 0. */
  pagesNeeded(ahead: number): number {
    const pageTokens = this.#phases.length;
    const filled = (this.#passes + ahead) % pageTokens;
    return this.#phases[filled === 0 ? 0 : pageTokens - filled] as number;
  }

  /** Σ remaining output of the members, each counted up to `clip`. */
  remainingTokens(clip: number): number {
    let tokens = 0;
    for (const member of this.members) tokens += Math.min(member.remaining, clip);
    return tokens;
  }

  join(sequence: SglangSequence<Owner>): void {
    assert(sequence.remaining > 0, 'a request that has all its tokens joins the decode batch');
    sequence.join(this, this.#hash);
    this.members.push(sequence);
    this.#kvTokens += sequence.computed;
    (this.#phases[this.#phaseOf(sequence)] as number)++;
    this.#nextFinish = Math.min(this.#nextFinish, sequence.finishPass);
  }

  /** Takes a member out, which computes `inPass` tokens in the pass that runs and will not get them. */
  remove(sequence: SglangSequence<Owner>, inPass: 0 | 1): void {
    const at = this.members.indexOf(sequence);
    assert(at >= 0, 'a request that is not in the decode batch leaves it');
    this.members.splice(at, 1);
    const finishPass = sequence.finishPass;
    this.#forget(sequence, inPass);
    if (finishPass === this.#nextFinish) this.#findNextFinish();
  }

  /**
   * The first of those with the fewest tokens generated (SGLang takes the one with the longest prompt among them, and
   * the last of several).
   */
  fewestGenerated(): SglangSequence<Owner> {
    let found = this.members[0] as SglangSequence<Owner>;
    for (const member of this.members) if (member.generated < found.generated) found = member;
    return found;
  }

  /** Every member gets a token. */
  endPass(now: number): void {
    const fresh = this.#reportFresh(now);
    if (this.size > fresh) this.#observer.tokenGaps(now - this.#lastPassAt, this.size - fresh);
    this.#passes++;
    this.#kvTokens += this.size;
    this.#hash = (this.#hash + hashInstant(now)) | 0;
    this.#lastPassAt = now;
  }

  /** Takes out, in order of joining, those that have all their tokens. */
  takeFinished(): SglangSequence<Owner>[] {
    if (this.#nextFinish > this.#passes) return [];
    const finished: SglangSequence<Owner>[] = [];
    let kept = 0;
    for (const member of this.members) {
      if (member.finishPass > this.#passes) this.members[kept++] = member;
      else finished.push(member);
    }
    this.members.length = kept;
    for (const member of finished) this.#forget(member, 0);
    this.#findNextFinish();
    return finished;
  }

  /** Takes everyone out; their views are final. */
  clear(): void {
    for (const member of this.members) this.#forget(member, 0);
    this.members.length = 0;
    this.#nextFinish = Infinity;
  }

  checkInvariants(): void {
    const phases = new Int32Array(this.#phases.length);
    let kvTokens = 0;
    let nextFinish = Infinity;
    for (const member of this.members) {
      assert(member.computed === member.known - 1, 'a request decodes whose known tokens are not computed');
      assert(member.remaining > 0 && member.generated > 0, 'a request decodes that has no token yet, or all');
      kvTokens += member.computed;
      nextFinish = Math.min(nextFinish, member.finishPass);
      (phases[this.#phaseOf(member)] as number)++;
    }
    assert(kvTokens === this.#kvTokens && nextFinish === this.#nextFinish, 'the decode batch miscounts its members');
    assert(phases.every((count, i) => count === this.#phases[i]), 'the decode batch miscounts its pages');
  }

  /** Gaps of those that joined since the last pass, the last members; answers how many. */
  #reportFresh(now: number): number {
    let fresh = 0;
    let gap = -1;
    let jobs = 0;
    for (let i = this.size - 1; i >= 0; i--) {
      const member = this.members[i] as SglangSequence<Owner>;
      if (member.joinedPass < this.#passes) break;
      fresh++;
      if (now - member.lastTokenAt !== gap && jobs > 0) {
        this.#observer.tokenGaps(gap, jobs);
        jobs = 0;
      }
      gap = now - member.lastTokenAt;
      jobs++;
    }
    if (jobs > 0) this.#observer.tokenGaps(gap, jobs);
    return fresh;
  }

  #forget(sequence: SglangSequence<Owner>, inPass: 0 | 1): void {
    this.#kvTokens -= sequence.computed;
    (this.#phases[this.#phaseOf(sequence)] as number)--;
    if (sequence.joinedPass < this.#passes) sequence.lastTokenAt = this.#lastPassAt;
    sequence.leave(inPass, this.#hash);
  }

  #findNextFinish(): void {
    this.#nextFinish = Infinity;
    for (const member of this.members) this.#nextFinish = Math.min(this.#nextFinish, member.finishPass);
  }

  #phaseOf(sequence: SglangSequence<Owner>): number {
    const pageTokens = this.#phases.length;
    const filled = (sequence.computed - this.#passes) % pageTokens;
    return filled < 0 ? filled + pageTokens : filled;
  }
}

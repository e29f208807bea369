/**
 * A planned stretch of passes in which the batch cannot change: no sequence ends or finds no block, and nothing waiting
 * can be admitted. Either every running sequence decodes (a head of the queue that does not fit now fits less with
 * every block the batch takes), or a prompt too large for one pass takes all of the budget that the decoding leave.
 * Such a stretch needs no event per pass. The plan holds each pass's end, found with the very arithmetic that single
 * steps use, so a run that skips passes has the token times of one that steps through them, to the bit.
 */
import type { Decoders } from './decoders.ts';
import type { Pass, Scheduler } from './scheduler.ts';
import type { Sequence } from './sequence.ts';
import type { StepTime } from './timing/step-time.ts';

/** Passes planned at most: bounds the work thrown away when an arrival cuts a plan short. */
const PASSES_MAX = 256;

export class PassPlan {
  /** By pass: its end, and KV blocks in use while it runs. */
  readonly ends = new Float64Array(PASSES_MAX);
  readonly used = new Int32Array(PASSES_MAX);
  passes = 0;
  /** Passes that are over and booked. */
  done = 0;
  /** Begin of pass number `done`. */
  startAt = -Infinity;
  /** Prompt tokens of the last running sequence that each pass computes; 0: every pass decodes only. */
  chunk = 0;
  readonly #timing: StepTime;
  /** Passes begun from now on take so many times as long. */
  slowFactor = 1;

  constructor(timing: StepTime) {
    this.#timing = timing;
  }

  /** End of the last planned pass. */
  get endAt(): number {
    return this.ends[this.passes - 1] as number;
  }

  /** A plan of one pass: the batch may change after it. */
  single(startAt: number, pass: Pass, usedBlocks: number): void {
    this.startAt = startAt;
    this.passes = 1;
    this.done = 0;
    this.chunk = 0;
    this.ends[0] = startAt + this.#durationUs(this.#timing.us(pass));
    this.used[0] = usedBlocks;
  }

  /**
   * Lengthens it to the passes for which this batch stays as it is. `lastPass`: number of the one that ends a decoding
   * sequence.
   */
  ahead<Owner>(
    { running, decoders, pass }: Scheduler<Owner>,
    lastPass: number,
    maxBatchedTokens: number,
    available: number,
  ): void {
    const passesMax = lastPass - decoders.passes;
    if (running.length === decoders.jobs) {
      this.extend(decoders, passesMax, available);
      return;
    }
    const last = running[decoders.jobs] as Sequence<Owner>;
    if (running.length > decoders.jobs + 1 || pass.tokens < maxBatchedTokens) return;
    // One that came over a link decodes behind a prompt that is being computed.
    if (last.decoding) return;
    const { known, tokensComputed, scheduled } = last;
    const chunks = Math.floor((known - tokensComputed) / scheduled);
    if (chunks > 1) this.extendChunks(decoders, Math.min(passesMax, chunks), available, pass, tokensComputed);
  }

  /** Lengthens it to `passesMax` while blocks last: every running sequence decodes. */
  extend(decoders: Decoders, passesMax: number, availableBlocks: number): void {
    const { ends, used } = this;
    const { jobs, needs } = decoders;
    const limit = Math.min(passesMax, PASSES_MAX);
    const blockTokens = needs.length;
    let phase = decoders.passes % blockTokens;
    let contextTokens = decoders.contextTokens;
    let left = availableBlocks;
    let usedBlocks = used[0] as number;
    let endAt = ends[0] as number;
    let passes = 1;
    while (passes < limit) {
      if (++phase === blockTokens) phase = 0;
      const needed = needs[phase] as number;
      if (needed > left) break;
      left -= needed;
      usedBlocks += needed;
      contextTokens += jobs;
      endAt += this.#durationUs(this.#timing.decodeUs(jobs, contextTokens));
      ends[passes] = endAt;
      used[passes++] = usedBlocks;
    }
    this.passes = passes;
  }

  /**
   * Lengthens it likewise while a prompt, of which `computed` tokens were computed before, takes the same rest of the
   * budget in each pass. `pass` is the first one and is used up.
   */
  extendChunks(decoders: Decoders, passesMax: number, availableBlocks: number, pass: Pass, computed: number): void {
    const { jobs, needs } = decoders;
    const chunk = pass.prefillTokens;
    const limit = Math.min(passesMax, PASSES_MAX);
    let left = availableBlocks;
    let passes = 1;
    while (passes < limit) {
      const tokens = computed + passes * chunk;
      const ofChunk = Math.ceil((tokens + chunk) / needs.length) - Math.ceil(tokens / needs.length);
      const needed = decoders.blocksNeeded(passes) + ofChunk;
      if (needed > left) break;
      left -= needed;
      pass.prefillContextTokens += chunk;
      pass.decodeKvTokens += jobs;
      this.ends[passes] = (this.ends[passes - 1] as number) + this.#durationUs(this.#timing.us(pass));
      this.used[passes] = (this.used[passes - 1] as number) + needed;
      passes++;
    }
    this.passes = passes;
    this.chunk = chunk;
  }

  /** Passes that ended before `now`, the last planned one excepted. */
  over(now: number): number {
    const last = this.passes - 1;
    let over = this.done;
    while (over < last && (this.ends[over] as number) < now) over++;
    return over;
  }

  /** Makes the pass that runs at `now` (or ends then) the last one. */
  cutAt(now: number): void {
    this.passes = this.over(now) + 1;
  }

  /** The last planned pass ends so much later. */
  delay(us: number): void {
    (this.ends[this.passes - 1] as number) += us;
  }

  /** Whole microseconds, at least one, so that an engine with work always makes progress. */
  #durationUs(us: number): number {
    return Math.max(1, Math.round(this.slowFactor * us));
  }
}

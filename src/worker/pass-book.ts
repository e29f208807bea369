/**
 * Books passes that are over: what they add to the engine's totals, and the gaps between tokens that they ended. A
 * stretch of passes is booked in one loop, to the same sums as pass by pass.
 */
import type { Decoders } from './decoders.ts';
import type { PassPlan } from './pass-plan.ts';
import type { Sequence } from './sequence.ts';
import type { TokenObserver, WorkerTotals } from './worker.ts';

export class PassBook {
  readonly #totals: WorkerTotals;
  readonly #observer: TokenObserver;

  constructor(totals: WorkerTotals, observer: TokenObserver) {
    this.#totals = totals;
    this.#observer = observer;
  }

  /** One pass of `running` sequences, over at `endAt`; `decoders` do not know of its end yet. */
  pass(plan: PassPlan, endAt: number, usedBlocks: number, running: number, decoders: Decoders): void {
    const us = endAt - plan.startAt;
    plan.startAt = endAt;
    const totals = this.#totals;
    totals.iterations++;
    totals.busyUs += us;
    totals.runningUs += us * running;
    totals.kvBlockUs += us * usedBlocks;
    const { jobs } = decoders;
    if (jobs > 0) this.#observer.tokenGaps(endAt - decoders.endedAt, jobs);
  }

  /** All planned passes before number `over` that are not booked yet; every running sequence decodes in them. */
  passes(plan: PassPlan, over: number, running: number, decoders: Decoders): void {
    const totals = this.#totals;
    const { ends, used, done, startAt } = plan;
    let blockUs = totals.kvBlockUs;
    let beganAt = startAt;
    for (let pass = done; pass < over; pass++) {
      const endAt = ends[pass] as number;
      blockUs += (endAt - beganAt) * (used[pass] as number);
      beganAt = endAt;
    }
    totals.iterations += over - done;
    totals.busyUs += beganAt - startAt;
    totals.runningUs += (beganAt - startAt) * running;
    totals.kvBlockUs = blockUs;
    plan.startAt = beganAt;
    if (decoders.jobs > 0) this.#noteGaps(ends, done, over, decoders);
  }

  /** What the pass computed of a sequence that does not decode, and how much of it had been computed before. */
  computed<Owner>(sequence: Sequence<Owner>): void {
    const { scheduled } = sequence;
    sequence.scheduled = 0;
    const again = Math.min(sequence.computedPeak - sequence.tokensComputed, scheduled);
    if (again > 0) {
      sequence.recomputedTokens += again;
      this.#totals.recomputedTokens += again;
    }
    sequence.tokensComputed += scheduled;
    sequence.work += scheduled;
  }

  #noteGaps(ends: Float64Array, from: number, to: number, { jobs, endedAt }: Decoders): void {
    const observer = this.#observer;
    if (observer.tokenStretch !== undefined) {
      observer.tokenStretch(ends, from, to, endedAt, jobs);
      return;
    }
    let before = endedAt;
    for (let pass = from; pass < to; pass++) {
      const at = ends[pass] as number;
      observer.tokenGaps(at - before, jobs);
      before = at;
    }
  }
}

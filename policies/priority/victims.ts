/**
 * Whom a more urgent request may push out: a running attempt of a strictly lower class that has not sent its
 * first byte and is not pushed out already; of those the lowest class, in it the newest admission, which has
 * lost least. First byte and preemption race for an attempt once: whichever comes first wins, and the other
 * then changes nothing. Source: smg middleware/scheduler/{engine,inflight}.rs at 73da68ca9.
 */
import type { AttemptView } from '../types.ts';

/** One attempt's race. */
export class FirstByteRace {
  #winner: 'none' | 'first-byte' | 'preemption' = 'none';

  get isOpen(): boolean {
    return this.#winner === 'none';
  }

  /** True when the first byte is the first to come. */
  firstByte(): boolean {
    return this.#win('first-byte');
  }

  /** True when preemption is the first to come. */
  preempt(): boolean {
    return this.#win('preemption');
  }

  #win(who: 'first-byte' | 'preemption'): boolean {
    if (!this.isOpen) return false;
    this.#winner = who;
    return true;
  }
}

interface Candidate {
  readonly attempt: AttemptView;
  /** Number of its request's admission. */
  readonly admission: number;
  readonly race: FirstByteRace;
}

export class Victims {
  /** By lane, then by request; only attempts whose race is open. */
  readonly #byLane: readonly Map<number, Candidate>[];

  constructor(lanes: number) {
    this.#byLane = Array.from({ length: lanes }, () => new Map<number, Candidate>());
  }

  /** The attempt may be pushed out from now on. */
  add(attempt: AttemptView, lane: number, admission: number): void {
    this.#byLane[lane]?.set(attempt.request.id, { attempt, admission, race: new FirstByteRace() });
  }

  firstByte(attempt: AttemptView, lane: number): void {
    const candidate = this.#byLane[lane]?.get(attempt.request.id);
    if (candidate?.attempt.id === attempt.id && candidate.race.firstByte()) this.drop(attempt.request.id, lane);
  }

  drop(requestId: number, lane: number): void {
    this.#byLane[lane]?.delete(requestId);
  }

  /** Pushes one out for a request of `lane`; undefined when there is none to be had. */
  preemptFor(lane: number): AttemptView | undefined {
    for (let below = 0; below < lane; below++) {
      const newest = newestOf(this.#byLane[below] as Map<number, Candidate>);
      if (newest === undefined || !newest.race.preempt()) continue;
      this.drop(newest.attempt.request.id, below);
      return newest.attempt;
    }
    return undefined;
  }

  snapshot(): VictimsState {
    return this.#byLane.map((candidates) => {
      return [...candidates.values()].map(({ attempt, admission }) => [attempt.id, admission] as const);
    });
  }

  restore(state: VictimsState, attemptOf: (id: number) => AttemptView): void {
    for (const [lane, candidates] of state.entries()) {
      for (const [id, admission] of candidates) this.add(attemptOf(id), lane, admission);
    }
  }
}

/** By lane: attempt and admission. */
export type VictimsState = readonly (readonly (readonly [number, number])[])[];

function newestOf(candidates: ReadonlyMap<number, Candidate>): Candidate | undefined {
  let newest: Candidate | undefined;
  for (const candidate of candidates.values()) {
    if (newest === undefined || candidate.admission > newest.admission) newest = candidate;
  }
  return newest;
}

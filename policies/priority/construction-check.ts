/**
 * What smg does when the reservations do not fit at start-up: it drops the scheduler and runs its legacy
 * admission for the rest of its life. Start-up comes before any worker is known, so the capacity that decides
 * is the fallback, and it stays the legacy limit whatever the fleet reports later. Source: smg defect 15
 * (middleware/scheduler at 73da68ca9); by default reservations are cut to what fits instead.
 */
import type { AttemptResult, AttemptView, FinishCause, Micros, Queue, QueueEffect, RequestView } from '../types.ts';

type State = 'unchecked' | 'scheduler' | 'legacy';

export class ConstructionCheck implements Queue {
  #chosen: Queue;
  readonly #fits: (capacity: number) => boolean;
  readonly #legacy: () => Queue;
  #state: State = 'unchecked';

  /** `fits` is asked once, of the first capacity there is; without one before the first request all fits. */
  constructor(scheduler: Queue, fits: (capacity: number) => boolean, legacy: () => Queue) {
    this.#chosen = scheduler;
    this.#fits = fits;
    this.#legacy = legacy;
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    if (this.#state === 'unchecked') this.#state = 'scheduler';
    return this.#chosen.offer(now, request);
  }

  leave(now: Micros, request: RequestView): void {
    this.#chosen.leave(now, request);
  }

  capacityChanged(now: Micros, capacity: number): void {
    if (this.#state === 'legacy') return;
    if (this.#state === 'unchecked') {
      this.#state = this.#fits(capacity) ? 'scheduler' : 'legacy';
      if (this.#state === 'legacy') this.#chosen = this.#legacy();
    }
    this.#chosen.capacityChanged(now, capacity);
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.#chosen.granted?.(now, attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    this.#chosen.firstToken?.(now, attempt);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#chosen.settled?.(now, attempt, result);
  }

  wake(now: Micros): void {
    this.#chosen.wake(now);
  }

  take(): QueueEffect | undefined {
    return this.#chosen.take();
  }

  nextWakeAt(): Micros {
    return this.#chosen.nextWakeAt();
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return this.#chosen.held();
  }

  snapshot(): unknown {
    const chosen = this.#chosen.snapshot?.();
    return chosen === undefined ? undefined : [this.#state, chosen];
  }

  restore(state: unknown, requestOf: (id: number) => RequestView, attemptOf: (id: number) => AttemptView): void {
    const [check, chosen] = state as [State, unknown];
    this.#state = check;
    if (check === 'legacy') this.#chosen = this.#legacy();
    this.#chosen.restore?.(chosen, requestOf, attemptOf);
  }
}

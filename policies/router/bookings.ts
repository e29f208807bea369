/**
 * What a router knows it has put on each worker: prompt tokens still to be computed, blocks held, requests. A booking
 * is made with the lease and ends with it. Its prefill ends earlier: with the first token where the core tells, or when
 * the worker's next load report counts the waiting tokens itself. Bookings older than `ageMax` no longer count, so that
 * a lease nobody settles cannot make a worker look busy for ever.
 *
 * Source: the active-sequence tracker of ai-dynamo/dynamo lib/kv-router, which expires bookings after 300 s.
 */
import { refill } from '../refill.ts';
import type { AttemptView, LoadReport, Micros } from '../types.ts';
import { WorkerLoad } from './worker-load.ts';

interface Booking {
  readonly worker: number;
  readonly at: Micros;
  readonly blocks: number;
  prefillTokens: number;
}

/** Prompt tokens to compute, blocks, requests, what it reports. */
type WorkerState = readonly [number, number, number, unknown];

class WorkerBookings {
  /** Prompt tokens granted since the last report and not yet computed. */
  bookedPrefillTokens = 0;
  blocks = 0;
  requests = 0;
  readonly reports = new WorkerLoad();

  get prefillTokens(): number {
    return this.bookedPrefillTokens + this.reports.waitingTokens;
  }

  snapshot(): WorkerState {
    return [this.bookedPrefillTokens, this.blocks, this.requests, this.reports.snapshot()];
  }

  restore([bookedPrefillTokens, blocks, requests, reports]: WorkerState): void {
    this.bookedPrefillTokens = bookedPrefillTokens;
    this.blocks = blocks;
    this.requests = requests;
    this.reports.restore(reports);
  }
}

export class Bookings {
  readonly #ageMax: Micros;
  /** By attempt, in order of grant. */
  readonly #byAttempt = new Map<number, Booking>();
  readonly #byWorker = new Map<number, WorkerBookings>();

  constructor(ageMax: Micros) {
    this.#ageMax = ageMax;
  }

  of(worker: number): WorkerBookings {
    let bookings = this.#byWorker.get(worker);
    if (bookings === undefined) this.#byWorker.set(worker, (bookings = new WorkerBookings()));
    return bookings;
  }

  book(now: Micros, attempt: AttemptView, blocks: number, prefillTokens: number): void {
    const worker = attempt.worker.index;
    this.#byAttempt.set(attempt.id, { worker, at: now, blocks, prefillTokens });
    const bookings = this.of(worker);
    bookings.bookedPrefillTokens += prefillTokens;
    bookings.blocks += blocks;
    bookings.requests++;
  }

  /** Its prompt is computed. Unknown attempts are ignored, here and in `end`. */
  prefilled(attempt: AttemptView): void {
    const booking = this.#byAttempt.get(attempt.id);
    if (booking === undefined) return;
    this.of(booking.worker).bookedPrefillTokens -= booking.prefillTokens;
    booking.prefillTokens = 0;
  }

  end(attempt: AttemptView): void {
    const booking = this.#byAttempt.get(attempt.id);
    if (booking !== undefined) this.#close(attempt.id, booking);
  }

  reported(now: Micros, worker: number, rank: number, report: LoadReport): void {
    const bookings = this.of(worker);
    bookings.reports.report(now, rank, report);
    if (report.prefillTokens === -1 || bookings.bookedPrefillTokens === 0) return;
    for (const booking of this.#byAttempt.values()) if (booking.worker === worker) booking.prefillTokens = 0;
    bookings.bookedPrefillTokens = 0;
  }

  expire(now: Micros): void {
    for (const [attempt, booking] of this.#byAttempt) {
      if (booking.at + this.#ageMax > now) return;
      this.#close(attempt, booking);
    }
  }

  /** Forgets what workers outside the set reported; their leases end as leases do. */
  keepOnly(workers: readonly number[]): void {
    for (const [worker, { requests }] of this.#byWorker) {
      if (requests === 0 && !workers.includes(worker)) this.#byWorker.delete(worker);
    }
  }

  #close(attempt: number, booking: Booking): void {
    const bookings = this.of(booking.worker);
    bookings.bookedPrefillTokens -= booking.prefillTokens;
    bookings.blocks -= booking.blocks;
    bookings.requests--;
    this.#byAttempt.delete(attempt);
  }

  snapshot(): unknown {
    return [this.#byAttempt, [...this.#byWorker].map(([worker, bookings]) => [worker, bookings.snapshot()])];
  }

  restore(state: unknown): void {
    const [byAttempt, byWorker] = state as [Map<number, Booking>, [number, WorkerState][]];
    refill(this.#byAttempt, byAttempt);
    for (const [worker, bookings] of byWorker) this.of(worker).restore(bookings);
  }
}

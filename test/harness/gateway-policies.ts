/** Policies made for tests of the gateway: hard to live with, but within the port. */
import { Fifo } from '../../policies/queue/fifo.ts';
import type {
  AttemptResult,
  AttemptView,
  Capacity,
  CapacitySource,
  FinishCause,
  FleetView,
  Gate,
  Micros,
  Queue,
  QueueEffect,
  RequestView,
  Retry,
  Router,
  WorkerView,
} from '../../policies/types.ts';

/** A capacity that the test turns. */
export class Knob implements Capacity {
  max: number;

  constructor(max: number) {
    this.max = max;
  }

  current(): number {
    return this.max;
  }

  source(): CapacitySource {
    return 'override';
  }
}

/** Closes every worker until an instant, and says so. */
export class ClosedUntil implements Gate {
  openAt: Micros;

  constructor(openAt: Micros) {
    this.openAt = openAt;
  }

  allows(now: Micros): boolean {
    return now >= this.openAt;
  }

  reconsiderAt(now: Micros): Micros {
    return this.openAt > now ? this.openAt : Infinity;
  }
}

/** Opens and closes each worker in turn by the clock; a period is an even number of microseconds. */
export class Flipping implements Gate {
  readonly #halfUs: Micros;

  constructor(periodUs: Micros) {
    this.#halfUs = periodUs / 2;
  }

  allows(now: Micros, worker: WorkerView): boolean {
    return (Math.floor(now / this.#halfUs) + worker.index) % 2 === 0;
  }

  reconsiderAt(now: Micros): Micros {
    return (Math.floor(now / this.#halfUs) + 1) * this.#halfUs;
  }
}

/** Shuts a worker for a while after an attempt there ended badly: a tiny breaker, fed by what is settled. */
export class Offended implements Gate {
  readonly #restUs: Micros;
  readonly #openAt: Micros[] = [];

  constructor(restUs: Micros) {
    this.#restUs = restUs;
  }

  allows(now: Micros, worker: WorkerView): boolean {
    return now >= (this.#openAt[worker.index] ?? 0);
  }

  reconsiderAt(now: Micros): Micros {
    let at = Infinity;
    for (const openAt of this.#openAt) if (openAt > now) at = Math.min(at, openAt);
    return at;
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    const bad = result.outcome !== 'ok' && result.outcome !== 'cancelled';
    for (let i = this.#openAt.length; i <= attempt.worker.index; i++) this.#openAt.push(0);
    if (bad) this.#openAt[attempt.worker.index] = now + this.#restUs;
  }
}

/** Sends each request where the test says: the answer is an index into the candidates, WAIT or REFUSE. */
export class Told implements Router {
  readonly #answer: (request: RequestView, candidates: FleetView) => number;
  asked = 0;

  constructor(answer: (request: RequestView, candidates: FleetView) => number) {
    this.#answer = answer;
  }

  pick(_now: Micros, request: RequestView, candidates: FleetView): number {
    this.asked++;
    return this.#answer(request, candidates);
  }
}

/** Retries after these delays, one per failure; -1 gives up, as does running out. */
export class After implements Retry {
  readonly #delays: readonly Micros[];
  asked = 0;

  constructor(...delays: readonly Micros[]) {
    this.#delays = delays;
  }

  delayUs(_now: Micros, request: RequestView): Micros {
    this.asked++;
    return this.#delays[request.attemptCount - 1] ?? -1;
  }
}

/** First in, first out, but a newcomer that must wait throws out the least urgent running attempt, if less urgent. */
export class Preempting implements Queue {
  readonly #fifo: Fifo;
  readonly #running = new Map<number, AttemptView>();
  readonly #victims: AttemptView[] = [];

  constructor(size: number, timeout: Micros) {
    this.#fifo = new Fifo({ name: 'fifo', size, timeout });
  }

  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    const answer = this.#fifo.offer(now, request);
    if (answer !== 'queued') return answer;
    let least: AttemptView | undefined;
    for (const attempt of this.#running.values()) {
      if (attempt.request.priority < (least?.request.priority ?? request.priority)) least = attempt;
    }
    if (least !== undefined) this.#victims.push(least);
    return answer;
  }

  granted(_now: Micros, attempt: AttemptView): void {
    this.#running.set(attempt.id, attempt);
  }

  settled(_now: Micros, attempt: AttemptView): void {
    this.#running.delete(attempt.id);
  }

  leave(now: Micros, request: RequestView): void {
    this.#fifo.leave(now, request);
  }

  capacityChanged(now: Micros, capacity: number): void {
    this.#fifo.capacityChanged(now, capacity);
  }

  wake(now: Micros): void {
    this.#fifo.wake(now);
  }

  take(): QueueEffect | undefined {
    const attempt = this.#victims.pop();
    return attempt === undefined ? this.#fifo.take() : { kind: 'preempt', attempt };
  }

  nextWakeAt(): Micros {
    return this.#fifo.nextWakeAt();
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return this.#fifo.held();
  }
}

/** Lets nobody in at once: whoever comes waits for the next tick, and then all enter, last come first. */
export class Ticking implements Queue {
  readonly #tickUs: Micros;
  #waiting: RequestView[] = [];
  #due: RequestView[] = [];
  readonly #admitted = new Set<number>();
  #tickAt: Micros = Infinity;

  constructor(tickUs: Micros) {
    this.#tickUs = tickUs;
  }

  offer(now: Micros, request: RequestView): 'queued' {
    this.#waiting.push(request);
    if (this.#tickAt === Infinity) this.#tickAt = now + this.#tickUs;
    return 'queued';
  }

  leave(_now: Micros, request: RequestView): void {
    this.#waiting = this.#waiting.filter((waiter) => waiter !== request);
    this.#due = this.#due.filter((waiter) => waiter !== request);
    this.#admitted.delete(request.id);
    if (this.#waiting.length === 0) this.#tickAt = Infinity;
  }

  capacityChanged(): void {}

  wake(now: Micros): void {
    if (now < this.#tickAt) return;
    this.#due.push(...this.#waiting);
    for (const request of this.#waiting) this.#admitted.add(request.id);
    this.#waiting = [];
    this.#tickAt = Infinity;
  }

  take(): QueueEffect | undefined {
    const request = this.#due.pop();
    return request === undefined ? undefined : { kind: 'admit', request };
  }

  nextWakeAt(): Micros {
    return this.#tickAt;
  }

  held(): { readonly waiting: number; readonly admitted: number } {
    return { waiting: this.#waiting.length, admitted: this.#admitted.size };
  }
}

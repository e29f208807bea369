/**
 * Requests of smg that pushed somebody out and look for the freed slot: every 2 ms for 50 ms, outside any queue
 * and with no claim to it. Source: smg middleware/scheduler/engine.rs at 73da68ca9 (defect 16); the repaired
 * scheduler hands the slot over and has none of these.
 */
import { Deadlines } from '../admission/deadlines.ts';
import type { Micros, RequestView } from '../types.ts';

const LOOK_EVERY_US = 2e3;
const LOOK_FOR_US = 50e3;

export interface Preemptor {
  readonly request: RequestView;
  readonly lane: number;
  /** Last look. */
  readonly untilAt: Micros;
}

export class Preemptors {
  readonly #byId = new Map<number, Preemptor>();
  readonly #due = new Deadlines();

  get size(): number {
    return this.#byId.size;
  }

  /** Next look of any; Infinity when there is none. */
  nextAt(): Micros {
    return this.#due.earliestAt();
  }

  join(now: Micros, request: RequestView, lane: number): void {
    this.#byId.set(request.id, { request, lane, untilAt: now + LOOK_FOR_US });
    this.#due.set(request.id, now + LOOK_EVERY_US);
  }

  giveUp(id: number): void {
    this.#byId.delete(id);
    this.#due.delete(id);
  }

  /** One whose look is due, taken out; `stay` puts it back. */
  shiftDue(now: Micros): Preemptor | undefined {
    const id = this.#due.shiftDue(now);
    const preemptor = id === undefined ? undefined : this.#byId.get(id);
    if (preemptor !== undefined) this.#byId.delete(preemptor.request.id);
    return preemptor;
  }

  /** It found nothing and looks again; false when its time is over. */
  stay(now: Micros, preemptor: Preemptor): boolean {
    if (now >= preemptor.untilAt) return false;
    this.#byId.set(preemptor.request.id, preemptor);
    this.#due.set(preemptor.request.id, Math.min(now + LOOK_EVERY_US, preemptor.untilAt));
    return true;
  }

  snapshot(): PreemptorsState {
    const each = [...this.#byId.values()].map(({ request, lane, untilAt }) => [request.id, lane, untilAt] as const);
    return [each, this.#due.values()];
  }

  restore([each, due]: PreemptorsState, requestOf: (id: number) => RequestView): void {
    for (const [id, lane, untilAt] of each) this.#byId.set(id, { request: requestOf(id), lane, untilAt });
    for (const [id, at] of due) this.#due.set(id, at);
  }
}

/** Request, lane and last look of each; the next looks in their order. */
export type PreemptorsState = readonly [
  each: readonly (readonly [number, number, Micros])[],
  due: readonly (readonly [number, Micros])[],
];

/**
 * Who gets the next slot. First a class below system whose head has waited beyond its threshold, lowest class
 * first, whatever is reserved: a starved head needs only a slot that is free. Then the highest class that has
 * both a waiter and a slot. Only heads are looked at; after each admission everything is looked at again, so
 * one starved request is followed by the normal order unless the next head is starved too. System has no
 * threshold in effect, and yields to any starved class below.
 *
 * Source: smg middleware/scheduler/engine.rs at 73da68ca9, where a head must have waited strictly longer than
 * its threshold (`strict`); by default exactly as long is enough, so that the instant can be announced.
 */
import type { Lane, Waiter } from './lane.ts';
import type { Micros } from '../types.ts';
import type { SlotPool } from './slot-pool.ts';

export interface Admission {
  readonly waiter: Waiter;
  /** It has waited too long. */
  readonly starved: boolean;
}

export interface DispatchRules {
  /** Per lane; Infinity: never starved. */
  readonly starvationUs: readonly Micros[];
  readonly strict: boolean;
}

export class Dispatcher {
  readonly #pool: SlotPool;
  readonly #lanes: readonly Lane[];
  readonly #rules: DispatchRules;

  constructor(pool: SlotPool, lanes: readonly Lane[], rules: DispatchRules) {
    this.#pool = pool;
    this.#lanes = lanes;
    this.#rules = rules;
  }

  /** The next to be admitted, out of its lane and with its slot taken; undefined when nobody can be. */
  next(now: Micros): Admission | undefined {
    for (let lane = 0; lane < this.#lanes.length - 1; lane++) {
      const waiter = this.#headOf(lane);
      if (waiter === undefined || !this.#isStarved(waiter, now)) continue;
      if (!this.#pool.acquireIgnoringReservations(lane)) break;
      return this.#admit(waiter, now);
    }
    return this.nextFrom(now, 0);
  }

  /** The next by class alone, of the classes from `lowest` up. */
  nextFrom(now: Micros, lowest: number): Admission | undefined {
    for (let lane = this.#lanes.length - 1; lane >= lowest; lane--) {
      const waiter = this.#headOf(lane);
      if (waiter !== undefined && this.#pool.acquire(lane)) return this.#admit(waiter, now);
    }
    return undefined;
  }

  /** When a head starves for which a slot is free; Infinity when none will. */
  starvationAt(): Micros {
    if (!this.#pool.hasFree) return Infinity;
    let at = Infinity;
    for (const { head } of this.#lanes) if (head !== undefined) at = Math.min(at, this.#starvesAt(head));
    return at;
  }

  #headOf(lane: number): Waiter | undefined {
    const queue = this.#lanes[lane] as Lane;
    queue.reap();
    return queue.head;
  }

  /** Never for the highest class. */
  #starvesAt(waiter: Waiter): Micros {
    if (waiter.lane === this.#lanes.length - 1) return Infinity;
    return waiter.since + (this.#rules.starvationUs[waiter.lane] as Micros);
  }

  #isStarved(waiter: Waiter, now: Micros): boolean {
    const at = this.#starvesAt(waiter);
    return this.#rules.strict ? at < now : at <= now;
  }

  #admit(waiter: Waiter, now: Micros): Admission {
    this.#lanes[waiter.lane]?.shift();
    return { waiter, starved: this.#isStarved(waiter, now) };
  }
}

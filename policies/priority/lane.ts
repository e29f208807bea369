/**
 * The queue of one class: first in, first out, bounded, everyone waiting equally long, so the order of arrival is
 * also that of expiry. Whoever gives up leaves at once; with `keepPlaces` (smg's defect 17) the place stays taken,
 * and counts against the queue's size, until all places ahead of it are gone and the dispatcher reaps it.
 */
import { KeyedFifo } from '../queue/keyed-fifo.ts';
import type { Micros, RequestView } from '../types.ts';

export interface Waiter {
  readonly request: RequestView;
  readonly lane: number;
  readonly since: Micros;
}

export interface LaneSettings {
  /** Its index among the classes. */
  readonly lane: number;
  /** Places. */
  readonly size: number;
  readonly timeoutUs: Micros;
  readonly keepPlaces: boolean;
}

export class Lane {
  readonly #settings: LaneSettings;
  /** Who waits, oldest first. */
  readonly #waiting = new KeyedFifo<Waiter>();
  /** Ids of those who wait and, with `keepPlaces`, of those who gave up. */
  readonly #places = new KeyedFifo<number>();

  constructor(settings: LaneSettings) {
    this.#settings = settings;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Places taken. */
  get places(): number {
    return this.#places.size;
  }

  get isFull(): boolean {
    return this.places >= this.#settings.size;
  }

  get head(): Waiter | undefined {
    return this.#waiting.peek();
  }

  /** When the head's time is up; Infinity when nobody waits. */
  get expiresAt(): Micros {
    return this.head === undefined ? Infinity : this.head.since + this.#settings.timeoutUs;
  }

  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  join(now: Micros, request: RequestView): void {
    this.#waiting.push(request.id, { request, lane: this.#settings.lane, since: now });
    this.#places.push(request.id, request.id);
  }

  /** The head is admitted. */
  shift(): void {
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) this.#places.delete(waiter.request.id);
  }

  /** The oldest whose time is up gives up; undefined when nobody's is. */
  shiftExpired(now: Micros): RequestView | undefined {
    if (this.expiresAt > now) return undefined;
    const request = this.head?.request;
    if (request !== undefined) this.giveUp(request.id);
    return request;
  }

  /** True when the id was waiting. */
  giveUp(id: number): boolean {
    if (!this.#waiting.delete(id)) return false;
    if (!this.#settings.keepPlaces) this.#places.delete(id);
    return true;
  }

  /** Frees the places in front that nobody stands in any more. */
  reap(): void {
    for (let id = this.#places.peek(); id !== undefined && !this.#waiting.has(id); id = this.#places.peek()) {
      this.#places.shift();
    }
  }

  snapshot(): LaneState {
    const waiting = [...this.#waiting.values()].map(({ request, since }) => [request.id, since] as const);
    return [waiting, [...this.#places.values()]];
  }

  restore([waiting, places]: LaneState, requestOf: (id: number) => RequestView): void {
    const { lane } = this.#settings;
    for (const [id, since] of waiting) this.#waiting.push(id, { request: requestOf(id), lane, since });
    for (const id of places) this.#places.push(id, id);
  }
}

/** Who waits and since when; who has a place. Both oldest first. */
export type LaneState = readonly [waiting: readonly (readonly [number, Micros])[], places: readonly number[]];

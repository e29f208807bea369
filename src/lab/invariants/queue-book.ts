/**
 * What a queue has promised so far, kept from outside: who waits there, who was let in, under which capacity. Booked
 * from the questions it was asked and its answers, for the invariants that hold it to them.
 */
import type { QueueEffect, RequestView } from '../../../policies/types.ts';
import type { PolicyCall } from './invariant.ts';

export interface Waiter {
  readonly request: RequestView;
  /** When it was offered, microseconds. */
  readonly since: number;
}

export const QUEUE_CALLS = [
  'queue.offer',
  'queue.leave',
  'queue.take',
  'queue.capacityChanged',
  'queue.wake',
] as const;

/** What one call did. `drained`: the queue has said all it had to say of the last input. */
export type QueueStep =
  | { readonly kind: 'admitted'; readonly request: RequestView; readonly waited: boolean; readonly known: boolean }
  | { readonly kind: 'queued' | 'left'; readonly request: RequestView }
  | { readonly kind: 'shed'; readonly request: RequestView; readonly cause: string; readonly known: boolean }
  | { readonly kind: 'drained' }
  | { readonly kind: 'other' };

export class QueueBook {
  /** By id, in order of offer. */
  readonly waiting = new Map<number, Waiter>();
  readonly admitted = new Set<number>();
  /** Largest capacity since the queue was last drained: an admission may have been decided under it. */
  capacity = Infinity;
  #latestCapacity = Infinity;
  /** Of the last call that told the time. */
  now = 0;

  /** Books the call and says what it did. */
  book({ at, method, args, answer }: PolicyCall): QueueStep {
    if (method !== 'take') this.now = at;
    const request = args[1] as RequestView;
    switch (method) {
      case 'capacityChanged':
        this.#latestCapacity = args[1] as number;
        this.capacity = Math.max(this.capacity, this.#latestCapacity);
        return { kind: 'other' };
      case 'offer':
        if (answer === 'admitted') return this.#admit(request, true);
        if (answer !== 'queued') return { kind: 'shed', request, cause: String(answer), known: true };
        this.waiting.set(request.id, { request, since: at });
        return { kind: 'queued', request };
      case 'leave':
        this.waiting.delete(request.id);
        this.admitted.delete(request.id);
        return { kind: 'left', request };
      case 'take':
        return this.#took(answer as QueueEffect | undefined);
      default:
        return { kind: 'other' };
    }
  }

  #took(effect: QueueEffect | undefined): QueueStep {
    if (effect === undefined) {
      this.capacity = this.#latestCapacity;
      return { kind: 'drained' };
    }
    if (effect.kind === 'preempt') return { kind: 'other' };
    const { request } = effect;
    const known = this.waiting.has(request.id);
    if (effect.kind === 'admit') return this.#admit(request, known);
    this.waiting.delete(request.id);
    return { kind: 'shed', request, cause: effect.cause, known };
  }

  #admit(request: RequestView, known: boolean): QueueStep {
    const waited = this.waiting.delete(request.id);
    this.admitted.add(request.id);
    return { kind: 'admitted', request, waited, known };
  }
}

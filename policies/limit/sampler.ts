/**
 * Turns leases into samples of latency for the adaptive limits: when, how long, beside how many others, and whether
 * the attempt was dropped (refused by the worker, or timed out). Cancelled attempts say nothing, and neither do failed
 * ones, which tell of a broken worker rather than of a full one. A drop has no latency: a refusal after a millisecond
 * is no proof that the fleet is fast.
 *
 * With the signal `ttft` an attempt is sampled at its first token, and one without (a reply in one piece) at its end;
 * one that times out after its first token is a drop besides. With `e2e` it is sampled at its end, where the length of
 * the reply outweighs the load: a shift towards longer replies then reads as overload. In-flight is the leases held at
 * that moment, the sampled one included. Source: Netflix/concurrency-limits 78a74b9 Limiter (success, ignore,
 * dropped). We differ: in-flight is taken there when the attempt begins, and a drop has the latency of its refusal.
 */
import { refill } from '../refill.ts';
import type { AttemptResult, AttemptView, Micros } from '../types.ts';

export interface Sample {
  /** -1: none was measured. */
  readonly latencyUs: Micros;
  /** Leases held. */
  readonly inFlight: number;
  readonly dropped: boolean;
}

export class LeaseSampler {
  readonly #signal: 'ttft' | 'e2e';
  /** Leases held, by attempt; true when its latency was sampled. */
  readonly #leases = new Map<number, boolean>();

  constructor(signal: 'ttft' | 'e2e') {
    this.#signal = signal;
  }

  granted(attempt: AttemptView): void {
    this.#leases.set(attempt.id, false);
  }

  firstToken(now: Micros, attempt: AttemptView): Sample | undefined {
    if (this.#signal !== 'ttft' || this.#leases.get(attempt.id) !== false) return undefined;
    this.#leases.set(attempt.id, true);
    return { latencyUs: now - attempt.startedAt, inFlight: this.#leases.size, dropped: false };
  }

  settled(now: Micros, attempt: AttemptView, { outcome }: AttemptResult): Sample | undefined {
    const sampled = this.#leases.get(attempt.id);
    const inFlight = this.#leases.size;
    this.#leases.delete(attempt.id);
    switch (outcome) {
      case 'ok':
        if (sampled !== false) return undefined;
        return { latencyUs: now - attempt.startedAt, inFlight, dropped: false };
      case 'refused':
      case 'timeout':
        return sampled === undefined ? undefined : { latencyUs: -1, inFlight, dropped: true };
      case 'failed':
      case 'cancelled':
        return undefined;
      default:
        return outcome satisfies never;
    }
  }

  snapshot(): ReadonlyMap<number, boolean> {
    return this.#leases;
  }

  restore(leases: ReadonlyMap<number, boolean>): void {
    refill(this.#leases, leases);
  }
}

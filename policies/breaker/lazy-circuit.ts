/**
 * The circuit of smg as it was: `failureThreshold` consecutive failures open it, whatever their age; half-open
 * it lets everyone through and counts every outcome, one failure opening it again; the cool-down's end is
 * noticed only when somebody asks, so an outcome recorded after it but before any question still counts as
 * arriving in open.
 *
 * Asking moves the stored state here, against the rule that `allows` changes nothing: that is the defect.
 * Asking twice at one instant answers alike. Time is read in whole milliseconds, as upstream's process clock.
 * Source: smg worker/circuit_breaker.rs at 73da68ca9 (unchanged to f8daa8835).
 */
import type { Micros } from '../types.ts';
import type { Circuit } from './circuit.ts';
import type { Evidence } from './evidence.ts';

export interface LazySettings {
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly openFor: Micros;
}

export type LazyState = 'closed' | 'open' | 'half-open';

export class LazyCircuit implements Circuit {
  readonly #settings: LazySettings;
  readonly #openForMs: number;
  #state: LazyState = 'closed';
  #changedAtMs = 0;
  /** Of the run that is under way; the last two are totals. */
  readonly counts = { consecutiveFailures: 0, consecutiveSuccesses: 0, failures: 0, successes: 0 };

  constructor(settings: LazySettings) {
    this.#settings = settings;
    this.#openForMs = Math.ceil(settings.openFor / 1000);
  }

  /** As stored: an open circuit whose cool-down is over stays open until it is asked. */
  get state(): LazyState {
    return this.#state;
  }

  allows(now: Micros): boolean {
    if (this.#state === 'open' && wholeMs(now) - this.#changedAtMs >= this.#openForMs) this.#move(now, 'half-open');
    return this.#state !== 'open';
  }

  granted(): void {}

  settled(now: Micros, _attemptId: number, evidence: Evidence): void {
    const { counts } = this;
    if (evidence === 'neutral') return;
    if (evidence === 'success') {
      counts.successes++;
      counts.consecutiveFailures = 0;
      counts.consecutiveSuccesses++;
      const enough = counts.consecutiveSuccesses >= this.#settings.successThreshold;
      if (this.#state === 'half-open' && enough) this.#move(now, 'closed');
      return;
    }
    counts.failures++;
    counts.consecutiveSuccesses = 0;
    counts.consecutiveFailures++;
    const enough = counts.consecutiveFailures >= this.#settings.failureThreshold;
    if (this.#state === 'half-open' || (this.#state === 'closed' && enough)) this.#move(now, 'open');
  }

  reconsiderAt(now: Micros): Micros {
    const at = (this.#changedAtMs + this.#openForMs) * 1000;
    return this.#state === 'open' && at > now ? at : Infinity;
  }

  /** A worker that returns starts afresh. */
  renew(): void {
    this.reset(0);
  }

  /** Opens a closed or half-open circuit; an open one keeps its cool-down. */
  forceOpen(now: Micros): void {
    this.#move(now, 'open');
  }

  reset(now: Micros): void {
    this.#move(now, 'closed');
    this.counts.consecutiveFailures = 0;
    this.counts.consecutiveSuccesses = 0;
  }

  #move(now: Micros, to: LazyState): void {
    if (this.#state === to) return;
    this.#state = to;
    this.#changedAtMs = wholeMs(now);
    this.counts.consecutiveSuccesses = 0;
    if (to !== 'open') this.counts.consecutiveFailures = 0;
  }

  snapshot(): unknown {
    return [this.#state, this.#changedAtMs, this.counts];
  }

  restore(state: unknown): void {
    const [kind, changedAtMs, counts] = state as [LazyState, number, LazyCircuit['counts']];
    this.#state = kind;
    this.#changedAtMs = changedAtMs;
    Object.assign(this.counts, counts);
  }
}

function wholeMs(us: Micros): number {
  return Math.floor(us / 1000);
}

/**
 * The repaired circuit. Closed, it opens when `failureThreshold` of the newest `samplesMax` outcomes are
 * failures younger than `window`: a dead worker is noticed within `failureThreshold` outcomes, one that fails
 * most of the time is too (a run counter never opens on failures that alternate with successes), a stray error
 * now and then never adds up. Open, it takes nobody until `openUntil`. Half-open, at most `probesMax` attempts
 * are under way; `successThreshold` of them must succeed, and the first failure opens it again.
 *
 * Evidence is fenced by attempt id: half-open only the probes of this trial count, and closed only attempts
 * granted since it closed, so a reply to a question asked before the outage neither closes nor opens anything.
 * A neutral end frees the probe's place. A probe that nobody answers keeps its voice but loses its place after
 * `probeTimeout`: it can delay the trial, never wedge it.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { Micros } from '../types.ts';
import type { Circuit } from './circuit.ts';
import type { Evidence } from './evidence.ts';

export interface FencedSettings {
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly openFor: Micros;
  readonly window: Micros;
  readonly samplesMax: number;
  readonly probesMax: number;
  readonly probeTimeout: Micros;
}

interface Failure {
  readonly at: Micros;
  /** Its number among the outcomes since the circuit closed. */
  readonly sample: number;
}

interface Closed {
  readonly kind: 'closed';
  /** Attempts up to this id are no evidence. */
  readonly fence: number;
  samples: number;
  /** Oldest first; shorter than failureThreshold. */
  readonly failures: Failure[];
}

interface HalfOpen {
  readonly kind: 'half-open';
  successes: number;
  /** Probe → when it loses its place, in order of grant and so of expiry. */
  readonly places: Map<number, Micros>;
  /** Probes without a place whose outcome still counts. */
  readonly overdue: Set<number>;
}

type State = Closed | { readonly kind: 'open'; readonly until: Micros } | HalfOpen;

export class FencedCircuit implements Circuit {
  readonly #settings: FencedSettings;
  #state: State = closedAfter(-1);
  #lastGranted = -1;

  constructor(settings: FencedSettings) {
    this.#settings = settings;
  }

  allows(now: Micros): boolean {
    const state = this.#state;
    switch (state.kind) {
      case 'closed':
        return true;
      case 'open':
        return now >= state.until;
      case 'half-open':
        return placesTaken(state, now) < this.#settings.probesMax;
      default:
        return state satisfies never;
    }
  }

  granted(now: Micros, attemptId: number): void {
    this.#lastGranted = attemptId;
    if (this.#state.kind === 'closed') return;
    assert(this.allows(now), 'an attempt was granted that the breaker does not allow');
    if (this.#state.kind === 'open') {
      this.#state = { kind: 'half-open', successes: 0, places: new Map(), overdue: new Set() };
    }
    const { places, overdue } = this.#state;
    for (const [probe, until] of places) {
      if (until > now) break;
      places.delete(probe);
      overdue.add(probe);
    }
    places.set(attemptId, now + this.#settings.probeTimeout);
  }

  settled(now: Micros, attemptId: number, evidence: Evidence): void {
    const state = this.#state;
    switch (state.kind) {
      case 'closed':
        if (attemptId > state.fence && evidence !== 'neutral') this.#sample(now, state, evidence);
        break;
      case 'open':
        break;
      case 'half-open': {
        const isProbe = state.places.delete(attemptId) || state.overdue.delete(attemptId);
        if (!isProbe || evidence === 'neutral') break;
        if (evidence === 'failure') this.#open(now);
        else if (++state.successes >= this.#settings.successThreshold) this.#state = closedAfter(this.#lastGranted);
        break;
      }
      default:
        state satisfies never;
    }
  }

  reconsiderAt(now: Micros): Micros {
    const state = this.#state;
    if (state.kind === 'open') return state.until > now ? state.until : Infinity;
    if (state.kind === 'closed' || this.allows(now)) return Infinity;
    for (const until of state.places.values()) if (until > now) return until;
    return Infinity;
  }

  renew(): void {
    this.#state = closedAfter(this.#lastGranted);
  }

  #sample(now: Micros, state: Closed, evidence: 'success' | 'failure'): void {
    const { failureThreshold, samplesMax, window } = this.#settings;
    state.samples++;
    if (evidence === 'success') return;
    const { failures } = state;
    failures.push({ at: now, sample: state.samples });
    while (isPast(failures[0] as Failure, now - window, state.samples - samplesMax)) failures.shift();
    if (failures.length >= failureThreshold) this.#open(now);
  }

  #open(now: Micros): void {
    this.#state = { kind: 'open', until: now + this.#settings.openFor };
  }

  snapshot(): unknown {
    return [this.#state, this.#lastGranted];
  }

  restore(state: unknown): void {
    [this.#state, this.#lastGranted] = state as [State, number];
  }
}

function isPast(failure: Failure, at: Micros, sample: number): boolean {
  return failure.at <= at || failure.sample <= sample;
}

function closedAfter(fence: number): Closed {
  return { kind: 'closed', fence, samples: 0, failures: [] };
}

function placesTaken(state: HalfOpen, now: Micros): number {
  let taken = state.places.size;
  for (const until of state.places.values()) {
    if (until > now) break;
    taken--;
  }
  return taken;
}

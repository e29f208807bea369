/** What the keeper did: a count of each kind, and each event to whoever listens. */
import type { Micros } from '../types.ts';
import type { AdmissionEvent, AdmissionEventKind, AdmissionEventSink, Resource } from './types.ts';

/** What an event says besides kind, time and resource. */
type Details = Partial<Pick<AdmissionEvent, 'item' | 'reason' | 'previous' | 'current'>>;

const NO_DETAILS: Details = {};

export class AdmissionEvents {
  readonly #sink: AdmissionEventSink | undefined;
  readonly #counts: Record<AdmissionEventKind, number> = {
    'resource-registered': 0,
    'effective-cap-changed': 0,
    'queue-formed': 0,
    'wait-started': 0,
    'wait-completed': 0,
    'wait-timeout': 0,
    'wait-cancelled': 0,
    'acquire-denied': 0,
    'lease-acquired': 0,
    'queue-drained': 0,
    'rate-limited': 0,
    'limit-decreased': 0,
    'limit-increased': 0,
    'soft-ceiling-recovered': 0,
    'fully-recovered': 0,
    'lease-released': 0,
    'release-diagnostic': 0,
  };
  #total = 0;

  constructor(sink: AdmissionEventSink | undefined) {
    this.#sink = sink;
  }

  /** Events so far, of all kinds. */
  get total(): number {
    return this.#total;
  }

  counts(): Readonly<Record<AdmissionEventKind, number>> {
    return { ...this.#counts };
  }

  emit(kind: AdmissionEventKind, at: Micros, resource: Resource, details: Details = NO_DETAILS): void {
    this.#counts[kind]++;
    this.#total++;
    if (this.#sink === undefined) return;
    const { item = -1, reason = 'none', previous = 0, current = 0 } = details;
    this.#sink({ kind, at, resource, item, reason, previous, current });
  }
}

/**
 * The port of request admission: who may call a provider now, with what concurrency, and in which order the others
 * wait. A keeper like the gateway's queue, but outside it: the dataset core asks here before each call, one lease per
 * attempt.
 */
import type { Micros } from '../types.ts';

export type RequestDomain = 'chat' | 'embedding' | 'image' | 'healthcheck';

/** What is limited: one kind of call to one model of one provider. Provider and model alone name the *endpoint*. */
export interface Resource {
  readonly provider: string;
  readonly model: string;
  readonly domain: RequestDomain;
}

/** The right of one attempt to one place at its resource and endpoint. A value: releases compare it field for field. */
export interface RequestLease {
  /** Unique in the keeper's generation, counted from 0 in order of grant. */
  readonly id: number;
  /** The caller's name for what asked. */
  readonly item: number;
  readonly resource: Resource;
  readonly acquiredAt: Micros;
  /** Adaptive limit at the grant: tells a 429 that the limit has answered already from one that is news. */
  readonly limit: number;
  /** Most the limit could be at the grant. */
  readonly effectiveMax: number;
  /** Of the keeper that granted it; a restarted gateway's keeper refuses the leases of the one before. */
  readonly generation: number;
}

/**
 * hard-policy-denial: the endpoint is not registered, waiting is no use; queued-waiters-ahead: there is room, but
 * somebody who waits must get it first; queue-timeout: waited too long.
 */
export type DenialReason =
  | 'hard-policy-denial'
  | 'cooldown'
  | 'no-capacity'
  | 'queued-waiters-ahead'
  | 'queue-timeout';

export interface AdmissionGranted {
  readonly kind: 'granted';
  readonly item: number;
  readonly lease: RequestLease;
}
export interface AdmissionDenied {
  readonly kind: 'denied';
  readonly item: number;
  readonly resource: Resource;
  readonly reason: DenialReason;
  /** End of the cool-down when that is the reason, else Infinity. */
  readonly availableAt: Micros;
}
/** The answer to `cancel`, so that each `acquire` is answered by one effect. */
export interface AdmissionCancelled {
  readonly kind: 'cancelled';
  readonly item: number;
  readonly resource: Resource;
}
export type AdmissionEffect = AdmissionGranted | AdmissionDenied | AdmissionCancelled;

/** Closed set. The local ones are neutral: they say nothing about the provider. */
export type ReleaseOutcome =
  | 'success'
  | 'rate-limited'
  | 'provider-failure'
  | 'provider-timeout'
  | 'local-cancelled'
  | 'local-timeout'
  | 'unexpected-exception';

/** Why a release changed nothing; such leases stay as they were. */
export type ReleaseRefusal = 'wrong-controller-generation' | 'duplicate' | 'unknown-lease' | 'stale-lease';
export type ReleaseAnswer = 'released' | ReleaseRefusal;

export type AdmissionEventKind =
  | 'resource-registered'
  | 'effective-cap-changed'
  | 'queue-formed'
  | 'wait-started'
  | 'wait-completed'
  | 'wait-timeout'
  | 'wait-cancelled'
  | 'acquire-denied'
  | 'lease-acquired'
  | 'queue-drained'
  | 'rate-limited'
  | 'limit-decreased'
  | 'limit-increased'
  | 'soft-ceiling-recovered'
  | 'fully-recovered'
  | 'lease-released'
  | 'release-diagnostic';

/** One step of the keeper, in the order of the steps. */
export interface AdmissionEvent {
  readonly kind: AdmissionEventKind;
  readonly at: Micros;
  readonly resource: Resource;
  /** Of the lease or waiter; -1 for registrations. */
  readonly item: number;
  readonly reason: DenialReason | ReleaseOutcome | ReleaseRefusal | 'cancellation' | 'none';
  /** Before and after, of a limit or cap that changed; both the ceiling for `soft-ceiling-recovered`; else 0. */
  readonly previous: number;
  readonly current: number;
}
/** Told each event as it happens; it must not call the keeper. */
export type AdmissionEventSink = (event: AdmissionEvent) => void;

export interface AdmissionOptions {
  /** Tells this keeper's leases from those of one before it, as after a restart; 0 by default. */
  readonly generation?: number;
  readonly sink?: AdmissionEventSink;
}

/** One resource under pressure or not, as an adviser, a report or a test may read it. */
export interface PressureSnapshot {
  readonly capturedAt: Micros;
  /** Events before this snapshot: of two with equal times the later one has more. */
  readonly sequence: number;
  readonly resource: Resource;
  readonly effectiveMax: number;
  readonly limit: number;
  /** Leases out. */
  readonly inFlight: number;
  readonly waiting: number;
  /** End of the cool-down; -Infinity when none is on. */
  readonly blockedUntil: Micros;
  readonly cooldownRemainingUs: Micros;
  /** Limit at which a provider first said 429; 0 when it has not. */
  readonly rateLimitCeiling: number;
  readonly consecutiveRateLimits: number;
  /** Successes since the last change that restarts the count. */
  readonly successStreak: number;
  /** The startup ramp still holds the limit down. */
  readonly ramping: boolean;
  readonly lastOutcome: ReleaseOutcome | 'none';
}

/** One (provider, model) over all its domains. */
export interface EndpointSnapshot {
  readonly provider: string;
  readonly model: string;
  /** Least over the aliases: leases that may be out at once over all domains. */
  readonly cap: number;
  readonly inFlight: number;
  /** Sorted by name, each with its own cap. */
  readonly aliases: readonly (readonly [alias: string, cap: number])[];
  /** Current limit of each domain in use. */
  readonly limits: readonly (readonly [domain: RequestDomain, limit: number])[];
}

/**
 * Keeper: leases on provider calls and the queue for them. Effects come out of `take`; all answers of one input are
 * ready when it returns.
 */
export interface RequestAdmission {
  /**
   * Sets what one alias allows its endpoint, at least 1. Acquiring at an endpoint no alias has registered is denied.
   */
  register(now: Micros, provider: string, model: string, alias: string, limit: number): void;
  /** Never waits: answered at once, by the return value only. */
  tryAcquire(now: Micros, item: number, resource: Resource): AdmissionGranted | AdmissionDenied;
  /**
   * Answered by exactly one effect that names `item`, which is the caller's until then. `timeoutUs` is the longest
   * wait: 0 or less is denied at once, Infinity waits for ever; without it the configured one holds. Answers the
   * instant from which on the item is denied if it still waits; Infinity for never.
   */
  acquire(now: Micros, item: number, resource: Resource, timeoutUs?: Micros): Micros;
  /** The item waits no longer; a grant not yet taken is withdrawn. False: nothing to cancel, or denied by now. */
  cancel(now: Micros, item: number): boolean;
  /** Gives a lease back. `retryAfterUs`: what a 429 asked for; 0 or less is nothing. */
  release(now: Micros, lease: RequestLease, outcome: ReleaseOutcome, retryAfterUs?: Micros): ReleaseAnswer;
  wake(now: Micros): void;
  take(): AdmissionEffect | undefined;
  /**
   * Earliest instant at which `wake` does something: a deadline, an end of cool-down, a step of the ramp. Infinity when
   * idle.
   */
  nextWakeAt(): Micros;
  held(): { readonly waiting: number; readonly leased: number };
  /** Undefined for a resource nobody has touched. Reading changes nothing. */
  snapshot(now: Micros, resource: Resource): PressureSnapshot | undefined;
  /** Of every resource touched, oldest first. */
  snapshots(now: Micros): readonly PressureSnapshot[];
  endpoint(now: Micros, provider: string, model: string): EndpointSnapshot | undefined;
  endpoints(now: Micros): readonly EndpointSnapshot[];
  /** Releases refused so far, by reason. */
  leakCounts(): Readonly<Record<ReleaseRefusal, number>>;
  eventCounts(): Readonly<Record<AdmissionEventKind, number>>;
  checkInvariants(): void;
}

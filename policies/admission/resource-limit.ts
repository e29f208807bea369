/**
 * Decides how many requests one resource (provider, model, domain) may have out now: additive increase, multiplicative
 * decrease, as TCP does. A 429 cuts the limit to `decreaseRatio` of itself and rests the resource for `cooldown` or the
 * Retry-After; `increaseAfter` successes in a row without a 429 add `increaseStep`, up to the effective max.
 *
 * Regimes: while nobody says 429 it is the plain cap. Into overload, a burst of 429s counts once, because those from
 * leases granted at a higher limit than today's are old news. Out of overload it climbs slowly and hits the provider's
 * limit again: it saws. During a cool-down successes do not count. A startup ramp lets the limit climb in equal steps
 * from 1, at instants known beforehand; a 429 ends it for good. Limits: it hears only 429s, so a provider that slows
 * down instead is not heeded.
 *
 * All that depends on time is a function of `now` and the last inputs: reading never changes anything, and
 * `eligibleFrom`, the instant from which a request may go if nothing else happens, serves the denial test and the
 * wake-up alike, so that no wake-up can be missed.
 *
 * Source: DataDesigner models/request_admission/controller.py 99517abc. We differ: upstream moves the ramp only when
 * somebody looks, so how often it is polled decides how long the ramp still swallows successes; here it ends when it is
 * due. The settings `cooldownEnd`, `retryAfterMax` and `ceiling` have upstream's behaviour as their other value.
 */
import type { Micros } from '../types.ts';
import type { RequestAdmissionConfig } from './config.ts';
import type { Endpoint } from './endpoint.ts';
import type { AdmissionEvents } from './events.ts';
import type { DenialReason, PressureSnapshot, ReleaseOutcome, RequestLease, Resource } from './types.ts';

/** What one resource has of its own; Infinity where the configuration says nothing. */
export interface ResourceSettings {
  readonly initialLimit: number;
  readonly limitMax: number;
  readonly weight: number;
}

export class ResourceLimit {
  /** Unique among the resources. */
  readonly key: string;
  readonly resource: Resource;
  readonly endpoint: Endpoint;
  readonly settings: ResourceSettings;
  readonly #config: RequestAdmissionConfig;
  /** Leases out and waiters queued: kept by the keeper. */
  inFlight = 0;
  waiting = 0;
  #limit: number;
  #ramping: boolean;
  readonly #rampStartedAt: Micros;
  #blockedUntil: Micros = -Infinity;
  #successStreak = 0;
  #consecutiveRateLimits = 0;
  #rateLimitCeiling = 0;
  #lastOutcome: ReleaseOutcome | 'none' = 'none';

  constructor(
    now: Micros,
    key: string,
    resource: Resource,
    endpoint: Endpoint,
    settings: ResourceSettings,
    config: RequestAdmissionConfig,
  ) {
    this.key = key;
    this.resource = resource;
    this.endpoint = endpoint;
    this.settings = settings;
    this.#config = config;
    this.#limit = this.#initialLimit();
    this.#ramping = config.startupRamp > 0 && this.#limit > 1;
    this.#rampStartedAt = now;
  }

  /** Requests; the limit never passes it. 1 at an endpoint nobody has registered. */
  effectiveMax(): number {
    return Math.max(1, Math.min(this.endpoint.cap, this.settings.limitMax));
  }

  /** Requests that may be out at `now`. */
  limit(now: Micros): number {
    return this.#ramping ? this.#rampLimit(now) : this.#limit;
  }

  /** End of the cool-down; in the past or -Infinity when none is on. */
  get blockedUntil(): Micros {
    return this.#blockedUntil;
  }

  /**
   * When a request may go if there is no further input: in the past, now or later; Infinity when only an input helps.
   */
  eligibleFrom(): Micros {
    if (this.endpoint.inFlight >= this.endpoint.cap) return Infinity;
    if (!this.#ramping) return this.inFlight < this.#limit ? this.#blockedUntil : Infinity;
    if (this.inFlight >= this.#initialLimit()) return Infinity;
    return Math.max(this.#blockedUntil, this.#growsAt(this.inFlight + 1));
  }

  /** Why one more may not go at `now`, or undefined. */
  denialAt(now: Micros): DenialReason | undefined {
    if (!this.endpoint.registered) return 'hard-policy-denial';
    if (now < this.#blockedUntil) return 'cooldown';
    return now < this.eligibleFrom() ? 'no-capacity' : undefined;
  }

  /**
   * To be called before the endpoint's cap changes: a ramp that is over leaves its target, as the cap is now, as the
   * limit.
   */
  endRamp(now: Micros): void {
    if (!this.#ramping || now < this.#rampEndsAt()) return;
    this.#ramping = false;
    this.#limit = this.#initialLimit();
  }

  /**
   * To be called after that: a lowered cap lowers the limit, a raised one raises nothing but the target of a ramp. A
   * ramp that has nothing left to climb is over.
   */
  capChanged(): void {
    if (this.#initialLimit() === 1) this.#ramping = false;
    this.#limit = Math.min(this.#limit, this.effectiveMax());
  }

  /** Learns how an attempt ended, after its lease was counted off. */
  settle(
    now: Micros,
    lease: RequestLease,
    outcome: ReleaseOutcome,
    retryAfterUs: Micros,
    events: AdmissionEvents,
  ): void {
    this.#lastOutcome = outcome;
    this.endRamp(now);
    if (outcome === 'rate-limited') this.#decrease(now, lease, retryAfterUs, events);
    else if (outcome === 'success' && this.#ramping) this.#successStreak = 0;
    else if (outcome === 'success' && now >= this.#blockedUntil) this.#succeed(now, events);
    else if (this.inFlight === 0 && outcome !== 'local-cancelled' && outcome !== 'local-timeout') {
      this.#consecutiveRateLimits = 0;
    }
  }

  snapshot(now: Micros, sequence: number): PressureSnapshot {
    const blocked = now < this.#blockedUntil;
    return {
      capturedAt: now,
      sequence,
      resource: this.resource,
      effectiveMax: this.effectiveMax(),
      limit: this.limit(now),
      inFlight: this.inFlight,
      waiting: this.waiting,
      blockedUntil: blocked ? this.#blockedUntil : -Infinity,
      cooldownRemainingUs: blocked ? this.#blockedUntil - now : 0,
      rateLimitCeiling: this.#rateLimitCeiling,
      consecutiveRateLimits: this.#consecutiveRateLimits,
      successStreak: this.#successStreak,
      ramping: this.#ramping && now < this.#rampEndsAt(),
      lastOutcome: this.#lastOutcome,
    };
  }

  #decrease(now: Micros, lease: RequestLease, retryAfterUs: Micros, events: AdmissionEvents): void {
    const { cooldown, cooldownEnd, decreaseRatio, retryAfterMax } = this.#config;
    this.#limit = this.limit(now);
    this.#ramping = false;
    this.#successStreak = 0;
    this.#consecutiveRateLimits++;
    const restsUntil = now + (retryAfterUs > 0 ? Math.min(retryAfterUs, retryAfterMax) : cooldown);
    this.#blockedUntil = cooldownEnd === 'later' ? Math.max(this.#blockedUntil, restsUntil) : restsUntil;
    if (lease.limit > this.#limit) return;
    if (this.#rateLimitCeiling === 0) this.#rateLimitCeiling = lease.limit;
    this.#moveLimit(now, 'limit-decreased', Math.max(1, Math.floor(this.#limit * decreaseRatio)), events);
  }

  #succeed(now: Micros, events: AdmissionEvents): void {
    const { ceiling, increaseAfter, increaseStep } = this.#config;
    this.#consecutiveRateLimits = 0;
    this.#successStreak++;
    if (this.#successStreak < increaseAfter) return;
    this.#successStreak = 0;
    const effectiveMax = this.effectiveMax();
    const limit = Math.min(effectiveMax, this.#limit + increaseStep);
    if (!this.#moveLimit(now, 'limit-increased', limit, events)) return;
    const reached = this.#rateLimitCeiling;
    const passed = reached > 0 && limit > reached;
    if (passed) events.emit('soft-ceiling-recovered', now, this.resource, { previous: reached, current: reached });
    if (limit === effectiveMax) events.emit('fully-recovered', now, this.resource);
    if (ceiling === 'until-recovered' && (passed || limit === effectiveMax)) this.#rateLimitCeiling = 0;
  }

  /** True when it moved. */
  #moveLimit(
    now: Micros,
    kind: 'limit-decreased' | 'limit-increased',
    limit: number,
    events: AdmissionEvents,
  ): boolean {
    const previous = this.#limit;
    if (limit === previous) return false;
    this.#limit = limit;
    events.emit(kind, now, this.resource, { previous, current: limit });
    return true;
  }

  #initialLimit(): number {
    return Math.max(1, Math.min(this.settings.initialLimit, this.effectiveMax()));
  }

  #rampEndsAt(): Micros {
    return this.#rampStartedAt + this.#config.startupRamp;
  }

  /** The instant from which the ramp allows `limit` requests. */
  #growsAt(limit: number): Micros {
    const target = this.#initialLimit();
    if (limit <= 1) return this.#rampStartedAt;
    if (limit >= target) return this.#rampEndsAt();
    return this.#rampStartedAt + ((limit - 1) * this.#config.startupRamp) / (target - 1);
  }

  #rampLimit(now: Micros): number {
    const target = this.#initialLimit();
    if (target === 1 || now >= this.#rampEndsAt()) return target;
    // The division rounds, so it only says where to look; `growsAt` decides, and has grown at the instant it names.
    let limit = Math.max(1, Math.floor(((target - 1) * (now - this.#rampStartedAt)) / this.#config.startupRamp));
    while (limit < target && this.#growsAt(limit + 1) <= now) limit++;
    return limit;
  }
}

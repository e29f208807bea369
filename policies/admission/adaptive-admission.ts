/**
 * Decides which attempt may call a provider now. A lease is granted while its resource (provider, model, domain) has
 * fewer out than its adaptive limit and rests from no 429 (resource-limit.ts), and its endpoint (provider, model) has
 * fewer out than the least cap of its aliases. Those who may wait are served in fair order, one group a resource, until
 * they time out (wait-list.ts); a lease given back goes to a waiter in the same step.
 *
 * Regimes: with free slots it is invisible. At the cap it queues; the longer the queue, the closer every wait comes to
 * `waitTimeout`, and a host that stalls for that long turns healthy waiters into timeouts (DataDesigner issue 725),
 * since one whose deadline has come is never granted a lease. In a cool-down nobody passes, and at its end as many at
 * once as the limit allows.
 *
 * Order within an input: who is expired goes first, then the input acts, then waiters are admitted in fair order; so a
 * 429 rests its own resource before its slot is offered, and other domains of the endpoint may have it. `tryAcquire`
 * alone comes before the waiters that time has made admissible meanwhile, and is denied as queued-waiters-ahead if it
 * would pass one. Limits: leases have no deadline of their own; the caller must release what it was granted.
 *
 * Source: DataDesigner models/request_admission/controller.py 99517abc, replayed by test/conformance. We differ:
 * deadlines, ends of cool-down and steps of the ramp are exact instants, where upstream polls every 50 ms. The repairs
 * of config.ts can be switched off one by one.
 */
import { assert } from '../../src/kernel/assert.ts';
import { KeyedFifo } from '../queue/keyed-fifo.ts';
import type { Micros } from '../types.ts';
import type { RequestAdmissionConfig } from './config.ts';
import { AdmissionEvents } from './events.ts';
import { LeaseBook } from './lease-book.ts';
import type { ResourceLimit } from './resource-limit.ts';
import { ResourceTable } from './resource-table.ts';
import { sameLease } from './same-lease.ts';
import type {
  AdmissionDenied,
  AdmissionEffect,
  AdmissionEventKind,
  AdmissionGranted,
  AdmissionOptions,
  DenialReason,
  EndpointSnapshot,
  PressureSnapshot,
  ReleaseAnswer,
  ReleaseOutcome,
  ReleaseRefusal,
  RequestAdmission,
  RequestLease,
  Resource,
} from './types.ts';
import { WaitList } from './wait-list.ts';

export class AdaptiveAdmission implements RequestAdmission {
  readonly #config: RequestAdmissionConfig;
  readonly #table: ResourceTable;
  readonly #waiting: WaitList;
  readonly #leases: LeaseBook<RequestLease>;
  readonly #events: AdmissionEvents;
  readonly #outbox = new KeyedFifo<AdmissionEffect>();
  /** Those of the outbox that are grants: a cancellation takes them back. */
  readonly #untaken = new Map<number, RequestLease>();
  #now: Micros = -Infinity;

  constructor(config: RequestAdmissionConfig, { generation = 0, sink }: AdmissionOptions = {}) {
    this.#config = config;
    this.#table = new ResourceTable(config);
    this.#waiting = new WaitList(config.emptiedGroup);
    this.#leases = new LeaseBook(generation, config.releasedHistory, sameLease);
    this.#events = new AdmissionEvents(sink);
  }

  register(now: Micros, provider: string, model: string, alias: string, limit: number): void {
    this.#enter(now);
    const { previous, current } = this.#table.register(now, provider, model, alias, limit);
    const chat: Resource = { provider, model, domain: 'chat' };
    if (this.#config.stateBegins === 'any-touch') this.#table.touch(now, chat);
    this.#events.emit('resource-registered', now, chat);
    if (current !== previous) this.#events.emit('effective-cap-changed', now, chat, { previous, current });
    this.#admit();
  }

  tryAcquire(now: Micros, item: number, resource: Resource): AdmissionGranted | AdmissionDenied {
    this.#enter(now);
    const limit = this.#touch(resource);
    this.#events.emit('wait-started', now, resource, { item });
    const answer = limit ? this.#tryLease(item, limit) : this.#denied(item, resource, 'hard-policy-denial');
    this.#admit();
    return answer;
  }

  acquire(now: Micros, item: number, resource: Resource, timeoutUs: Micros = this.#config.waitTimeout): Micros {
    assert(!Number.isNaN(timeoutUs), 'a wait has a timeout, or Infinity');
    this.#enter(now);
    assert(!this.#waiting.has(item) && !this.#outbox.has(item), 'an item asks for one lease at a time');
    const limit = this.#touch(resource);
    if (timeoutUs <= 0) this.#timedOut(item, resource);
    else {
      if (limit !== undefined) {
        if (this.#waiting.size === 0) this.#events.emit('queue-formed', now, resource, { item });
        this.#waiting.join(item, limit, now + timeoutUs);
      }
      this.#events.emit('wait-started', now, resource, { item });
      if (limit === undefined || !limit.endpoint.registered) {
        this.#waiting.leave(item);
        this.#outbox.push(item, this.#denied(item, resource, 'hard-policy-denial'));
      }
    }
    this.#admit();
    return now + timeoutUs;
  }

  cancel(now: Micros, item: number): boolean {
    this.#enter(now);
    const lease = this.#untaken.get(item);
    const resource = this.#waiting.leave(item)?.limit.resource ?? lease?.resource;
    if (resource !== undefined) {
      this.#events.emit('wait-cancelled', now, resource, { item, reason: 'cancellation' });
      this.#outbox.delete(item);
      this.#outbox.push(item, { kind: 'cancelled', item, resource });
    }
    if (lease !== undefined) {
      this.#untaken.delete(item);
      this.#settle(lease, 'local-cancelled', 0);
    }
    this.#admit();
    return resource !== undefined;
  }

  release(now: Micros, lease: RequestLease, outcome: ReleaseOutcome, retryAfterUs: Micros = 0): ReleaseAnswer {
    this.#enter(now);
    const answer = this.#settle(lease, outcome, retryAfterUs);
    this.#admit();
    return answer;
  }

  wake(now: Micros): void {
    this.#enter(now);
    this.#admit();
  }

  take(): AdmissionEffect | undefined {
    const effect = this.#outbox.shift();
    if (effect?.kind === 'granted') this.#untaken.delete(effect.item);
    return effect;
  }

  nextWakeAt(): Micros {
    return this.#waiting.nextWakeAt();
  }

  held(): { readonly waiting: number; readonly leased: number } {
    return { waiting: this.#waiting.size, leased: this.#leases.size };
  }

  snapshot(now: Micros, resource: Resource): PressureSnapshot | undefined {
    return this.#table.find(resource)?.snapshot(now, this.#events.total);
  }

  snapshots(now: Micros): readonly PressureSnapshot[] {
    return Array.from(this.#table.resources(), (limit) => limit.snapshot(now, this.#events.total));
  }

  endpoint(now: Micros, provider: string, model: string): EndpointSnapshot | undefined {
    return this.#table.snapshotEndpoint(now, provider, model);
  }

  endpoints(now: Micros): readonly EndpointSnapshot[] {
    return this.#table.snapshotEndpoints(now);
  }

  leakCounts(): Readonly<Record<ReleaseRefusal, number>> {
    return this.#leases.refused();
  }

  eventCounts(): Readonly<Record<AdmissionEventKind, number>> {
    return this.#events.counts();
  }

  checkInvariants(): void {
    this.#waiting.checkInvariants();
    this.#table.checkInvariants(this.#leases.leases(), this.#waiting.size);
  }

  /** Every input starts here: whoever is expired by `now` is denied before anything is decided. */
  #enter(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at request admission');
    this.#now = now;
    for (let due = this.#waiting.shiftExpired(now); due !== undefined; due = this.#waiting.shiftExpired(now)) {
      this.#timedOut(due.item, due.limit.resource);
    }
  }

  /** Every input ends here: leases for all waiters that may have one, in fair order. */
  #admit(): void {
    for (;;) {
      const waiter = this.#waiting.shiftEligible(this.#now);
      if (waiter === undefined) return;
      const { item, limit } = waiter;
      const effect = this.#granted(item, limit);
      if (this.#waiting.size === 0) this.#events.emit('queue-drained', this.#now, limit.resource, { item });
      this.#untaken.set(item, effect.lease);
      this.#outbox.push(item, effect);
    }
  }

  /** Undefined: the endpoint is not registered, and asking leaves no trace. */
  #touch(resource: Resource): ResourceLimit | undefined {
    const known = this.#table.findEndpoint(resource.provider, resource.model)?.registered === true;
    return known || this.#config.stateBegins === 'any-touch' ? this.#table.touch(this.#now, resource) : undefined;
  }

  #tryLease(item: number, limit: ResourceLimit): AdmissionGranted | AdmissionDenied {
    const ahead = this.#waiting.ahead(this.#now, limit.endpoint, this.#config.newcomers);
    const reason = ahead ? 'queued-waiters-ahead' : limit.denialAt(this.#now);
    if (reason === undefined) return this.#granted(item, limit);
    return this.#denied(item, limit.resource, reason, reason === 'cooldown' ? limit.blockedUntil : Infinity);
  }

  #granted(item: number, limit: ResourceLimit): AdmissionGranted {
    const { resource } = limit;
    assert(limit.eligibleFrom() <= this.#now, 'a lease is granted only within the caps and after the cool-down');
    const [acquiredAt, effectiveMax] = [this.#now, limit.effectiveMax()];
    const lease = this.#leases.grant((id, generation) => {
      return { id, item, resource, acquiredAt, limit: limit.limit(acquiredAt), effectiveMax, generation };
    });
    limit.inFlight++;
    limit.endpoint.inFlight++;
    this.#events.emit('wait-completed', acquiredAt, resource, { item });
    this.#events.emit('lease-acquired', acquiredAt, resource, { item });
    return { kind: 'granted', item, lease };
  }

  #denied(item: number, resource: Resource, reason: DenialReason, availableAt: Micros = Infinity): AdmissionDenied {
    this.#events.emit('acquire-denied', this.#now, resource, { item, reason });
    return { kind: 'denied', item, resource, reason, availableAt };
  }

  #timedOut(item: number, resource: Resource): void {
    this.#events.emit('wait-timeout', this.#now, resource, { item, reason: 'queue-timeout' });
    this.#outbox.push(item, { kind: 'denied', item, resource, reason: 'queue-timeout', availableAt: Infinity });
  }

  /** The one place where a lease is counted off. */
  #settle(given: RequestLease, outcome: ReleaseOutcome, retryAfterUs: Micros): ReleaseAnswer {
    const { item, resource } = given;
    const lease = this.#leases.settle(given);
    if (typeof lease === 'string') {
      this.#events.emit('release-diagnostic', this.#now, resource, { item, reason: lease });
      return lease;
    }
    const limit = this.#table.touch(this.#now, resource);
    limit.inFlight--;
    limit.endpoint.inFlight--;
    limit.settle(this.#now, lease, outcome, retryAfterUs, this.#events);
    if (outcome === 'rate-limited') this.#events.emit('rate-limited', this.#now, resource, { item });
    this.#events.emit('lease-released', this.#now, resource, { item, reason: outcome });
    return 'released';
  }
}

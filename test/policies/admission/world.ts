/**
 * Drives a keeper with a list of commands, keeps its own count of what is out and who waits, and checks after every
 * input what must hold whatever the settings. Time moves by `advance` only: `asked` wakes the keeper at the instants it
 * names, `often` at every whole instant as well, reading snapshots between; `stall` skips wakes, as a busy host does.
 */
import fc from 'fast-check';
import type { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import type { RequestAdmissionConfig } from '../../../policies/admission/config.ts';
import type { AdmissionEffect, ReleaseOutcome, RequestLease, Resource } from '../../../policies/admission/types.ts';
import { assert } from '../../../src/kernel/assert.ts';
import { claimEqual, claimRefused } from '../../harness/claim.ts';
import { HISTORIC, REPAIRED, resource, takeAll } from './keepers.ts';

const RESOURCES = [resource('chat'), resource('embedding'), resource('chat', 'n')] as const;
const MODELS = ['m', 'n'] as const;
const OUTCOMES = [
  ...(['success', 'success', 'success', 'rate-limited', 'provider-failure'] as const),
  ...(['provider-timeout', 'local-cancelled', 'local-timeout', 'unexpected-exception'] as const),
];
const FORGERIES = ['none', 'none', 'none', 'again', 'generation', 'id', 'limit'] as const;

/** Longer than any cool-down and ramp of the settings. */
const RESTED_US = 100;

type Forgery = (typeof FORGERIES)[number];

export type Command =
  | { kind: 'register'; model: number; alias: string; limit: number }
  | { kind: 'try'; resource: number }
  | { kind: 'acquire'; resource: number; timeoutUs: number }
  | { kind: 'cancel'; which: number }
  | { kind: 'release'; which: number; outcome: ReleaseOutcome; retryAfterUs: number; forgery: Forgery }
  | { kind: 'release-cancel'; which: number; outcome: ReleaseOutcome; waiter: number }
  | { kind: 'advance'; us: number }
  | { kind: 'stall'; us: number }
  | { kind: 'past'; us: number };

const index = fc.nat({ max: 40 });
const oneResource = fc.nat({ max: RESOURCES.length - 1 });
const alias = fc.constantFrom('a', 'b');
const outcome = fc.constantFrom(...OUTCOMES);
const forgery = fc.constantFrom(...FORGERIES);
const retryAfterUs = fc.constantFrom(0, 0, 4, 50);

const command: fc.Arbitrary<Command> = fc.oneof(
  ...weighted(1, 'register', { model: fc.nat({ max: 1 }), alias, limit: fc.nat({ max: 5 }) }),
  ...weighted(2, 'try', { resource: oneResource }),
  ...weighted(6, 'acquire', { resource: oneResource, timeoutUs: fc.constantFrom(-1, 0, 3, 10, 25, 60) }),
  ...weighted(1, 'cancel', { which: index }),
  ...weighted(6, 'release', { which: index, outcome, retryAfterUs, forgery }),
  ...weighted(1, 'release-cancel', { which: index, outcome, waiter: index }),
  ...weighted(4, 'advance', { us: fc.constantFrom(1, 2, 5, 11, 40) }),
  ...weighted(1, 'stall', { us: fc.constantFrom(1, 7, 30) }),
  ...weighted(1, 'past', { us: fc.constantFrom(0.5, 40) }),
);
export const commands = fc.array(command, { maxLength: 60, size: 'max' });

export const settings: fc.Arbitrary<RequestAdmissionConfig> = fc
  .record({
    base: fc.constantFrom(REPAIRED, HISTORIC),
    cooldown: fc.constantFrom(1, 8, 20),
    decreaseRatio: fc.constantFrom(0.5, 0.9),
    increaseAfter: fc.constantFrom(1, 2),
    startupRamp: fc.constantFrom(0, 0, 30, 31.7),
    waitTimeout: fc.constantFrom(15, 40),
    retryAfterMax: fc.constantFrom(30, Infinity),
    weight: fc.constantFrom(1, 3),
    limitMax: fc.constantFrom(2, 9),
  })
  .map(({ base, weight, limitMax, ...fields }) => {
    const [chat] = RESOURCES;
    return { ...base, ...fields, resources: [{ ...chat, weight, limitMax }] };
  });

type Fields<Kind extends Command['kind']> = Omit<Extract<Command, { kind: Kind }>, 'kind'>;

function weighted<Kind extends Command['kind']>(
  weight: number,
  kind: Kind,
  fields: { [Field in keyof Fields<Kind>]: fc.Arbitrary<Fields<Kind>[Field]> },
) {
  const arbitrary = fc.record(fields).map((values) => ({ kind, ...values }) as unknown as Command);
  return [{ weight, arbitrary }];
}

interface Waiting {
  readonly resource: Resource;
  readonly deadlineAt: number;
}

export class World {
  readonly keeper: AdaptiveAdmission;
  readonly #config: RequestAdmissionConfig;
  readonly #often: boolean;
  readonly #waiting = new Map<number, Waiting>();
  readonly #out: RequestLease[] = [];
  readonly #released: RequestLease[] = [];
  readonly #caps = new Map<string, Map<string, number>>();
  readonly #restsUntil = new Map<string, number>();
  /** What became of each item, with the instant. */
  readonly log: string[] = [];
  now = 0;
  #items = 0;
  /** Nobody was woken late so far. */
  #punctual = true;

  constructor(config: RequestAdmissionConfig, keeper: AdaptiveAdmission, often = false) {
    this.#config = config;
    this.#often = often;
    this.keeper = keeper;
    this.#register(0, 'a', 4);
  }

  apply(step: Command): void {
    switch (step.kind) {
      case 'register':
        this.#register(step.model, step.alias, step.limit);
        break;
      case 'try':
        this.#try(RESOURCES[step.resource] as Resource);
        break;
      case 'acquire':
        this.#acquire(RESOURCES[step.resource] as Resource, step.timeoutUs);
        break;
      case 'cancel':
        this.#cancel(step.which);
        break;
      case 'release':
        if (step.forgery === 'none') this.#release(step.which, step.outcome, step.retryAfterUs);
        else this.#forge(step.which, step.forgery, step.outcome);
        break;
      case 'release-cancel':
        this.#release(step.which, step.outcome, 0);
        this.#cancel(step.waiter);
        break;
      case 'advance':
        this.#advance(this.now + step.us);
        break;
      case 'stall':
        this.now += step.us;
        this.#punctual = false;
        break;
      case 'past':
        this.#refusesThePast(step.us);
        break;
      default:
        step satisfies never;
    }
    this.#settle();
    if (step.kind !== 'stall' && step.kind !== 'past') this.#check();
  }

  /** Gives every lease back as success and lets time pass until nobody waits. */
  finish(): void {
    const bound = 10 * (this.#items + this.#out.length) + 100;
    for (let i = 0; i < bound && (this.#out.length > 0 || this.#waiting.size > 0); i++) {
      if (this.#out.length > 0) this.#release(0, 'success', 0);
      else this.#advance(this.keeper.nextWakeAt());
      this.#settle();
      this.#check();
    }
  }

  /** Once nobody rests or climbs, successes alone bring every limit back to all that is allowed. */
  recover(): void {
    this.#advance(this.now + RESTED_US);
    for (const resource of RESOURCES) {
      const endpoint = this.keeper.endpoint(this.now, resource.provider, resource.model);
      if (endpoint === undefined) continue;
      // Its ramp may begin here.
      this.#try(resource);
      this.#release(0, 'success', 0);
      this.#advance(this.now + RESTED_US);
      const successes = this.#config.increaseAfter * endpoint.cap + 1;
      for (let i = 0; i < successes; i++) {
        this.#try(resource);
        this.#release(0, 'success', 0);
      }
      const { limit, effectiveMax } = this.keeper.snapshot(this.now, resource) ?? {};
      claimEqual(limit, effectiveMax, 'the limit after a run of successes');
    }
  }

  #register(model: number, alias: string, limit: number): void {
    const name = MODELS[model] as string;
    const caps = this.#caps.get(name) ?? new Map<string, number>();
    this.#caps.set(name, caps.set(alias, Math.max(1, limit)));
    this.keeper.register(this.now, 'p', name, alias, limit);
  }

  #try(resource: Resource): void {
    const answer = this.keeper.tryAcquire(this.now, this.#items++, resource);
    this.log.push(`${this.now} try ${answer.kind}`);
    if (answer.kind === 'denied') return;
    const passed = [...this.#waiting.values()].filter((w) => w.resource === resource && w.deadlineAt > this.now);
    const polite = this.#config.newcomers === 'behind-endpoint';
    assert(!polite || passed.length === 0, 'a newcomer passes nobody of its resource');
    this.#grant(answer.lease, resource);
  }

  #acquire(resource: Resource, timeoutUs: number): void {
    const item = this.#items++;
    this.#waiting.set(item, { resource, deadlineAt: this.now + Math.max(0, timeoutUs) });
    this.keeper.acquire(this.now, item, resource, timeoutUs);
  }

  /** One of those who wait or have yet to take their answer; nobody is -1. */
  #cancel(which: number): void {
    const item = [...this.#waiting.keys()][which % Math.max(1, this.#waiting.size)] ?? -1;
    const deadlineAt = this.#waiting.get(item)?.deadlineAt ?? -Infinity;
    const cancelled = this.keeper.cancel(this.now, item);
    this.log.push(`${this.now} cancel ${item} ${cancelled}`);
    assert(cancelled || deadlineAt <= this.now, 'one who waits or has not taken its lease can cancel');
    const answer = this.#settle().find((effect) => effect.item === item);
    assert(!cancelled || answer?.kind === 'cancelled', 'one who cancelled is told so');
  }

  #release(which: number, outcome: ReleaseOutcome, retryAfterUs: number): void {
    const [lease] = this.#out.splice(which % Math.max(1, this.#out.length), 1);
    if (lease === undefined) return this.keeper.wake(this.now);
    this.#released.push(lease);
    if (outcome === 'rate-limited') this.#rest(keyOf(lease.resource), retryAfterUs);
    const answer = this.keeper.release(this.now, lease, outcome, retryAfterUs);
    assert(answer === 'released', 'a lease that is out is taken back');
  }

  #rest(key: string, retryAfterUs: number): void {
    const { cooldown, cooldownEnd, retryAfterMax } = this.#config;
    const until = this.now + (retryAfterUs > 0 ? Math.min(retryAfterUs, retryAfterMax) : cooldown);
    const before = cooldownEnd === 'later' ? (this.#restsUntil.get(key) ?? 0) : 0;
    this.#restsUntil.set(key, Math.max(before, until));
  }

  #forge(which: number, forgery: Exclude<Forgery, 'none'>, outcome: ReleaseOutcome): void {
    const lease = this.#out[which % Math.max(1, this.#out.length)];
    const old = this.#released[which % Math.max(1, this.#released.length)];
    if (lease === undefined || old === undefined) return this.keeper.wake(this.now);
    const before = this.keeper.held().leased;
    const [forged, refusal] = {
      again: [old, 'duplicate'] as const,
      generation: [{ ...lease, generation: 9 }, 'wrong-controller-generation'] as const,
      id: [{ ...lease, id: 1e9 }, 'unknown-lease'] as const,
      limit: [{ ...lease, limit: lease.limit + 1 }, 'stale-lease'] as const,
    }[forgery];
    assert(this.keeper.release(this.now, forged, outcome) === refusal, 'a forged lease is told apart');
    const granted = this.#settle().filter(({ kind }) => kind === 'granted').length;
    assert(this.keeper.held().leased === before + granted, 'a refused release gives nothing back');
  }

  /** What was heard last is the latest instant that is past; a stall may have left it behind. */
  #refusesThePast(us: number): void {
    const state = () => [this.keeper.held(), this.keeper.nextWakeAt(), this.keeper.snapshots(this.now)];
    this.keeper.wake(this.now);
    this.#settle();
    const before = state();
    claimRefused(() => this.keeper.wake(this.now - us), 'now went backwards');
    claimEqual(state(), before, 'after an input from the past');
  }

  #advance(until: number): void {
    for (let wakes = 0; ; wakes++) {
      assert(wakes < 1000, 'wakes come to an end');
      const asked = Math.max(this.keeper.nextWakeAt(), this.now);
      const whole = this.#often ? Math.floor(this.now) + 1 : Infinity;
      this.now = Math.min(asked, whole, until);
      const due = this.now === asked;
      if (due || this.#often) {
        this.keeper.wake(this.now);
        if (this.#often) this.keeper.snapshots(this.now);
        assert(this.#settle().length > 0 === due, 'a wake does something exactly when it was asked for');
        this.#check();
      }
      if (this.now === until && this.keeper.nextWakeAt() > until) return;
    }
  }

  /** Takes all effects and books them. */
  #settle(): readonly AdmissionEffect[] {
    const effects = takeAll(this.keeper);
    for (const effect of effects) {
      const waiter = this.#waiting.get(effect.item);
      assert(waiter !== undefined, 'an item is answered once, and only if it asked');
      this.#waiting.delete(effect.item);
      this.log.push(`${this.now} ${effect.kind} ${effect.item} ${effect.kind === 'denied' ? effect.reason : ''}`);
      if (effect.kind === 'granted') {
        assert(waiter.deadlineAt > this.now, 'no lease goes to one whose deadline has come');
        this.#grant(effect.lease, waiter.resource);
      } else if (effect.kind === 'denied' && effect.reason === 'queue-timeout') {
        assert(waiter.deadlineAt <= this.now, 'nobody times out early');
        assert(!this.#punctual || waiter.deadlineAt === this.now, 'nobody times out late');
      } else if (effect.kind === 'denied') {
        assert(effect.reason === 'hard-policy-denial', 'a wait ends in a lease, a timeout, a cancellation or for good');
        assert(this.#cap(waiter.resource) === Infinity, 'nobody is denied for good at a registered endpoint');
      }
    }
    return effects;
  }

  #grant(lease: RequestLease, resource: Resource): void {
    this.#out.push(lease);
    const sameEndpoint = this.#out.filter(({ resource: { model } }) => model === resource.model);
    const sameResource = sameEndpoint.filter(({ resource: { domain } }) => domain === resource.domain);
    assert(lease.acquiredAt === this.now, 'a lease is told of when it is granted');
    assert(keyOf(lease.resource) === keyOf(resource), 'a lease is of the resource that was asked for');
    assert(sameResource.length <= lease.limit, 'the limit at the grant is not passed');
    assert(lease.limit <= lease.effectiveMax, 'the limit is within the effective max');
    assert(sameEndpoint.length <= this.#cap(resource), 'the cap of the endpoint is not passed');
    assert((this.#restsUntil.get(keyOf(resource)) ?? 0) <= this.now, 'nobody passes during a cool-down');
  }

  #check(): void {
    this.keeper.checkInvariants();
    const { waiting, leased } = this.keeper.held();
    assert(waiting === this.#waiting.size, 'whoever asked is answered or waits');
    assert(leased === this.#out.length, 'a lease granted is out or was given back');
    assert(this.keeper.nextWakeAt() > this.now, 'what is due is done when an input returns');
    for (const { resource, deadlineAt } of this.#waiting.values()) {
      assert(deadlineAt > this.now, 'nobody waits past its deadline');
      const snapshot = this.keeper.snapshot(this.now, resource);
      const endpoint = this.keeper.endpoint(this.now, resource.provider, resource.model);
      assert(snapshot !== undefined && endpoint !== undefined, 'a resource somebody waits for is known');
      const full = snapshot.inFlight >= snapshot.limit || endpoint.inFlight >= endpoint.cap;
      assert(full || snapshot.cooldownRemainingUs > 0, 'no place idles while somebody may have it');
    }
  }

  /** Infinity when nobody has registered it. */
  #cap(resource: Resource): number {
    return Math.min(...(this.#caps.get(resource.model)?.values() ?? []));
  }
}

function keyOf({ model, domain }: Resource): string {
  return `${model} ${domain}`;
}

/**
 * The policies of a live gateway: the objects of `policies/`, made from the same block as a scenario's, each behind a
 * role in which another can follow it. Policies whose settings did not change keep their state.
 */
import { isDeepStrictEqual } from 'node:util';
import { Busy } from '../../../policies/busy/busy.ts';
import type { BusyThresholds } from '../../../policies/busy/monitor.ts';
import type { PolicyEntry } from '../../../policies/entry.ts';
import { makePolicies } from '../../../policies/index.ts';
import type { Health } from '../../../policies/health/types.ts';
import type { PoliciesConfig } from '../../../policies/schema.ts';
import type { AttemptView, Capacity, Micros, PolicySet, RequestView, Retry, Router } from '../../../policies/types.ts';
import { assert } from '../../kernel/assert.ts';
import type { FleetMemory } from './fleet-memory.ts';
import { GateGroup, type NamedGate } from './gate-group.ts';
import type { PolicySettings } from './input.ts';
import { PolicyStreams } from './policy-streams.ts';
import { QueueSuccession } from './queue-succession.ts';
import { RateSuccession } from './rate-succession.ts';
import { observing, Succession } from './succession.ts';

export interface LivePoliciesInit {
  readonly settings: PolicySettings;
  /** Root of the policies' streams. */
  readonly seed: string;
  readonly entries: readonly PolicyEntry[];
  /** Number of the journal's segment that begins here; 0: nothing came before. */
  readonly segment?: number;
}

/** By role; plain data. */
export type PolicyStates = Readonly<Record<'capacity' | 'rate' | 'queue' | 'router' | 'gates' | 'retry', unknown>>;

export class LivePolicies {
  /** What the core is made of. The object stays; who plays its roles may change. */
  readonly set: PolicySet;
  readonly gates: GateGroup;
  /** Whom the host asks when to probe; undefined: nobody probes. */
  health: Health | undefined;
  readonly #entries: readonly PolicyEntry[];
  readonly #memory: FleetMemory;
  readonly #capacity: Succession<Capacity>;
  readonly #rate: RateSuccession;
  readonly #queue: QueueSuccession;
  readonly #router: Succession<Router>;
  readonly #retry: Succession<Retry>;
  #config: PoliciesConfig;
  #retrySent: boolean;
  readonly #streams: PolicyStreams;

  constructor({ settings, seed, entries, segment = 0 }: LivePoliciesInit, memory: FleetMemory) {
    const { config } = settings;
    this.#config = config;
    this.#retrySent = settings.retrySent;
    this.#streams = new PolicyStreams(seed, segment);
    this.#entries = entries;
    this.#memory = memory;
    const made = makePolicies(config, this.#streams.generation(), entries);
    this.#capacity = new Succession(made.capacity);
    this.#rate = new RateSuccession(made.rate);
    this.#queue = new QueueSuccession(made.queue);
    this.#router = new Succession(made.router);
    this.#retry = new Succession(made.retry);
    this.gates = new GateGroup(named(config, made));
    this.health = made.health;
    this.set = this.#roles();
  }

  /** Replaces what is set otherwise; answers the names of those roles. */
  replace(now: Micros, { config, retrySent }: PolicySettings): string[] {
    this.#retrySent = retrySent;
    const old = this.#config;
    this.#config = config;
    const made = makePolicies(config, this.#streams.generation(), this.#entries);
    const replaced: string[] = [];
    const differs = (role: keyof PoliciesConfig): boolean => !isDeepStrictEqual(old[role], config[role]);
    const follow = <Policy extends object>(role: keyof PoliciesConfig, turn: Succession<Policy>, policy: Policy) => {
      if (!differs(role)) return;
      this.#memory.brief(now, policy);
      turn.current = policy;
      replaced.push(role);
    };
    follow('capacity', this.#capacity, made.capacity);
    follow('router', this.#router, made.router);
    if (differs('retry') || differs('retryBudget')) {
      this.#retry.current = made.retry;
      replaced.push('retry');
    }
    if (differs('rate')) {
      this.#rate.current = made.rate;
      replaced.push('rate');
    }
    if (differs('queue')) {
      const capacity = this.#capacity.current.current();
      this.#queue.replace(now, made.queue, capacity, (queue) => this.#memory.brief(now, queue));
      replaced.push('queue');
    }
    if (differs('gates')) {
      this.#replaceGates(now, old, named(config, made));
      replaced.push('gates');
    }
    if (differs('health')) {
      this.health = made.health;
      replaced.push('health');
    }
    for (const setting of ['timeouts', 'excludeFailedWorkers'] as const) if (differs(setting)) replaced.push(setting);
    return replaced;
  }

  /** Of the first busy gate; undefined when there is none. */
  get thresholds(): BusyThresholds | undefined {
    return this.#busyGates[0]?.thresholds;
  }

  /** Of every busy gate. Throws InvariantError when the thresholds make no sense. */
  setThresholds(now: Micros, changes: Partial<BusyThresholds>): void {
    for (const gate of this.#busyGates) gate.setThresholds(now, changes);
  }

  /** Of the current capacity policy. */
  get capacity(): Capacity {
    return this.#capacity.current;
  }

  get config(): PoliciesConfig {
    return this.#config;
  }

  get #busyGates(): Busy[] {
    return this.gates.gates.map(({ gate }) => gate).filter((gate) => gate instanceof Busy);
  }

  /** A gate at the same place with the same settings goes on. */
  #replaceGates(now: Micros, old: PoliciesConfig, gates: readonly NamedGate[]): void {
    const kept = this.gates.gates;
    const next = gates.map((gate, i) => {
      const same = kept[i];
      if (same !== undefined && isDeepStrictEqual(old.gates[i], this.#config.gates[i])) return same;
      this.#memory.brief(now, gate.gate);
      return gate;
    });
    this.gates.replace(next);
  }

  /**
   * A segment of the journal begins: draws go on in streams of its own. Answers the state of all policies, or the roles
   * that cannot tell theirs; `past` while a policy of the past still has leases.
   */
  beginSegment(segment: number): PolicyStates | { readonly missing: readonly string[] } {
    this.#streams.beginSegment(segment);
    const { gates } = this;
    const [capacity, rate, queue] = [this.#capacity.current, this.#rate, this.#queue];
    const [router, retry] = [this.#router.current, this.#retry.current];
    const roles = { capacity, rate, queue, router, gates, retry };
    const states = Object.entries(roles).map(([role, policy]) => [role, policy.snapshot?.()] as const);
    const missing = states.filter(([, state]) => state === undefined).map(([role]) => role);
    if (!this.isSettled) missing.push('past');
    return missing.length > 0 ? { missing } : (Object.fromEntries(states) as PolicyStates);
  }

  /** No lease, permit or charge belongs to a policy of the past. */
  get isSettled(): boolean {
    const turns = [this.#capacity, this.#rate, this.#queue, this.#router, this.gates, this.#retry];
    return turns.every(({ isSettled }) => isSettled);
  }

  /** Into policies that are fresh but for draws they made when they were. `attempts`: those that run, oldest first. */
  restore(states: PolicyStates, requestOf: (id: number) => RequestView, attempts: readonly AttemptView[]): void {
    this.#streams.rewind();
    const ids = attempts.map(({ id }) => id);
    const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]));
    const attemptOf = (id: number): AttemptView => {
      const attempt = byId.get(id);
      assert(attempt !== undefined, 'a policy names an attempt that does not run');
      return attempt;
    };
    for (const turn of [this.#capacity, this.#router, this.#retry]) turn.restore(ids);
    this.#capacity.current.restore?.(states.capacity, requestOf, attemptOf);
    this.#rate.restore(states.rate, requestOf, attemptOf);
    this.#queue.restore(states.queue, requestOf, attemptOf, ids);
    this.#router.current.restore?.(states.router, requestOf, attemptOf);
    this.gates.restore(states.gates, requestOf, attemptOf, ids);
    this.#retry.current.restore?.(states.retry, requestOf, attemptOf);
  }

  #roles(): PolicySet {
    const capacity = this.#capacity;
    const router = this.#router;
    const retry = this.#retry;
    const config = (): PoliciesConfig => this.#config;
    return {
      capacity: {
        ...observing(capacity),
        current: () => capacity.current.current(),
        source: () => capacity.current.source(),
      },
      rate: this.#rate,
      queue: this.#queue,
      router: { ...observing(router), pick: (now, request, fleet) => router.current.pick(now, request, fleet) },
      gates: [this.gates],
      retry: {
        ...observing(retry),
        delayUs: (now, request, result) => {
          if (!this.#retrySent && result.outcome !== 'refused') return -1;
          return retry.current.delayUs(now, request, result);
        },
      },
      get excludeFailedWorkers() {
        return config().excludeFailedWorkers;
      },
      get timeouts() {
        return config().timeouts;
      },
    };
  }
}

function named(config: PoliciesConfig, made: PolicySet): NamedGate[] {
  return made.gates.map((gate, i) => ({ name: config.gates[i]?.name ?? 'gate', gate }));
}

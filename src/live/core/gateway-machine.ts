/**
 * A live gateway without its sockets: the core, its replaceable policies and what is known of the fleet, driven by
 * inputs that are data. The proxy and the replay of its journal run this same object, so that equal inputs give equal
 * effects.
 */
import type { Micros } from '../../../policies/types.ts';
import { Gateway } from '../../gateway/gateway.ts';
import type { Attempt, RequestInit } from '../../gateway/request.ts';
import { gatewaySnapshot, type GatewaySnapshot, restoreGateway } from '../../gateway/snapshot.ts';
import { FleetMemory } from './fleet-memory.ts';
import type { GatewayInput } from './input.ts';
import { LivePolicies, type LivePoliciesInit, type PolicyStates } from './live-policies.ts';

export class GatewayMachine<Init extends RequestInit> {
  readonly gateway: Gateway<Init>;
  readonly policies: LivePolicies;
  readonly #memory = new FleetMemory();

  constructor(init: LivePoliciesInit) {
    this.policies = new LivePolicies(init, this.#memory);
    this.gateway = new Gateway<Init>(this.policies.set);
  }

  /** Enters the core; its effects are to be taken before the next input. */
  apply(now: Micros, input: GatewayInput<Init>): void {
    const { gateway } = this;
    switch (input.kind) {
      case 'arrive':
        gateway.arrive(now, input.request);
        break;
      case 'first-token':
        gateway.firstToken(now, input.attempt);
        break;
      case 'end':
        gateway.end(now, input.attempt, input.result);
        break;
      case 'abandon':
        gateway.abandon(now, input.request);
        break;
      case 'wake':
        gateway.wake(now);
        break;
      default:
        this.#applyNews(now, input);
    }
  }

  /**
   * Between two inputs: a segment of the journal begins. Answers all state, or which roles cannot tell theirs.
   */
  beginSegment(segment: number): MachineSnapshot | { readonly missing: readonly string[] } {
    const policies = this.policies.beginSegment(segment);
    if ('missing' in policies) return { missing: policies.missing };
    return { gateway: gatewaySnapshot(this.gateway.parts()), policies, fleet: this.#memory.snapshot() };
  }

  /** The fleet of a machine that told its state. */
  remember(fleet: unknown): void {
    this.#memory.restore(fleet);
  }

  /** What is known of the fleet, and what an operator changes. */
  #applyNews(now: Micros, input: Exclude<GatewayInput<Init>, { readonly kind: RequestKind }>): void {
    const { gateway } = this;
    switch (input.kind) {
      case 'discovered':
        this.#memory.discovered(input.workers);
        gateway.discovered(now, input.workers, input.names);
        break;
      case 'configured':
        this.#memory.configured(input.worker, input.ranks);
        gateway.configured(now, input.worker, input.ranks);
        break;
      case 'status':
        this.#memory.statusChanged(input.worker, input.status);
        gateway.workerStatus(now, input.worker, input.status);
        break;
      case 'report':
        this.#memory.reported(input.worker, input.rank, input.report);
        gateway.report(now, input.worker, input.rank, input.report);
        break;
      case 'thresholds':
        this.policies.setThresholds(now, input.changes);
        gateway.reconsider(now);
        break;
      case 'policies':
        this.policies.replace(now, input.next);
        gateway.reconsider(now);
        break;
      default:
        input satisfies never;
    }
  }
}

/** The whole state of a live gateway, as plain data. */
export interface MachineSnapshot {
  readonly gateway: GatewaySnapshot;
  readonly policies: PolicyStates;
  readonly fleet: unknown;
}

/**
 * A fresh machine of the same configuration and segment, as the one was that told its state; and the attempts that run
 * on it.
 */
export function restoredMachine(init: LivePoliciesInit, snapshot: MachineSnapshot): RestoredMachine {
  const machine = new GatewayMachine<RequestInit>(init);
  const { roster } = machine.gateway.parts();
  restoreGateway(machine.gateway.parts(), snapshot.gateway);
  const attempts = [...roster.values()].flatMap(({ attempt }) => attempt ?? []);
  attempts.sort((a, b) => a.id - b.id);
  machine.policies.restore(snapshot.policies, (id) => roster.known(id), attempts);
  machine.remember(snapshot.fleet);
  return { machine, attempts };
}

export interface RestoredMachine {
  readonly machine: GatewayMachine<RequestInit>;
  readonly attempts: readonly Attempt[];
}

type RequestKind = 'arrive' | 'first-token' | 'end' | 'abandon' | 'wake';

/**
 * Closed loop: a fixed number of users, each sending, waiting for its answer, thinking, sending again. At
 * most `users` requests are ever outstanding, so load follows the system's speed: how benchmark tools with a
 * concurrency setting behave.
 *
 * Each user has streams of its own, named by its number: what user 7 asks, and how long it thinks before it,
 * is the same whatever order answers come in. Only when it asks depends on the system. Users belong to
 * tenants for good, dealt out in proportion to weight rather than drawn, so that five users of two equal
 * tenants are never five to none.
 */
import { assert } from '../kernel/assert.ts';
import { sampler } from '../kernel/distribution.ts';
import { EventQueue, PHASE } from '../kernel/event-queue.ts';
import { stream } from '../kernel/rng.ts';
import type { Arrival, Workload } from './arrival.ts';
import type { ClosedWorkloadConfig, TenantConfig } from './config.ts';
import { RequestShape, assertBounded, totalWeight } from './request-shape.ts';

interface User {
  readonly tenant: TenantConfig;
  readonly shape: RequestShape;
  readonly thinkUs: () => number;
  /** Its request has been taken and is not completed. */
  waiting: boolean;
}

/** The host calls `completed` once for each arrival taken, whatever became of it; `now` never decreases. */
export class ClosedWorkload implements Workload {
  readonly #config: ClosedWorkloadConfig;
  readonly #seed: number | string;
  readonly #tenants: readonly TenantConfig[];
  /** Sends to come, ordered by (time, user). */
  readonly #sends = new EventQueue<number>();
  readonly #users: (User | undefined)[] = [];
  #taken = 0;
  #waiting = 0;

  constructor(config: ClosedWorkloadConfig, seed: number | string) {
    assertBounded(config);
    assert(Number.isInteger(config.users) && config.users >= 1, 'users must be a whole number, at least 1');
    this.#config = config;
    this.#seed = seed;
    this.#tenants = dealt(config.tenants, config.users);
    for (let user = 0; user < config.users; user++) {
      this.#schedule(Math.round((config.rampUs * user) / config.users), user);
    }
  }

  nextAt(): number {
    return this.#taken < this.#config.requests ? this.#sends.peekAt() : Infinity;
  }

  take(): Arrival {
    assert(this.nextAt() < Infinity, 'no arrival to take');
    this.#sends.pop();
    const index = this.#sends.data as number;
    const user = (this.#users[index] ??= this.#newUser(index));
    user.waiting = true;
    this.#waiting++;
    this.#taken++;
    return user.shape.next(this.#sends.at, index, user.tenant);
  }

  starved(): boolean {
    return false;
  }

  ended(): boolean {
    return this.#taken >= this.#config.requests || (this.#waiting === 0 && this.#sends.size === 0);
  }

  total(): number | undefined {
    return this.#config.durationUs === Infinity ? this.#config.requests : undefined;
  }

  completed(now: number, arrival: Arrival): void {
    const user = this.#users[arrival.user];
    assert(user !== undefined && user.waiting, 'a request completed that its user does not wait for');
    user.waiting = false;
    this.#waiting--;
    this.#schedule(Math.ceil(now) + Math.max(0, user.thinkUs()), arrival.user);
  }

  #schedule(at: number, user: number): void {
    if (at < this.#config.durationUs) this.#sends.push(at, PHASE.arrival, user, 0, user);
  }

  #newUser(index: number): User {
    const scope = `workload/user/${index}`;
    return {
      tenant: this.#tenants[index] as TenantConfig,
      shape: new RequestShape(this.#config, this.#seed, scope),
      thinkUs: sampler(this.#config.thinkUs, stream(this.#seed, `${scope}/think`)),
      waiting: false,
    };
  }
}

/**
 * The tenant of each user: each next user goes to the tenant furthest below its share, the first named on
 * ties.
 */
function dealt(tenants: readonly TenantConfig[], users: number): TenantConfig[] {
  const total = totalWeight(tenants);
  const counts = tenants.map(() => 0);
  const owners: TenantConfig[] = [];
  while (owners.length < users) {
    let best = 0;
    let bestShort = -Infinity;
    tenants.forEach((tenant, i) => {
      const short = (tenant.weight / total) * (owners.length + 1) - (counts[i] as number);
      if (short > bestShort) {
        best = i;
        bestShort = short;
      }
    });
    counts[best] = (counts[best] as number) + 1;
    owners.push(tenants[best] as TenantConfig);
  }
  return owners;
}

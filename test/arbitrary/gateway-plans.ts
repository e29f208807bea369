/** Policy sets for a gateway, as plain data, and the live objects made of them: production policies and hard ones. */
import fc from 'fast-check';
import { Tiers } from '../../policies/capacity/tiers.ts';
import { ConcurrencyLimit } from '../../policies/gate/concurrency-limit.ts';
import { Fifo } from '../../policies/queue/fifo.ts';
import { NoQueue } from '../../policies/queue/none.ts';
import { NoRateLimit } from '../../policies/rate/none.ts';
import { TenantLimit } from '../../policies/rate/tenant-limit.ts';
import { Exponential } from '../../policies/retry/exponential.ts';
import { NoRetry } from '../../policies/retry/none.ts';
import { REFUSE } from '../../policies/router/answers.ts';
import { LeastLoad } from '../../policies/router/least-load.ts';
import { PowerOfTwo } from '../../policies/router/power-of-two.ts';
import { RoundRobin } from '../../policies/router/round-robin.ts';
import type { Capacity, Gate, Micros, PolicySet, Queue, Retry, Router, Timeouts } from '../../policies/types.ts';
import { stream } from '../../src/kernel/rng.ts';
import {
  After,
  ClosedUntil,
  Flipping,
  Knob,
  Offended,
  Preempting,
  Ticking,
  Told,
} from '../harness/gateway-policies.ts';

export const UNWANTED_TOKENS = 50;

const RATE = { tokensPerMinute: 500, requestsPerMinute: 12 };

export interface Plan {
  readonly workers: number;
  /** Permits at the start, or capacity tiers fed by reports. */
  readonly capacity: number | 'tiers';
  /** `tenant`: all are charged, and those beyond the first dozen or so refused. */
  readonly rate: 'none' | 'tenant';
  readonly queue: 'fifo' | 'none' | 'preempting' | 'ticking';
  readonly waiters: number;
  readonly queueUs: Micros;
  /**
   * `moody` turns a third of its questions down, `picky` every request with UNWANTED_TOKENS; of those `strict` refuses
   * every other one on arrival and the rest when they are tried again.
   */
  readonly router: 'round-robin' | 'power-of-two' | 'least-load' | 'moody' | 'picky' | 'strict';
  readonly gates: readonly ('limit-1' | 'limit-2' | 'closed-until-40' | 'flipping' | 'offended')[];
  readonly retry: 'none' | 'exponential' | 'at-once' | 'after';
  readonly excludeFailedWorkers: boolean;
  readonly timeouts: Timeouts;
}

const bound = (...us: number[]) => fc.constantFrom(...us, Infinity);

export const gatewayPlan: fc.Arbitrary<Plan> = fc
  .record({
    workers: fc.constantFrom(1, 2, 3, 4),
    capacity: fc.constantFrom<number | 'tiers'>(1, 2, 3, Infinity, 'tiers'),
    rate: fc.constantFrom('none', 'none', 'none', 'tenant'),
    queue: fc.constantFrom('fifo', 'fifo', 'none', 'preempting', 'ticking'),
    waiters: fc.constantFrom(4, 0, 1),
    queueUs: bound(20, 50),
    router: fc.constantFrom('round-robin', 'power-of-two', 'least-load', 'moody', 'picky', 'strict'),
    gates: fc.uniqueArray(fc.constantFrom('limit-1', 'limit-2', 'closed-until-40', 'flipping', 'offended'), {
      maxLength: 3, size: 'max',
    }),
    retry: fc.constantFrom('none', 'exponential', 'at-once', 'after'),
    excludeFailedWorkers: fc.boolean(),
    timeouts: fc.record({ requestUs: bound(30, 100), attemptUs: bound(20, 60), workerUs: bound(25, 0) }),
  })
  // A router may turn a request down for ever: then its patience must end.
  .map((plan) => {
    const { timeouts } = plan;
    const turnsDown = plan.router === 'moody' || plan.router === 'picky';
    if (!turnsDown || timeouts.workerUs !== Infinity) return plan;
    return { ...plan, timeouts: { ...timeouts, workerUs: 40 } };
  });

/** What is known of a plan's policies, for the checks that only hold of some. */
export interface Planned {
  readonly set: PolicySet;
  /** Undefined when reports decide the capacity. */
  readonly knob: Knob | undefined;
  /** The router turns a request down always or never. */
  readonly willing: boolean;
  readonly picky: boolean;
  /** Whoever is inside was charged. */
  readonly charged: boolean;
  /** The queue admits whenever a permit is free, and never more than that. */
  readonly prompt: boolean;
}

export function planned(plan: Plan): Planned {
  const knob = plan.capacity === 'tiers' ? undefined : new Knob(plan.capacity);
  return {
    set: {
      capacity: knob ?? tiers(),
      rate: plan.rate === 'none' ? new NoRateLimit() : tenantLimit(),
      queue: queueOf(plan),
      router: routerOf(plan.router),
      gates: plan.gates.map(gateOf),
      retry: retryOf(plan.retry),
      excludeFailedWorkers: plan.excludeFailedWorkers,
      timeouts: plan.timeouts,
    },
    knob,
    willing: plan.router !== 'moody',
    picky: plan.router === 'picky',
    charged: plan.rate === 'tenant',
    prompt: plan.queue === 'fifo' || plan.queue === 'preempting',
  };
}

function tenantLimit(): TenantLimit {
  return new TenantLimit({ name: 'tenant-limit', default: RATE, tenants: {} });
}

function tiers(): Capacity {
  return new Tiers({
    name: 'tiers', override: 0, slotsPerWorker: 2, legacyMaxConcurrent: 3,
    whenNoneHealthy: 'hold', whenTooLarge: 'saturate',
  });
}

function queueOf({ queue, waiters, queueUs }: Plan): Queue {
  switch (queue) {
    case 'fifo':
      return new Fifo({ name: 'fifo', size: waiters, timeout: queueUs });
    case 'none':
      return new NoQueue();
    case 'preempting':
      return new Preempting(waiters, queueUs);
    case 'ticking':
      return new Ticking(7);
  }
}

function routerOf(name: Plan['router']): Router {
  switch (name) {
    case 'round-robin':
      return new RoundRobin();
    case 'power-of-two':
      return new PowerOfTwo(
        { name: 'power-of-two', reportMaxAge: 50, withoutReports: 'in-flight' }, stream(1, 'router'),
      );
    case 'least-load':
      return new LeastLoad({
        name: 'least-load', kvPressureWeight: 0.15, defaultThroughput: 2000, meanPrefillTokens: 1024,
        reportMaxAge: 50, credit: 'prompt',
      });
    case 'strict':
      return new Told(({ id, promptTokens, attemptCount }) => {
        return promptTokens === UNWANTED_TOKENS && (id % 2 === 0 || attemptCount > 0) ? REFUSE : 0;
      });
    case 'picky':
      return new Told((request) => (request.promptTokens === UNWANTED_TOKENS ? -1 : 0));
    case 'moody': {
      const rng = stream(2, 'router');
      return new Told((_request, candidates) => {
        const draw = Math.floor(rng() * 1.5 * candidates.length);
        return draw < candidates.length ? draw : -1;
      });
    }
  }
}

function gateOf(name: Plan['gates'][number]): Gate {
  switch (name) {
    case 'limit-1':
      return new ConcurrencyLimit(1);
    case 'limit-2':
      return new ConcurrencyLimit(2);
    case 'closed-until-40':
      return new ClosedUntil(40);
    case 'flipping':
      return new Flipping(14);
    case 'offended':
      return new Offended(25);
  }
}

function retryOf(name: Plan['retry']): Retry {
  switch (name) {
    case 'none':
      return new NoRetry();
    case 'exponential':
      return new Exponential({
        name: 'exponential', maxAttempts: 3, initialBackoff: 1000, maxBackoff: 4000, backoffMultiplier: 2,
        jitterFactor: 0.2, cap: 'after-jitter', retryAfter: 'honour',
      }, stream(3, 'retry'));
    case 'at-once':
      return new After(0, 0, 0);
    case 'after':
      return new After(5, 0, 12);
  }
}

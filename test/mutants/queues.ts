/** Wrong queues: order, bounds, rates, reservations and preemption. */
import { CLASSES } from '../../policies/priority/classes.ts';
import type { PriorityConfig } from '../../policies/priority/config.ts';
import { Scheduler } from '../../policies/priority/scheduler.ts';
import type { adaptiveLifo } from '../../policies/queue/adaptive-lifo.ts';
import { codel } from '../../policies/queue/codel.ts';
import type { FifoConfig } from '../../policies/queue/config.ts';
import type { deadline } from '../../policies/queue/deadline.ts';
import { Fifo } from '../../policies/queue/fifo.ts';
import { tokenBucket } from '../../policies/rate/bucket-queue.ts';
import type { TenantLimitConfig, TokenBucketConfig } from '../../policies/rate/config.ts';
import { TenantLimit } from '../../policies/rate/tenant-limit.ts';
import type { Queue } from '../../policies/types.ts';
import { bucketQueueProperty } from '../harness/policies/bucket-queue-property.ts';
import { claimsOf, disciplineProperty } from '../harness/policies/discipline-property.ts';
import { fifoProperty } from '../harness/policies/fifo-property.ts';
import { schedulerProperty } from '../harness/policies/priority-property.ts';
import { tenantLimitProperty } from '../harness/policies/tenant-limit-property.ts';
import { edit, edited, type Family, family } from './family.ts';

const context = { rng: () => 0.5 };

/** Waits as long as it takes. */
class EndlessFifo extends Fifo {
  constructor(config: FifoConfig) {
    super({ ...config, timeout: Infinity });
  }
}

function wrongFifo(from: string, to: string) {
  const Wrong = edited<typeof Fifo>('queue/fifo.ts', 'Fifo', edit('queue/fifo.ts', from, to));
  return (config: FifoConfig) => new Wrong(config);
}

const firstCome = family('first come, first served', fifoProperty, (config) => new Fifo(config), [
  {
    name: 'the newest waiter goes first',
    make: wrongFifo('const waiter = this.#waiting.shift();', 'const waiter = this.#waiting.pop();'),
    ...{ runs: 100, commands: 5 },
  },
  {
    name: 'a waiter that is cancelled keeps its place',
    make: wrongFifo('    this.#waiting.delete(id);\n', ''),
    ...{ runs: 60, commands: 3 },
  },
  { name: 'no wait ever ends', make: (config) => new EndlessFifo(config), runs: 20, commands: 3 },
  {
    name: 'a waiter is admitted although its time is up',
    make: wrongFifo('    this.#admitted.delete(id);\n    this.#enter(now);\n', '    this.#admitted.delete(id);\n'),
    ...{ runs: 20, commands: 5 },
  },
  {
    name: 'time may run backwards',
    make: wrongFifo("    assert(now >= this.#now, 'now went backwards at the queue');\n", ''),
    ...{ runs: 20, commands: 2 },
  },
]);

const codelJudges = edit('queue/codel.ts', 'if (now >= this.#intervalEndsAt) this.#judge(now);', 'this.#judge(now);');
const lifoAlways = edit('queue/adaptive-lifo.ts', 'now - oldest.since >= this.#thresholdUs', 'now >= oldest.since');
const doomedGoIn = edit('queue/deadline.ts', 'return this.#isDoomed(now, request) ? { kind', 'return now < 0 ? { kind');

const disciplines = family('queue disciplines', disciplineProperty, claimsOf.codel(codel), [
  {
    name: 'controlled delay judges at every look, a spurious wake included',
    make: claimsOf.codel(edited<typeof codel>('queue/codel.ts', 'codel', codelJudges)),
    ...{ runs: 40, commands: 6 },
  },
  {
    name: 'adaptive LIFO serves the newest while nobody is late',
    make: claimsOf.adaptiveLifo(edited<typeof adaptiveLifo>('queue/adaptive-lifo.ts', 'adaptiveLifo', lifoAlways)),
    ...{ runs: 40, commands: 6 },
  },
  {
    name: 'earliest deadline admits who cannot make it',
    make: claimsOf.deadline(edited<typeof deadline>('queue/deadline.ts', 'deadline', doomedGoIn)),
    ...{ runs: 60, commands: 6 },
  },
]);

function wrongBucket(from: string, to: string): (config: TokenBucketConfig) => Queue {
  const change = edit('rate/token-bucket.ts', from, to);
  const wrong = edited<typeof tokenBucket>('rate/bucket-queue.ts', 'tokenBucket', change);
  return (config) => wrong.make(config, context);
}

const rates = family(
  'token bucket',
  (make: (config: TokenBucketConfig) => Queue) => bucketQueueProperty(make),
  (config) => tokenBucket.make(config, context),
  [
    {
      name: 'the bucket fills beyond its burst',
      make: wrongBucket('return Math.min(this.#capacity, this.#tokens + inflow);', 'return this.#tokens + inflow;'),
      ...{ runs: 100, commands: 6 },
    },
    {
      name: 'a token is promised a moment too early',
      make: wrongBucket('let at = Math.ceil(now + (missing / this', 'return now + 1;\n    let at = ((missing / this'),
      ...{ runs: 100, commands: 6 },
    },
  ],
);

function wrongTenantLimit(file: string, from: string, to: string) {
  const change = edit(`rate/${file}`, from, to);
  const Wrong = edited<typeof TenantLimit>('rate/tenant-limit.ts', 'TenantLimit', change);
  return (config: TenantLimitConfig) => new Wrong(config);
}

const tenants = family('rate by tenant', tenantLimitProperty, (config) => new TenantLimit(config), [
  {
    name: 'an estimate is never settled to what was used',
    make: wrongTenantLimit('tenant-limit.ts', 'if (usedTokens >= 0) charge.bucket', 'if (now < 0) charge.bucket'),
    ...{ runs: 200, commands: 6 },
  },
  {
    name: 'requests are never charged',
    make: wrongTenantLimit('scope-bucket.ts', '    this.#requests -= requests;\n', ''),
    ...{ runs: 400, commands: 8 },
  },
]);

/** Nobody is ever starved in its eyes. */
function unmoved(config: PriorityConfig): Scheduler {
  const classes = CLASSES.map((name) => [name, { ...config.classes[name], starvation: Infinity }]);
  return new Scheduler({ ...config, classes: Object.fromEntries(classes) as PriorityConfig['classes'] });
}

/** Never hears of a first token. */
class DeafScheduler extends Scheduler {
  override firstToken(): void {}
}

const reservedForNobody = edit('priority/slot-pool.ts', 'this.#total - held', 'this.#total');
const Unreserving = edited<typeof Scheduler>('priority/scheduler.ts', 'Scheduler', reservedForNobody);

const priorities = family(
  'priority classes',
  (make: (config: PriorityConfig) => Scheduler) => schedulerProperty('repaired', make),
  (config) => new Scheduler(config),
  [
    {
      name: 'reservations are ignored',
      make: (config) => new Unreserving(config),
      ...{ runs: 40, commands: 6 },
    },
    {
      name: 'an attempt is preempted after its first byte',
      make: (config) => new DeafScheduler(config),
      ...{ runs: 400, commands: 8 },
    },
    { name: 'nobody is ever starved', make: unmoved, runs: 100, commands: 8 },
    {
      name: 'anybody may take the slot that a preemption freed (smg defect 16)',
      make: (config) => new Scheduler({ ...config, preemptedSlot: 'open' }),
      ...{ runs: 400, commands: 8 },
    },
  ],
);

export const queueFamilies: readonly Family[] = [firstCome, disciplines, rates, tenants, priorities];

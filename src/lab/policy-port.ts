/**
 * The port as tables: for each role the members that a policy must have, and what each may answer. A table is as strict
 * as a core relies on: what would break a core, or make it wait for ever, is refused here. What the cores check
 * themselves, and what is for reports only, is checked for its kind.
 */
import type { AdmissionEffect, ReleaseAnswer } from '../../policies/admission/types.ts';
import type { PolicyRole } from '../../policies/entry.ts';
import type { TaskDenialReason } from '../../policies/task/types.ts';
import type { CapacitySource, FinishCause, FleetView, QueueEffect, WorkerStatus } from '../../policies/types.ts';

/** What is allowed, when the answer is not; undefined when it is. */
export type Check = (answer: unknown, args: readonly unknown[]) => string | undefined;

/** An answer that plays a role of its own, or undefined where there may be none. */
export interface Nested {
  readonly check: Check;
  readonly port: RolePort;
}
export type RolePort = Readonly<Record<string, Check | Nested>>;

const CAUSES = keysOf<Exclude<FinishCause, 'none'>>({
  'queue-full': true,
  'queue-timeout': true,
  'no-worker': true,
  'all-busy': true,
  'rate-limited': true,
  preempted: true,
  deadline: true,
  upstream: true,
  client: true,
});
const SOURCES = keysOf<CapacitySource>({
  override: true,
  'worker-reported': true,
  mixed: true,
  'legacy-fallback': true,
});
const STATUSES = keysOf<WorkerStatus>({
  pending: true,
  ready: true,
  'not-ready': true,
  failed: true,
  draining: true,
});
const RELEASES = keysOf<ReleaseAnswer>({
  released: true,
  'wrong-controller-generation': true,
  duplicate: true,
  'unknown-lease': true,
  'stale-lease': true,
});
const TASK_DENIALS = keysOf<TaskDenialReason>({ 'no-capacity': true, 'group-cap': true, 'borrow-debt': true });

const truth = oneOf(true, false);
const instant: Check = (answer) => (isNumber(answer) ? undefined : 'an instant, or Infinity');
const duration: Check = (answer) => (isNumber(answer) && answer >= 0 ? undefined : 'microseconds ≥ 0');
const amount: Check = (answer) => (isWhole(answer, 0) ? undefined : 'a whole number ≥ 0');
const list: Check = (answer) => (Array.isArray(answer) ? undefined : 'an array');
const map: Check = (answer) => (answer instanceof Map ? undefined : 'a Map');
const object: Check = (answer) => (isObject(answer) ? undefined : 'an object');

function anything(): undefined {
  return undefined;
}

function oneOf(...values: readonly unknown[]): Check {
  return (answer) => (values.includes(answer) ? undefined : values.join(', '));
}

function optional(check: Check): Check {
  return (answer, args) => {
    const allowed = answer === undefined ? undefined : check(answer, args);
    return allowed === undefined ? undefined : `${allowed}, or undefined`;
  };
}

/** An object of these counts. */
function counts(...names: readonly string[]): Check {
  return (answer) => {
    const sound = isObject(answer) && names.every((name) => isWhole(answer[name], 0));
    return sound ? undefined : `counts {${names.join(', ')}}`;
  };
}

/** An object whose `kind` is one of these and which has the members of that kind. */
function effect<Kind extends string>(what: string, kinds: Readonly<Record<Kind, (effect: Members) => boolean>>): Check {
  const known: Readonly<Record<string, (effect: Members) => boolean>> = kinds;
  return (answer) => {
    if (!isObject(answer) || typeof answer['kind'] !== 'string') return what;
    return Object.hasOwn(known, answer['kind']) && known[answer['kind']]?.(answer) === true ? undefined : what;
  };
}

const queueEffect = effect<QueueEffect['kind']>('a queue effect', {
  admit: ({ request }) => isObject(request),
  shed: ({ request, cause }) => isObject(request) && CAUSES.includes(cause as string),
  preempt: ({ attempt }) => isObject(attempt),
});

const granted = ({ item, lease }: Members) => isWhole(item, 0) && isObject(lease);
const denied = ({ item, resource, reason }: Members) => {
  return isWhole(item, 0) && isObject(resource) && typeof reason === 'string';
};
const admissionEffect = effect<AdmissionEffect['kind']>('an admission effect', {
  granted,
  denied,
  cancelled: ({ item }) => isWhole(item, 0),
});

const router: RolePort = {
  pick: (answer, [, , candidates]) => {
    const last = (candidates as FleetView).length - 1;
    return isWhole(answer, -2, last) ? undefined : `a whole number from -2 (refuse), -1 (wait) to ${last}`;
  },
};

const queue: RolePort = {
  offer: oneOf('admitted', 'queued', ...CAUSES),
  leave: anything,
  capacityChanged: anything,
  wake: anything,
  take: optional(queueEffect),
  nextWakeAt: instant,
  held: counts('waiting', 'admitted'),
};

const health: RolePort = {
  discovered: anything,
  replaced: anything,
  drain: instant,
  status: oneOf(...STATUSES),
  nextProbeAt: instant,
  launch: optional((answer, [now]) => {
    const { worker, timeoutAt } = (answer ?? {}) as Members;
    const sound = isWhole(worker, 0) && isNumber(timeoutAt) && timeoutAt >= (now as number);
    return sound ? undefined : 'a probe {id, worker, launchedAt, timeoutAt} that ends at now or later';
  }),
  settled: optional((answer) => {
    const { worker, from, to, remove } = (answer ?? {}) as Members;
    const statuses = STATUSES.includes(from as string) && STATUSES.includes(to as string);
    const sound = isWhole(worker, 0) && statuses && typeof remove === 'boolean';
    return sound ? undefined : 'a change {worker, from, to, remove}';
  }),
  held: counts('probes'),
};

const taskQueue: RolePort = {
  size: amount,
  has: truth,
  enqueue: list,
  discard: truth,
  discardGroup: amount,
  select: optional((answer) => {
    return isObject(answer) && isObject(answer['task']) ? undefined : 'a selection {task, revision}';
  }),
  commit: truth,
  heads: list,
  queuedByGroup: map,
  demand: map,
  held: counts('waiting'),
  checkInvariants: anything,
};

const taskAdmission: RolePort = {
  verdict: (answer) => (isObject(answer) && typeof answer['allowed'] === 'boolean' ? undefined : 'a verdict {allowed}'),
  eligible: truth,
  tryAcquire: (answer) => {
    if (!isObject(answer)) return 'a lease or a denial';
    const sound = 'reason' in answer ? TASK_DENIALS.includes(answer['reason'] as string) : isObject(answer['plan']);
    return sound ? undefined : 'a lease {id, generation, task, plan} or a denial {reason, by}';
  },
  release: oneOf(...RELEASES),
  explainBlocked: map,
  limit: amount,
  available: amount,
  resources: list,
  usage: map,
  held: counts('leased'),
  leakCounts: object,
  checkInvariants: anything,
};

const advisory: RolePort = {
  pressure: oneOf(undefined, 'endpoint-full', 'cooldown', 'waiters', 'at-limit'),
  passes: truth,
};

const scheduler: RolePort = {
  plans: list,
  queue: { check: object, port: taskQueue },
  admission: { check: object, port: taskAdmission },
  advisory: { check: optional(object), port: advisory },
  yieldAfterDispatch: truth,
};

const tasks: RolePort = {
  schedule: {
    check: (answer, [generators]) => {
      const { plans } = (answer ?? {}) as { plans?: readonly unknown[] };
      const count = (generators as readonly unknown[]).length;
      const sound = Array.isArray(plans) && plans.length === count && plans.every(isPlan);
      return sound ? undefined : `a scheduler with a plan {group, needs} for each generator (${count})`;
    },
    port: scheduler,
  },
};

const admission: RolePort = {
  register: anything,
  tryAcquire: effect('a grant or a denial', { granted, denied }),
  acquire: instant,
  cancel: truth,
  release: oneOf(...RELEASES),
  wake: anything,
  take: optional(admissionEffect),
  nextWakeAt: instant,
  held: counts('waiting', 'leased'),
  snapshot: optional(object),
  snapshots: list,
  endpoint: optional(object),
  endpoints: list,
  leakCounts: object,
  eventCounts: object,
  checkInvariants: anything,
};

export const PORT: Readonly<Record<PolicyRole, RolePort>> = {
  router,
  queue,
  health,
  tasks,
  admission,
  gate: {
    allows: truth,
    reconsiderAt: (answer, [now]) => {
      return isNumber(answer) && answer > (now as number) ? undefined : 'an instant after now, or Infinity';
    },
  },
  capacity: {
    current: (answer) => (isWhole(answer, 0) || answer === Infinity ? undefined : 'a whole number ≥ 0, or Infinity'),
    source: oneOf(...SOURCES),
  },
  rate: {
    charge: (answer) => {
      return isNumber(answer) && answer >= 0 ? undefined : '0 (charged), or microseconds until it may, or Infinity';
    },
    settle: anything,
    held: counts('charges'),
  },
  retry: {
    delayUs: (answer) => {
      const delay = isNumber(answer) && Number.isFinite(answer) && answer >= 0;
      return delay || answer === -1 ? undefined : 'microseconds ≥ 0, finite, or -1 to give up';
    },
  },
  'retry-budget': { allows: truth },
  salvage: {
    classify: oneOf('retry', 'drop'),
    afterRounds: oneOf('preserve', 'drop'),
    roundsMax: (answer) => (isWhole(answer, 1) ? undefined : 'a whole number ≥ 1'),
    pacingUs: duration,
    pacedBy: oneOf('preserved', 'rate-limited'),
    queueTimeout: oneOf('own-cause', 'provider-timeout'),
    preserveForUs: duration,
    preserveStarts: (answer) => {
      return isWhole(answer, 1) || answer === Infinity ? undefined : 'a whole number ≥ 1, or Infinity';
    },
  },
};

type Members = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function isWhole(value: unknown, min: number, max = Infinity): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isPlan(value: unknown): boolean {
  if (!isObject(value) || !isObject(value['group'])) return false;
  const { key, weight } = value['group'];
  return typeof key === 'string' && isNumber(weight) && weight > 0 && value['needs'] instanceof Map;
}

/** The members of a union of texts, none forgotten. */
function keysOf<Union extends string>(table: Readonly<Record<Union, true>>): readonly string[] {
  return Object.keys(table);
}

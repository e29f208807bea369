/**
 * One decision of each role, over a fleet of 16 workers that holds 64 leases, with the state that the decision meets in
 * service: reports, leases, waiters. Requests, views and leases are made beforehand, as a host has them at hand, so
 * that what a decision allocates is the policy's own.
 */
import type { RequestAdmission, RequestLease, Resource } from '../../policies/admission/types.ts';
import type { PolicyEntry, PolicyRole, PolicyRoles } from '../../policies/entry.ts';
import type { SchedulableTask, TaskLease } from '../../policies/task/types.ts';
import type { Capacity, Gate, Queue, RequestView, Router, WorkerView } from '../../policies/types.ts';
import { attemptResult, loadReport, requestView, workerView } from '../policies/views.ts';

/** Makes the decision once and answers something of it, so that it cannot be left out; `i` counts its calls. */
export type Decision = (i: number) => number;

export interface Subject {
  readonly role: PolicyRole;
  readonly name: string;
  /** What one decision is made of. */
  readonly of: string;
  readonly decide: Decision;
}

const WORKERS = 16;
const LEASES = 64;
const CAPACITY = 256;
const WAITERS = 16;
const REQUESTS = 1024;
/** Decisions between two load reports of the whole fleet. */
const REPORT_EVERY = 4096;
/** Time between two decisions, in µs: a thousand a second. */
const TICK_US = 1000;
const OK = attemptResult({ outcome: 'ok', status: 200 });
const REFUSED = attemptResult({ outcome: 'refused', status: 503 });

const requests: readonly RequestView[] = Array.from({ length: REQUESTS }, (_, id) => {
  const prefix = id % 32;
  const blockHashes = Array.from({ length: 8 }, (_, block) => (block < 4 ? prefix : id) * 8 + block);
  const keys = { prefixKey: prefix + 1, routingKey: `session ${id % 64}`, tenant: `tenant ${id % 8}` };
  return requestView({ id, blockHashes, blockTokens: 16, promptTokens: 128 + (id % 7) * 100, ...keys });
});
const fleet: (WorkerView & { reportedAt: number })[] = Array.from({ length: WORKERS }, (_, index) => {
  const load = { inFlight: LEASES / WORKERS, inFlightTokens: 1000 + index, reportedAt: 0 };
  return workerView({ index, ...load, reportedRunning: 4, reportedWaiting: 0, reportedKvUsageRatio: (index % 5) / 10 });
});
const reports = Array.from({ length: WORKERS }, (_, index) => {
  const blocks = { kvUsedBlocks: 100 + index, kvTotalBlocks: 1000, decodeBlocks: 90 };
  return loadReport({ running: 4, waiting: 0, ...blocks, prefillTokens: 0, maxBatchedTokens: 8192, maxRunning: 256 });
});

/** A seeded stream of draws that allocates nothing (a linear congruential generator). */
function draws(): () => number {
  // In an array: a variable of this size would be a new object at each draw.
  const state = new Uint32Array([7251730]);
  return () => (state[0] = (Math.imul(state[0] as number, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const requestAt = (i: number) => requests[i % REQUESTS] as RequestView;

type Policy = Router | Gate | Capacity;

/** The policy is told of the fleet and of what each worker last reported. */
function introduce(policy: Policy): void {
  policy.discovered?.(
    0,
    fleet.map(({ index }) => index),
  );
  for (const { index } of fleet) {
    policy.configured?.(0, index, 1);
    policy.statusChanged?.(0, index, 'ready');
  }
  report(policy, 0);
}

/** Every worker reports, so that no policy falls back on what it does without. */
function report(policy: Policy, now: number): void {
  for (const worker of fleet) {
    worker.reportedAt = now;
    policy.reported?.(now, worker.index, 0, reports[worker.index] as (typeof reports)[number]);
  }
}

/** Leases that the policy is told of; the oldest is settled and granted anew by `turn`. */
function leases(policy: Pick<Policy, 'granted' | 'firstToken' | 'settled'>) {
  const held = Array.from({ length: LEASES }, (_, id) => {
    return { id, request: requestAt(id), worker: fleet[id % WORKERS] as WorkerView, startedAt: 0 };
  });
  for (const attempt of held) policy.granted?.(0, attempt);
  let ids = LEASES;
  const turn = (now: number) => {
    const attempt = held[ids % LEASES] as (typeof held)[number];
    policy.settled?.(now, attempt, OK);
    attempt.id = ids++;
    attempt.startedAt = now;
    policy.granted?.(now, attempt);
    policy.firstToken?.(now, attempt);
  };
  return turn;
}

function capacity(policy: Capacity): Decision {
  introduce(policy);
  const turn = leases(policy);
  return (i) => {
    turn(i * TICK_US);
    return policy.current();
  };
}

function router(policy: Router): Decision {
  introduce(policy);
  leases(policy);
  return (i) => {
    if (i % REPORT_EVERY === 0) report(policy, i * TICK_US);
    return policy.pick(i * TICK_US, requestAt(i), fleet);
  };
}

function gate(policy: Gate): Decision {
  introduce(policy);
  leases(policy);
  return (i) => {
    if (i % REPORT_EVERY === 0) report(policy, i * TICK_US);
    return Number(policy.allows(i * TICK_US, fleet[i % WORKERS] as WorkerView));
  };
}

/** Someone leaves, whose turn it is enters, a newcomer waits. */
function queue(policy: Queue): Decision {
  policy.capacityChanged(0, CAPACITY);
  const admitted: RequestView[] = [];
  const idle = [...requests];
  // A queue that lets everyone in has no waiters.
  for (let waiting = 0; waiting < WAITERS && admitted.length <= CAPACITY; ) {
    const request = idle.shift() as RequestView;
    if (policy.offer(0, request) === 'admitted') admitted.push(request);
    else waiting++;
  }
  let [first, next] = [0, 0];
  return (i) => {
    const gone = admitted[first] as RequestView;
    policy.leave(i * TICK_US, gone);
    for (let effect = policy.take(); effect !== undefined; effect = policy.take()) {
      if (effect.kind === 'admit') admitted[first] = effect.request;
    }
    const newcomer = idle[next] as RequestView;
    idle[next] = gone;
    if (policy.offer(i * TICK_US, newcomer) === 'admitted') admitted[first] = newcomer;
    first = (first + 1) % admitted.length;
    next = (next + 1) % idle.length;
    return next;
  };
}

const RESOURCE: Resource = { provider: 'p', model: 'm', domain: 'chat' };

/** A lease is given back and goes to a waiter, a newcomer waits. */
function admission(policy: RequestAdmission): Decision {
  policy.register(0, 'p', 'm', 'a', LEASES);
  const held: RequestLease[] = [];
  let [items, granted] = [0, 0];
  const takeAll = () => {
    for (let effect = policy.take(); effect !== undefined; effect = policy.take()) {
      if (effect.kind === 'granted') held[granted++ % LEASES] = effect.lease;
    }
  };
  for (; items < LEASES + WAITERS; items++) policy.acquire(0, items, RESOURCE, Infinity);
  takeAll();
  return (i) => {
    policy.release(i * TICK_US, held[granted % LEASES] as RequestLease, 'success');
    takeAll();
    policy.acquire(i * TICK_US, items++, RESOURCE, Infinity);
    return granted;
  };
}

/** A task ends and is queued again, the next in fair order starts. */
function tasks(policy: PolicyRoles['tasks']): Decision {
  const columns = ['a', 'b', 'c', 'd'];
  const generators = columns.map((column) => {
    return { kind: 'model', identity: ['p', column, 'chat'], weight: 16, columns: [column] } as const;
  });
  const scheduler = policy.schedule<SchedulableTask>(generators);
  const { queue: line, admission: places, plans } = scheduler;
  const all = plans.flatMap((plan) => Array.from({ length: 32 }, (_, i) => ({ id: `${plan.group.key} ${i}`, plan })));
  const byId = new Map(all.map((task) => [task.id, [task]]));
  line.enqueue(all);
  const running: TaskLease[] = [];
  const start = (place: number) => {
    const heads = line.heads();
    const picked = line.select((task) => places.eligible(task, heads));
    if (picked === undefined) return false;
    running[place] = places.tryAcquire(picked.task, heads) as TaskLease;
    return line.commit(picked);
  };
  while (start(running.length));
  return (i) => {
    const place = i % running.length;
    const ended = running[place] as TaskLease;
    places.release(ended);
    line.enqueue(byId.get(ended.task) as SchedulableTask[]);
    start(place);
    return place;
  };
}

const FAILURE = { reason: 'failed', cause: 'rate-limited', status: 429 } as const;
const SINGLE = requestView({ attemptCount: 1 });

/** By role: what one decision is made of, and how it is made. */
const decisions: {
  readonly [Role in PolicyRole]: readonly [of: string, make: (policy: PolicyRoles[Role]) => Decision];
} = {
  capacity: ['lease over, lease begun, current', capacity],
  rate: [
    'settle, charge',
    (policy) => (i) => {
      policy.settle(i * TICK_US, requestAt(i), 1);
      return policy.charge(i * TICK_US, requestAt(i + 1));
    },
  ],
  queue: ['leave, take, offer', queue],
  router: ['pick', router],
  gate: ['allows', gate],
  retry: ['delayUs', (policy) => (i) => policy.delayUs(i * TICK_US, SINGLE, REFUSED)],
  'retry-budget': [
    'lease over, lease begun, allows',
    (policy) => {
      const turn = leases(policy);
      return (i) => {
        turn(i * TICK_US);
        return Number(policy.allows(i * TICK_US, requestAt(i), 0));
      };
    },
  ],
  health: [
    'launch, settled',
    (policy) => {
      policy.discovered(
        0,
        fleet.map(({ index }) => index),
      );
      return (i) => {
        const probe = policy.launch(i * 10e6);
        if (probe !== undefined) policy.settled(i * 10e6, probe, true);
        return i;
      };
    },
  ],
  tasks: ['release, enqueue, select, acquire', tasks],
  admission: ['release, take, acquire', admission],
  salvage: [
    'classify, afterRounds',
    (policy) => () => {
      return Number(policy.classify(FAILURE) === 'retry') + Number(policy.afterRounds(FAILURE) === 'preserve');
    },
  ],
};

/** Settings without which a policy has nothing to decide. */
const SETTINGS: Readonly<Record<string, object>> = {
  'tenant-limit': { default: { tokensPerMinute: 1e9, requestsPerMinute: 1e9 } },
};

/** The subject of an entry, with its default configuration. */
export function subjectOf<Role extends PolicyRole>(entry: PolicyEntry<Role>): Subject {
  const { role, name } = entry;
  const [of, make] = decisions[role];
  const policy = entry.make(entry.config.parse({ name, ...SETTINGS[name] }), { rng: draws() });
  return { role, name, of, decide: make(policy) };
}

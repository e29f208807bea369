import { describe, expect, it } from 'vitest';
import type { PolicyEntry, PolicyRole } from '../../policies/index.ts';
import { policyEntries } from '../../policies/index.ts';
import { guardedEntry, PolicyFault } from '../../src/lab/guarded-policy.ts';

type Members = Readonly<Record<string, unknown>>;

/** Members of a policy of the role that keeps to the port. */
const SOUND: Readonly<Record<string, Members>> = {
  router: { pick: () => 0 },
  gate: { allows: () => true, reconsiderAt: () => Infinity },
  capacity: { current: () => 8, source: () => 'override' },
  retry: { delayUs: () => -1 },
  salvage: {
    ...{ classify: () => 'retry', afterRounds: () => 'drop', roundsMax: 2, pacingUs: 0 },
    ...{ pacedBy: 'preserved', queueTimeout: 'own-cause', preserveForUs: Infinity, preserveStarts: 5 },
  },
  queue: {
    ...{ offer: () => 'queued', leave: () => undefined, capacityChanged: () => undefined, wake: () => undefined },
    ...{ take: () => undefined, nextWakeAt: () => Infinity, held: () => ({ waiting: 0, admitted: 0 }) },
  },
  rate: { charge: () => 0, settle: () => undefined, held: () => ({ charges: 0 }) },
  'retry-budget': { allows: () => true },
  health: {
    ...{ discovered: () => undefined, replaced: () => undefined, drain: () => 200, status: () => 'ready' },
    ...{ nextProbeAt: () => Infinity, launch: () => undefined, settled: () => undefined },
    held: () => ({ probes: 0 }),
  },
  admission: {
    ...{ register: () => undefined, acquire: () => Infinity, cancel: () => true, release: () => 'released' },
    ...{ tryAcquire: () => GRANTED, wake: () => undefined, take: () => undefined, nextWakeAt: () => Infinity },
    ...{ held: () => ({ waiting: 0, leased: 0 }), snapshot: () => undefined, snapshots: () => [] },
    ...{ endpoint: () => undefined, endpoints: () => [], leakCounts: () => ({}), eventCounts: () => ({}) },
    checkInvariants: () => undefined,
  },
  tasks: { schedule: () => SCHEDULER },
};

const RESOURCE = { provider: 'p', model: 'm', domain: 'chat' };
const GRANTED = { kind: 'granted', item: 3, lease: {} };
const DENIED = { kind: 'denied', item: 3, resource: RESOURCE, reason: 'cooldown', availableAt: 9 };
const CHANGE = { worker: 0, from: 'ready', to: 'not-ready', remove: false };

const TASK_QUEUE: Members = {
  ...{ size: 0, has: () => false, enqueue: () => [], discard: () => false, discardGroup: () => 0 },
  ...{ select: () => undefined, commit: () => false, heads: () => [], queuedByGroup: () => new Map() },
  ...{ demand: () => new Map(), held: () => ({ waiting: 0 }), checkInvariants: () => undefined },
};
const TASK_ADMISSION: Members = {
  ...{ verdict: () => ({ allowed: true }), eligible: () => true, tryAcquire: () => ({ plan: {} }) },
  ...{ release: () => 'released', explainBlocked: () => new Map(), limit: () => 1, available: () => 1 },
  ...{ resources: () => [], usage: () => new Map(), held: () => ({ leased: 0 }), leakCounts: () => ({}) },
  checkInvariants: () => undefined,
};
const PLAN = { group: { key: 'g', weight: 1, admittedLimit: 2 }, needs: new Map(), calls: undefined };
const SCHEDULER: Members = {
  ...{ plans: [PLAN], queue: TASK_QUEUE, admission: TASK_ADMISSION, advisory: undefined, yieldAfterDispatch: true },
};

function guard(role: string, policy: unknown): Record<string, (...args: unknown[]) => unknown> {
  const base = policyEntries[0] as PolicyEntry;
  const entry = { ...base, role: role as PolicyRole, name: 'own', make: () => policy } as unknown as PolicyEntry;
  return guardedEntry(entry).make({ name: 'own' }, { rng: () => 0 }) as never;
}

function call(role: string, method: string, answer: unknown): unknown {
  const guarded = guard(role, { ...SOUND[role], [method]: () => answer });
  // `now`, a request, two candidates; for a `tasks` policy one generator.
  return role === 'tasks' ? guarded[method]?.([{}]) : guarded[method]?.(100, {}, [{}, {}]);
}

type Methods = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** What the core gets of a `tasks` policy whose scheduler has these members. */
function scheduler(members: Members = {}): Readonly<Record<string, Methods>> {
  return call('tasks', 'schedule', { ...SCHEDULER, ...members }) as never;
}

function fault(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PolicyFault) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

const shed = (cause: string) => ({ kind: 'shed', request: {}, cause });

describe('a guarded policy', () => {
  it.each<[string, string, readonly unknown[]]>([
    ['router', 'pick', [-2, -1, 0, 1]],
    ['gate', 'allows', [true, false]],
    ['gate', 'reconsiderAt', [100.5, Infinity]],
    ['capacity', 'current', [0, 7, Infinity]],
    ['capacity', 'source', ['mixed']],
    ['retry', 'delayUs', [-1, 0, 2.5]],
    ['salvage', 'classify', ['retry', 'drop']],
    ['queue', 'offer', ['admitted', 'queued', 'queue-full']],
    ['queue', 'take', [undefined, { kind: 'admit', request: {} }, shed('deadline'), { kind: 'preempt', attempt: {} }]],
    ['queue', 'nextWakeAt', [5, Infinity]],
    ['queue', 'held', [{ waiting: 1, admitted: 2 }]],
    ['rate', 'charge', [0, 2.5e6, Infinity]],
    ['retry-budget', 'allows', [true, false]],
    ['health', 'drain', [100, 5e6]],
    ['health', 'status', ['pending', 'draining']],
    ['health', 'launch', [undefined, { id: 0, worker: 1, launchedAt: 100, timeoutAt: 100 }]],
    ['health', 'settled', [undefined, CHANGE]],
    ['admission', 'tryAcquire', [GRANTED, DENIED]],
    ['admission', 'take', [undefined, GRANTED, DENIED, { kind: 'cancelled', item: 0, resource: RESOURCE }]],
    ['admission', 'release', ['released', 'duplicate']],
    ['admission', 'snapshot', [undefined, {}]],
  ])('of role %s may answer by %s what the port allows', (role, method, answers) => {
    for (const answer of answers) expect(call(role, method, answer)).toBe(answer);
  });

  it.each<[string, string, readonly unknown[]]>([
    ['router', 'pick', [2, -3, 0.5, NaN, undefined, '0', 1n, Promise.resolve(0)]],
    ['gate', 'allows', [1, undefined, 'yes', Promise.resolve(true)]],
    ['gate', 'reconsiderAt', [100, 0, NaN, undefined]],
    ['capacity', 'current', [-1, NaN, 1.5, null]],
    ['capacity', 'source', ['guess']],
    ['retry', 'delayUs', [-2, NaN, Infinity, undefined]],
    ['salvage', 'classify', [true]],
    ['salvage', 'afterRounds', ['retry']],
    ['queue', 'offer', ['none', 'shed', undefined]],
    ['queue', 'take', [null, { kind: 'drop' }, shed('none'), { kind: 'admit' }]],
    ['queue', 'nextWakeAt', [NaN, undefined]],
    ['queue', 'held', [undefined, { waiting: -1, admitted: 0 }]],
    ['queue', 'wake', [Promise.resolve()]],
    ['rate', 'charge', [-1, NaN, true, undefined]],
    ['rate', 'held', [{ charges: -1 }, {}]],
    ['retry-budget', 'allows', [1, undefined]],
    ['health', 'status', ['healthy', undefined]],
    ['health', 'nextProbeAt', [NaN, undefined]],
    ['health', 'launch', [null, { worker: 1, timeoutAt: 99 }, { timeoutAt: 100 }]],
    ['health', 'settled', [null, true, { ...CHANGE, to: 'healthy' }, { ...CHANGE, remove: undefined }]],
    ['admission', 'tryAcquire', [undefined, true, { ...GRANTED, kind: 'cancelled' }, { ...GRANTED, lease: undefined }]],
    ['admission', 'take', [null, { ...DENIED, reason: undefined }, { ...GRANTED, item: -1 }, { kind: 'toString' }]],
    ['admission', 'release', ['ok', undefined]],
    ['admission', 'held', [{ waiting: 0 }]],
    ['admission', 'snapshots', [undefined]],
    ['tasks', 'schedule', [undefined, { ...SCHEDULER, plans: [] }, { ...SCHEDULER, plans: [{ ...PLAN, needs: {} }] }]],
  ])('of role %s ends the run when %s answers anything else', (role, method, answers) => {
    for (const answer of answers) {
      const message = fault(() => call(role, method, answer));
      expect(message.startsWith(`policy ${role}/own: ${method} answered `), message).toBe(true);
      expect(message).toContain('; allowed ');
    }
  });

  it('is named by role, name and method when it throws, with the line', () => {
    const policy = {
      ...SOUND['router'],
      settled: () => {
        throw new RangeError('no such lease');
      },
    };
    const message = fault(() => guard('router', policy)['settled']?.(1));
    expect(message.startsWith('policy router/own: settled threw RangeError: no such lease at ')).toBe(true);
    expect(message).toContain('guarded-policy.test.ts');
  });

  it('is refused when its role misses a method, a value is out of range, or it is no object', () => {
    const missing = 'policy gate/own: make answered an object without reconsiderAt';
    expect(fault(() => guard('gate', { allows: () => true }))).toBe(missing);
    expect(fault(() => guard('salvage', { ...SOUND['salvage'], roundsMax: 0 }))).toBe(
      'policy salvage/own: roundsMax answered 0; allowed a whole number ≥ 1',
    );
    expect(fault(() => guard('router', undefined))).toBe(
      'policy router/own: make answered undefined; allowed an object that plays the role',
    );
  });

  it('is checked within as well: the queue and the leases of a scheduler', () => {
    const admission = { ...TASK_ADMISSION, tryAcquire: () => ({ reason: 'busy' }), release: () => 'released' };
    const made = scheduler({ queue: { ...TASK_QUEUE, size: 2, heads: () => undefined }, admission });
    expect([made['queue']?.['size'], made['admission']?.['release']?.({})]).toEqual([2, 'released']);
    expect(made['queue']).toBe(made['queue']);
    expect(fault(() => made['queue']?.['heads']?.())).toBe(
      'policy tasks/own: schedule.queue.heads answered undefined; allowed an array',
    );
    const denial = fault(() => made['admission']?.['tryAcquire']?.({}, []));
    expect(denial).toContain('schedule.admission.tryAcquire answered');
    const bare = fault(() => scheduler({ queue: {} }));
    expect(bare).toMatch(/^policy tasks\/own: schedule.queue answered an object without/);
    expect(fault(() => scheduler({ yieldAfterDispatch: 1 }))).toContain('schedule.yieldAfterDispatch answered 1');
    expect(scheduler()['advisory']).toBeUndefined();
  });

  it('reads what changes in a policy within each time', () => {
    let size = 1;
    const queue = Object.defineProperty({ ...TASK_QUEUE }, 'size', { get: () => size });
    const made = scheduler({ queue });
    const before = made['queue']?.['size'];
    size = -1;
    expect(before).toBe(1);
    expect(fault(() => made['queue']?.['size'])).toContain('schedule.queue.size answered -1');
  });

  it('keeps private state and has exactly the methods it is given', () => {
    class Turns {
      #turn = 0;
      pick(): number {
        return this.#turn++ % 2;
      }
      granted(): void {
        this.#turn = 0;
      }
    }
    const guarded = guard('router', new Turns());
    const pick = () => guarded['pick']?.(0, {}, [{}, {}]);
    expect([pick(), pick(), guarded['granted']?.(0), pick()]).toEqual([0, 1, undefined, 0]);
    expect(Object.keys(guarded).sort()).toEqual(['granted', 'pick']);
  });
});

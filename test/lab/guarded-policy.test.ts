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
  salvage: { classify: () => 'retry', afterRounds: () => 'drop', roundsMax: 2, pacingUs: 0 },
  queue: {
    ...{ offer: () => 'queued', leave: () => undefined, capacityChanged: () => undefined, wake: () => undefined },
    ...{ take: () => undefined, nextWakeAt: () => Infinity, held: () => ({ waiting: 0, admitted: 0 }) },
  },
};

function guard(role: string, policy: unknown): Record<string, (...args: unknown[]) => unknown> {
  const base = policyEntries[0] as PolicyEntry;
  const entry = { ...base, role: role as PolicyRole, name: 'own', make: () => policy } as unknown as PolicyEntry;
  return guardedEntry(entry).make({ name: 'own' }, { rng: () => 0 }) as never;
}

function call(role: string, method: string, answer: unknown): unknown {
  const guarded = guard(role, { ...SOUND[role], [method]: () => answer });
  // `now`, a request, two candidates.
  return guarded[method]?.(100, {}, [{}, {}]);
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
    ['router', 'pick', [-1, 0, 1]],
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
  ])('of role %s may answer by %s what the port allows', (role, method, answers) => {
    for (const answer of answers) expect(call(role, method, answer)).toBe(answer);
  });

  it.each<[string, string, readonly unknown[]]>([
    ['router', 'pick', [2, -2, 0.5, NaN, undefined, '0', 1n, Promise.resolve(0)]],
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

import { describe, expect, it } from 'vitest';
import { LeasingTaskAdmission } from '../../../policies/task/task-admission.ts';
import { Strict } from '../../../policies/task/strict.ts';
import type { TaskLease } from '../../../policies/task/types.ts';
import { admissionOf, plan, task } from './tasks.ts';

const a = plan('a', { submission: 1, 'llm-wait': 2 });

function granted(admission: LeasingTaskAdmission, id = 'a0'): TaskLease {
  const lease = admission.tryAcquire(task(id, a), []);
  if ('reason' in lease) throw new Error(`denied by ${lease.by}`);
  return lease;
}

describe('LeasingTaskAdmission', () => {
  it('leases all a task needs, or nothing', () => {
    const admission = admissionOf({ submission: 9, 'llm-wait': 3 }, new Strict());
    granted(admission);
    const missing = [{ resource: 'llm-wait', needed: 2, available: 1 }];
    expect(admission.tryAcquire(task('a1', a), [])).toEqual({ reason: 'no-capacity', by: 'resources', missing });
    expect([admission.available('submission'), admission.available('llm-wait')]).toEqual([8, 1]);
  });

  it('gives back everything, and shows nothing of a group that holds nothing', () => {
    const admission = admissionOf({ submission: 9, 'llm-wait': 3 }, new Strict());
    const lease = granted(admission);
    expect(admission.usage().get('a')).toEqual({ running: 1, leased: a.needs, debt: new Map() });
    expect(admission.release(lease)).toBe('released');
    expect([admission.usage().size, admission.held().leased, admission.available('llm-wait')]).toEqual([0, 0, 3]);
  });

  it('has nothing of a resource without a limit', () => {
    const admission = admissionOf({ submission: 9 }, new Strict());
    expect([admission.limit('llm-wait'), admission.available('llm-wait')]).toEqual([0, 0]);
    expect(admission.eligible(task('a0', a), [])).toBe(false);
  });

  it.each<[string, (lease: TaskLease) => TaskLease, string]>([
    ['released before', (lease) => lease, 'duplicate'],
    ['of another keeper', (lease) => ({ ...lease, generation: 7 }), 'wrong-controller-generation'],
    ['never granted', (lease) => ({ ...lease, id: 99 }), 'unknown-lease'],
  ])('refuses a lease %s, and changes nothing', (_, mutate, answer) => {
    const admission = admissionOf({ submission: 9, 'llm-wait': 9 }, new Strict());
    const lease = granted(admission);
    const other = granted(admission, 'a1');
    admission.release(lease);
    expect(admission.release(mutate(lease))).toBe(answer);
    expect(admission.leakCounts()).toMatchObject({ [answer]: 1 });
    expect([admission.held().leased, admission.available('llm-wait')]).toEqual([1, 7]);
    expect(admission.release(other)).toBe('released');
  });

  it('refuses a lease that names another task, which stays out', () => {
    const admission = admissionOf({ submission: 9, 'llm-wait': 9 }, new Strict());
    const lease = granted(admission);
    expect(admission.release({ ...lease, task: 'a7' })).toBe('stale-lease');
    expect(admission.held().leased).toBe(1);
    expect(admission.release({ ...lease })).toBe('released');
  });

  it('gives back what was granted, whatever the copy says', () => {
    const admission = admissionOf({ submission: 9, 'llm-wait': 9 }, new Strict());
    const lease = granted(admission);
    admission.release({ ...lease, plan: plan('b', { 'llm-wait': 5 }) });
    expect(admission.available('llm-wait')).toBe(9);
    admission.checkInvariants();
  });

  it('remembers so many released leases; older ones are unknown', () => {
    const limits = new Map([['submission', 9], ['llm-wait', 9]]);
    const admission = new LeasingTaskAdmission(limits, new Strict(), { releasedHistory: 2 });
    const leases = ['a0', 'a1', 'a2'].map((id) => {
      const lease = granted(admission, id);
      admission.release(lease);
      return lease;
    });
    expect(leases.map((lease) => admission.release(lease))).toEqual(['unknown-lease', 'duplicate', 'duplicate']);
  });

  it('sees who competes anew when a release gave a peer what it lacked', () => {
    const admission = admissionOf({ submission: 9, gpu: 1 }, new Strict());
    const [capped, peer] = [plan('c', { submission: 1 }, { admittedLimit: 1 }), plan('d', { submission: 1, gpu: 1 })];
    const heads = [task('c9', capped), task('d9', peer)];
    admission.tryAcquire(task('c0', capped), heads);
    const lease = admission.tryAcquire(task('d0', peer), heads);
    expect(admission.eligible(task('c9', capped), heads)).toBe(true);
    if (!('reason' in lease)) admission.release(lease);
    expect(admission.eligible(task('c9', capped), heads)).toBe(false);
  });

  it('explains what holds the heads back', () => {
    const admission = admissionOf({ submission: 9, 'llm-wait': 1 }, new Strict());
    const capped = plan('c', { submission: 1 }, { admittedLimit: 1 });
    const peer = plan('d', { submission: 1 });
    const heads = [task('a0', a), task('c1', capped), task('d0', peer)];
    admission.tryAcquire(task('c0', capped), heads);
    expect(Object.fromEntries(admission.explainBlocked(heads))).toEqual({ 'no-capacity': 1, 'group-cap': 1 });
  });
});

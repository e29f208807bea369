import { describe, expect, it } from 'vitest';
import { BoundedBorrow } from '../../../policies/task/bounded-borrow.ts';
import { Strict } from '../../../policies/task/strict.ts';
import { FairTaskQueue } from '../../../policies/task/fair-task-queue.ts';
import type { SchedulableTask } from '../../../policies/task/types.ts';
import { admissionOf, borrowConfig, borrowing, dispatch, plan, task, tasks } from './tasks.ts';

const wide = { admittedLimit: 1000 };
const model = (key: string, weight = 1) => plan(key, { submission: 1, 'llm-wait': 1 }, { ...wide, weight });

describe('BoundedBorrow', () => {
  it.each([
    // limit, run alone: head, fixed (and baseline, which keeps the same reserve)
    [1, 1, 1],
    [2, 2, 1],
    [4, 4, 3],
    [8, 8, 7],
    [32, 32, 28],
    [128, 128, 120],
  ])('of %i places a group alone uses %i, before #810 %i', (limit, head, fixed) => {
    for (const [variant, expected] of [['head', head], ['fixed', fixed], ['baseline', fixed]] as const) {
      const queue = new FairTaskQueue<SchedulableTask>('leaves');
      const rule = new BoundedBorrow(borrowConfig(variant));
      const admission = admissionOf({ submission: 10_000, 'llm-wait': limit }, rule);
      queue.enqueue(tasks(model('a'), limit + 5));
      expect(dispatch(queue, admission).length, variant).toBe(expected);
    }
  });

  it('reserves one place before #810 even at a ratio of 0', () => {
    const queue = new FairTaskQueue<SchedulableTask>('leaves');
    const rule = new BoundedBorrow(borrowConfig('fixed', { reserveRatio: 0 }));
    const admission = admissionOf({ submission: 100, 'llm-wait': 4 }, rule);
    queue.enqueue(tasks(model('a'), 9));
    expect(dispatch(queue, admission).length).toBe(3);
  });

  it.each([
    // weights of a and b, limit, rounding, shares
    [1, 1, 8, 'up', 4, 4],
    [1, 1, 7, 'up', 4, 4],
    [1, 1, 7, 'down', 3, 3],
    [3, 1, 8, 'up', 6, 2],
    [9, 1, 8, 'up', 8, 1],
    [9, 1, 8, 'down', 7, 1],
    [0.5, 1, 8, 'up', 4, 4],
  ] as const)('shares by weights %d and %d, %i places, rounded %s', (wa, wb, limit, shareRounding, a, b) => {
    const admission = admissionOf({ submission: 100, 'llm-wait': limit }, borrowing({ shareRounding }));
    const heads = [task('a0', model('a', wa)), task('b0', model('b', wb))];
    const shares = heads.map((head) => {
      const verdict = admission.verdict(head, heads);
      return verdict.allowed ? verdict.shares.find(({ resource }) => resource === 'llm-wait')?.share : undefined;
    });
    expect(shares).toEqual([a, b]);
  });

  it('holds a debtor back while peers press, until its own releases have repaid', () => {
    const [a, b] = [model('a'), model('b')];
    const admission = admissionOf({ submission: 100, 'llm-wait': 4 }, borrowing());
    const alone = tasks(a, 3);
    const leases = alone.map((head) => admission.tryAcquire(head, [head]));
    const heads = [task('a9', a), task('b9', b)];
    const blocked = () => {
      const verdict = admission.verdict(heads[0] as SchedulableTask, heads);
      return verdict.allowed ? 'allowed' : verdict.denial.by;
    };
    expect(Object.fromEntries(admission.usage().get('a')?.debt ?? [])).toEqual({ 'llm-wait': 1 });
    expect(blocked()).toBe('debt');
    const answers = leases.map((lease) => {
      if ('reason' in lease) throw new Error(lease.by);
      admission.release(lease);
      return blocked();
    });
    expect(answers).toEqual(['share', 'allowed', 'allowed']);
  });

  it('lends no more than the ceiling, the one set for group and resource first', () => {
    const a = model('a');
    const ceilings = [{ group: 'a', resource: 'llm-wait', ceiling: 0 }];
    for (const [fields, run] of [[{}, 8], [{ ceiling: 2 }, 6], [{ ceiling: 2, ceilings }, 4]] as const) {
      const queue = new FairTaskQueue<SchedulableTask>('leaves');
      const admission = admissionOf({ submission: 100, 'llm-wait': 8 }, borrowing(fields));
      queue.enqueue(tasks(a, 9));
      expect(dispatch(queue, admission).length).toBe(run);
    }
  });

  it('says what it compared when it holds a task back', () => {
    const [a, b] = [model('a'), model('b')];
    const admission = admissionOf({ submission: 100, 'llm-wait': 4 }, borrowing());
    const heads = [task('a9', a), task('b9', b)];
    for (const each of tasks(a, 2)) admission.tryAcquire(each, heads);
    const denialOf = () => {
      const verdict = admission.verdict(heads[0] as SchedulableTask, heads);
      return verdict.allowed ? verdict : verdict.denial;
    };
    expect(denialOf()).toEqual({
      ...{ reason: 'group-cap', by: 'share', resource: 'llm-wait', leased: 2, needed: 1, share: 2 },
      pressure: ['llm-wait'],
    });
    admission.tryAcquire(task('a5', a), [heads[0] as SchedulableTask]);
    expect(denialOf()).toEqual({ reason: 'borrow-debt', by: 'debt', resource: 'llm-wait', debt: 1, share: 2 });
    expect(Object.fromEntries(admission.explainBlocked(heads))).toEqual({ 'borrow-debt': 1 });
    const capped = admissionOf({ submission: 100, 'llm-wait': 4 }, borrowing({ ceiling: 1 }));
    for (const each of tasks(a, 3)) expect(capped.tryAcquire(each, [each])).toHaveProperty('id');
    expect(capped.tryAcquire(task('a9', a), [task('a9', a)])).toEqual({
      ...{ reason: 'borrow-debt', by: 'ceiling', resource: 'llm-wait', debt: 1, needed: 1, borrowed: 1 },
      ...{ ceiling: 1, share: 2 },
    });
  });

  it('tells of a task that it lets in what it holds, needs, may have and borrows', () => {
    const a = model('a');
    const admission = admissionOf({ submission: 100, 'llm-wait': 4 }, borrowing({ reserveRatio: 0.25 }));
    const head = task('a9', a);
    for (const each of tasks(a, 2)) admission.tryAcquire(each, [head]);
    const verdict = admission.verdict(head, [head]);
    const llmWait = verdict.allowed ? verdict.shares.find(({ resource }) => resource === 'llm-wait') : undefined;
    expect(llmWait).toEqual({
      ...{ resource: 'llm-wait', leased: 2, needed: 1, share: 2, debt: 0 },
      loan: { borrowed: 1, ceiling: 1, source: 'dynamic', reserved: 1 },
    });
    expect(verdict.allowed && verdict.shares.map(({ resource, loan }) => [resource, loan !== undefined])).toEqual([
      ...[['submission', false], ['llm-wait', true]],
    ]);
  });

  it('takes a lone group for half of the competitors, whatever its weight', () => {
    for (const weight of [1, 3, 10]) {
      const admission = admissionOf({ submission: 100, 'llm-wait': 8 }, borrowing());
      const head = task('a9', model('a', weight));
      const verdict = admission.verdict(head, [head]);
      expect(verdict.allowed && verdict.shares.map(({ share }) => share)).toEqual([50, 4]);
    }
  });

  it('owes one resource still when another is repaid', () => {
    const free = { admittedLimit: 1000 };
    const both = plan('a', { x: 1, y: 1 }, free);
    const admission = admissionOf({ x: 2, y: 2 }, borrowing());
    const first = admission.tryAcquire(task('a0', both), [task('a0', both)]);
    const second = admission.tryAcquire(task('a1', plan('a', { y: 1 }, free)), [task('a1', both)]);
    expect(Object.fromEntries(admission.usage().get('a')?.debt ?? [])).toEqual({ y: 1 });
    if ('reason' in first || 'reason' in second) throw new Error('somebody was held back');
    admission.release(second);
    expect(admission.usage().get('a')?.debt.size).toBe(0);
    admission.release(first);
    expect(admission.usage().size).toBe(0);
  });

  it('starves who borrowed once when debts are never repaid', () => {
    const [a, b] = [model('a'), model('b')];
    const admission = admissionOf({ submission: 100, 'llm-wait': 4 }, borrowing({ repay: 'never' }));
    const leases = tasks(a, 3).map((head) => admission.tryAcquire(head, [head]));
    for (const lease of leases) if (!('reason' in lease)) admission.release(lease);
    const heads = [task('a9', a), task('b9', b)];
    expect(admission.held()).toEqual({ leased: 0 });
    expect(admission.verdict(heads[0] as SchedulableTask, heads)).toMatchObject({ denial: { by: 'debt', debt: 1 } });
  });

  it('never holds back a group without a limit', () => {
    const free = plan('free', { submission: 1 }, { admittedLimit: Infinity });
    const queue = new FairTaskQueue<SchedulableTask>('leaves');
    const admission = admissionOf({ submission: 5 }, borrowing({ ceiling: 0 }));
    queue.enqueue([...tasks(free, 9), task('b0', plan('b', { submission: 1 }))]);
    expect(dispatch(queue, admission).map((lease) => lease.task)).toEqual(['free0', 'b0', 'free1', 'free2', 'free3']);
  });

  it('counts submissions as contested only by tasks that need nothing else', () => {
    const admission = admissionOf({ submission: 2, 'llm-wait': 8 }, borrowing({ ceiling: 1 }));
    const [both, only] = [model('both'), plan('only', { submission: 1 }, wide)];
    const heads = [task('both9', both), task('only9', only)];
    expect(admission.tryAcquire(task('both0', both), heads)).toHaveProperty('id');
    expect(admission.eligible(task('both1', both), heads)).toBe(true);
    expect(admission.tryAcquire(task('only0', only), heads)).toHaveProperty('id');
  });

  it('lets peers that lack another resource press for nothing', () => {
    const admission = admissionOf({ submission: 100, 'llm-wait': 4 }, borrowing());
    const [a, stuck] = [model('a'), plan('stuck', { 'llm-wait': 1, unheardOf: 1 })];
    const heads = [task('a9', a), task('stuck0', stuck)];
    for (const head of tasks(a, 4)) expect(admission.tryAcquire(head, heads)).toHaveProperty('id');
  });
});

describe('Strict', () => {
  it('lets a group beyond its limit only while nobody else presses', () => {
    const a = plan('a', { submission: 1 }, { admittedLimit: 2 });
    const b = plan('b', { submission: 1 }, { admittedLimit: 2 });
    const admission = admissionOf({ submission: 10 }, new Strict());
    const head = task('a9', a);
    for (const each of tasks(a, 3)) expect(admission.tryAcquire(each, [head])).toHaveProperty('id');
    expect(admission.verdict(head, [head, task('b0', b)])).toEqual({
      allowed: false,
      denial: { reason: 'group-cap', by: 'admitted-limit', admittedLimit: 2, running: 3, pressure: ['submission'] },
    });
    expect(admission.eligible(head, [head])).toBe(true);
  });
});

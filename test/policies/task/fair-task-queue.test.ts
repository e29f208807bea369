import { describe, expect, it } from 'vitest';
import { FairTaskQueue } from '../../../policies/task/fair-task-queue.ts';
import type { SchedulableTask, TaskPlan } from '../../../policies/task/types.ts';
import { plan, task, tasks } from './tasks.ts';

const a = plan('a', { submission: 1 });
const b = plan('b', { submission: 1, 'llm-wait': 2 });
const any = () => true;

function make(emptied: 'leaves' | 'stays' = 'leaves') {
  return new FairTaskQueue<SchedulableTask>(emptied);
}

/** Ids in the order in which everything is served. */
function serveAll(queue: FairTaskQueue<SchedulableTask>, max = Infinity): string[] {
  const served: string[] = [];
  while (served.length < max) {
    const picked = queue.select(any);
    if (picked === undefined) break;
    expect(queue.commit(picked)).toBe(true);
    served.push(picked.task.id);
  }
  return served;
}

describe('FairTaskQueue', () => {
  it('takes turns between groups and keeps the order within each', () => {
    const queue = make();
    queue.enqueue([...tasks(a, 3), ...tasks(b, 3)]);
    expect(serveAll(queue)).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
    expect(queue.held()).toEqual({ waiting: 0 });
  });

  it('serves groups in proportion to their weights', () => {
    const queue = make();
    queue.enqueue(tasks(plan('x', { submission: 1 }, { weight: 3 }), 30));
    queue.enqueue(tasks(plan('y', { submission: 1 }, { weight: 1 }), 30));
    const served = serveAll(queue, 20);
    expect(served.filter((id) => id.startsWith('x')).length).toBe(15);
  });

  it('accepts a task once while it waits, and again after it was served', () => {
    const queue = make();
    expect(queue.enqueue([task('a0', a), task('a0', a)]).map(({ id }) => id)).toEqual(['a0']);
    expect(queue.enqueue([task('a0', a)])).toEqual([]);
    serveAll(queue);
    expect(queue.enqueue([task('a0', a)]).length).toBe(1);
  });

  it('counts what waits by group and what it needs', () => {
    const queue = make();
    queue.enqueue([...tasks(a, 2), ...tasks(b, 3)]);
    expect(Object.fromEntries(queue.queuedByGroup())).toEqual({ a: 2, b: 3 });
    expect(Object.fromEntries(queue.demand())).toEqual({ submission: 5, 'llm-wait': 6 });
    expect(queue.discardGroup('b')).toBe(3);
    expect(Object.fromEntries(queue.demand())).toEqual({ submission: 2 });
  });

  it('skips a head that is not eligible, and with it the rest of its group', () => {
    const queue = make();
    queue.enqueue([...tasks(a, 2), ...tasks(b, 1)]);
    expect(queue.select(({ id }) => id !== 'a0')?.task.id).toBe('b0');
    expect(queue.select(({ id }) => id === 'a1')).toBeUndefined();
  });

  it('changes nothing by selecting', () => {
    const queue = make();
    queue.enqueue([...tasks(a, 2), ...tasks(b, 2)]);
    const heads = queue.heads();
    for (let i = 0; i < 5; i++) expect(queue.select(any)?.task.id).toBe('a0');
    expect(queue.heads()).toBe(heads);
    expect(queue.size).toBe(4);
  });

  it.each<[string, (queue: FairTaskQueue<SchedulableTask>) => void]>([
    ['an enqueue', (queue) => queue.enqueue([task('b9', b)])],
    ['a discard', (queue) => queue.discard('a1')],
    ['a discard of the selected task', (queue) => queue.discard('a0')],
    ['another commit', (queue) => serveAll(queue, 1)],
  ])('refuses to commit a selection from before %s', (_, change) => {
    const queue = make();
    queue.enqueue(tasks(a, 3));
    const picked = queue.select(any);
    change(queue);
    const waiting = queue.size;
    expect(picked !== undefined && queue.commit(picked)).toBe(false);
    expect(queue.size).toBe(waiting);
  });

  it('commits a selection from before an enqueue that accepted nothing', () => {
    const queue = make();
    queue.enqueue(tasks(a, 1));
    const picked = queue.select(any);
    queue.enqueue(tasks(a, 1));
    expect(picked !== undefined && queue.commit(picked)).toBe(true);
  });

  it('puts a discarded task that returns at the back of its group', () => {
    const queue = make();
    queue.enqueue(tasks(a, 3));
    expect([queue.discard('a0'), queue.discard('a0')]).toEqual([true, false]);
    queue.enqueue([task('a0', a)]);
    expect(serveAll(queue)).toEqual(['a1', 'a2', 'a0']);
  });

  it('keeps the place of a group that discards emptied only when it stays', () => {
    for (const [emptied, expected] of [['leaves', 'b0'], ['stays', 'a1']] as const) {
      const queue = make(emptied);
      queue.enqueue([task('a0', a), task('b0', b)]);
      queue.discard('a0');
      queue.enqueue([task('a1', a)]);
      expect(queue.select(any)?.task.id, emptied).toBe(expected);
    }
  });

  it('lets a group that was emptied before its first turn return as a newcomer', () => {
    const queue = make();
    const [h, m] = ['h', 'm'].map((key) => plan(key, { submission: 1 }, { weight: 4 })) as [TaskPlan, TaskPlan];
    queue.enqueue([task('a0', a), ...tasks(h, 9), ...tasks(m, 9)]);
    queue.discard('a0');
    expect(serveAll(queue, 2)).toEqual(['h0', 'm0']);
    for (let i = 0; i < 2; i++) {
      const picked = queue.select(({ plan: { group } }) => group.key === 'h');
      expect(picked !== undefined && queue.commit(picked)).toBe(true);
    }
    queue.enqueue([task('a1', a)]);
    // Tags 1/4, 1/2 (the virtual time) and 3/4; with the tag of its first arrival it would be in front.
    expect(queue.heads().map(({ id }) => id)).toEqual(['m1', 'a1', 'h3']);
  });

  it('lets a group that idled return in front for one turn only', () => {
    const queue = make();
    queue.enqueue([...tasks(a, 1), ...tasks(b, 9)]);
    expect(serveAll(queue, 5)).toEqual(['a0', 'b0', 'b1', 'b2', 'b3']);
    queue.enqueue([task('a7', a), task('a8', a)]);
    expect(serveAll(queue, 4)).toEqual(['a7', 'b4', 'a8', 'b5']);
  });
});

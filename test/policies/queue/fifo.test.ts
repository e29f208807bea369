import { describe, expect, it } from 'vitest';
import { Fifo } from '../../../policies/queue/fifo.ts';
import { NoQueue } from '../../../policies/queue/none.ts';
import type { Queue } from '../../../policies/types.ts';
import { requestView } from '../views.ts';

const r = (id: number) => requestView({ id });

function make({ size = 3, timeout = 100, capacity = 1 } = {}) {
  const queue = new Fifo({ name: 'fifo', size, timeout });
  queue.capacityChanged(0, capacity);
  return queue;
}

/** Effects as `admit 1`, `queue-timeout 2`. */
function takeAll(queue: Queue) {
  const effects: string[] = [];
  for (let effect = queue.take(); effect !== undefined; effect = queue.take()) {
    if (effect.kind === 'preempt') throw new Error('fifo never preempts');
    effects.push(`${effect.kind === 'shed' ? effect.cause : 'admit'} ${effect.request.id}`);
  }
  return effects;
}

describe('Fifo', () => {
  it('admits without bound until a capacity is told', () => {
    const queue = new Fifo({ name: 'fifo', size: 0, timeout: 100 });
    for (let id = 0; id < 1000; id++) expect(queue.offer(0, r(id))).toBe('admitted');
    expect(queue.held()).toEqual({ waiting: 0, admitted: 1000 });
  });

  it('admits up to capacity, queues up to size, and sheds the rest', () => {
    const queue = make({ size: 2 });
    expect([0, 1, 2, 3].map((id) => queue.offer(0, r(id)))).toEqual(['admitted', 'queued', 'queued', 'queue-full']);
    expect(queue.held()).toEqual({ waiting: 2, admitted: 1 });
    expect(queue.nextWakeAt()).toBe(100);
  });

  it('admits in order of arrival as permits come back', () => {
    const queue = make();
    for (const id of [0, 1, 2]) queue.offer(0, r(id));
    queue.leave(1, r(0));
    expect(takeAll(queue)).toEqual(['admit 1']);
    queue.leave(2, r(1));
    expect(takeAll(queue)).toEqual(['admit 2']);
  });

  it('has no queue when its size is 0', () => {
    const queue = make({ size: 0 });
    expect([queue.offer(0, r(0)), queue.offer(0, r(1))]).toEqual(['admitted', 'queue-full']);
  });

  it('sheds a waiter at the instant its time is up', () => {
    const queue = make();
    queue.offer(0, r(0));
    queue.offer(5, r(1));
    queue.wake(104.999);
    expect(takeAll(queue)).toEqual([]);
    queue.wake(105);
    expect(takeAll(queue)).toEqual(['queue-timeout 1']);
    expect(queue.nextWakeAt()).toBe(Infinity);
  });

  it.each([
    ['leave', (queue: Fifo) => queue.leave(100, r(0))],
    ['capacityChanged', (queue: Fifo) => queue.capacityChanged(100, 2)],
    ['wake', (queue: Fifo) => queue.wake(100)],
    ['offer', (queue: Fifo) => void queue.offer(100, r(9))],
  ])('expires a waiter before any admission of that instant, by %s', (_input, act) => {
    const queue = make();
    queue.offer(0, r(0));
    queue.offer(0, r(1));
    act(queue);
    expect(takeAll(queue)).toEqual(['queue-timeout 1']);
  });

  it('gives the place of an expired waiter to a newcomer of that instant', () => {
    const queue = make({ size: 1 });
    queue.offer(0, r(0));
    queue.offer(0, r(1));
    expect(queue.offer(99, r(2))).toBe('queue-full');
    expect(queue.offer(100, r(3))).toBe('queued');
  });

  it('admits at once what an expired waiter blocked', () => {
    const queue = make();
    queue.offer(0, r(0));
    queue.offer(0, r(1));
    queue.leave(100, r(0));
    expect(queue.offer(100, r(2))).toBe('admitted');
  });

  it('never lets a newcomer pass a waiter', () => {
    const queue = make();
    for (const id of [0, 1, 2]) queue.offer(0, r(id));
    queue.leave(1, r(0));
    expect(queue.offer(1, r(3))).toBe('queued');
    expect(takeAll(queue)).toEqual(['admit 1']);
  });

  it('leaves permits above a shrunk capacity alone and admits nobody meanwhile', () => {
    const queue = make({ capacity: 3 });
    for (const id of [0, 1, 2, 3]) queue.offer(0, r(id));
    queue.capacityChanged(1, 1);
    queue.leave(2, r(0));
    queue.leave(2, r(1));
    expect(takeAll(queue)).toEqual([]);
    expect(queue.held()).toEqual({ waiting: 1, admitted: 1 });
    queue.leave(3, r(2));
    expect(takeAll(queue)).toEqual(['admit 3']);
  });

  it('admits several waiters when the capacity grows', () => {
    const queue = make();
    for (const id of [0, 1, 2, 3]) queue.offer(0, r(id));
    queue.capacityChanged(1, 3);
    expect(takeAll(queue)).toEqual(['admit 1', 'admit 2']);
  });

  it('admits nobody at capacity 0', () => {
    expect(make({ capacity: 0 }).offer(0, r(0))).toBe('queued');
  });

  it('forgets a waiter that leaves, and ignores a request it does not know', () => {
    const queue = make();
    for (const id of [0, 1, 2]) queue.offer(0, r(id));
    queue.leave(1, r(1));
    queue.leave(1, r(77));
    expect(queue.held()).toEqual({ waiting: 1, admitted: 1 });
    queue.leave(2, r(0));
    queue.leave(2, r(0));
    expect(takeAll(queue)).toEqual(['admit 2']);
    expect(queue.held()).toEqual({ waiting: 0, admitted: 1 });
  });

  it('withdraws an admission not yet taken when its request leaves, and passes the permit on', () => {
    const queue = make();
    for (const id of [0, 1, 2]) queue.offer(0, r(id));
    queue.leave(1, r(0));
    queue.leave(1, r(1));
    expect(takeAll(queue)).toEqual(['admit 2']);
  });

  it('does not shed a request that leaves at the instant of its expiry', () => {
    const queue = make();
    queue.offer(0, r(0));
    queue.offer(0, r(1));
    queue.leave(100, r(1));
    expect(takeAll(queue)).toEqual([]);
  });

  it('refuses time that goes backwards and a request offered twice', () => {
    const queue = make();
    queue.offer(5, r(0));
    expect(() => queue.wake(4)).toThrow('backwards');
    expect(() => queue.offer(5, r(0))).toThrow('twice');
  });
});

describe('NoQueue', () => {
  it('admits everyone whatever the capacity, and counts who is in', () => {
    const queue: Queue = new NoQueue();
    queue.capacityChanged(0, 0);
    expect([queue.offer(0, r(0)), queue.offer(0, r(1))]).toEqual(['admitted', 'admitted']);
    queue.leave(1, r(0));
    queue.leave(1, r(5));
    queue.wake(2);
    expect(queue.held()).toEqual({ waiting: 0, admitted: 1 });
    expect([queue.nextWakeAt(), queue.take()]).toEqual([Infinity, undefined]);
    expect(() => queue.offer(3, r(1))).toThrow('twice');
  });
});

import { describe, expect, it } from 'vitest';
import { codel } from '../../../policies/queue/codel.ts';
import { codelConfig } from '../../../policies/queue/config.ts';
import { requestView } from '../views.ts';
import { takeAll } from './queue-harness.ts';

const r = (id: number) => requestView({ id });

/** One permit, a target of 10, intervals of 100 from the first input at 0. */
function make({ capacity = 1, timeout = 1000 } = {}) {
  const queue = codel.make({ name: 'codel', size: 50, timeout, interval: 100, target: 10 }, { rng: () => 0 });
  queue.capacityChanged(0, capacity);
  return queue;
}

/** A queue found overloaded at 100: 0 runs, 1 and 2 waited since 20 and 95. */
function overloaded() {
  const queue = make();
  queue.offer(1, r(0));
  queue.offer(20, r(1));
  queue.wake(100);
  // A request entered at once in the first interval, so its verdict is lenient.
  expect(takeAll(queue)).toEqual([]);
  queue.offer(195, r(2));
  queue.wake(200);
  return queue;
}

describe('codel', () => {
  it('lets a burst wait while some wait of the interval is within the target', () => {
    const queue = make();
    queue.offer(0, r(0));
    queue.offer(50, r(1));
    queue.wake(100);
    expect(takeAll(queue)).toEqual([]);
  });

  it('sheds who waited twice the target once no wait of an interval was within it', () => {
    const queue = overloaded();
    expect(takeAll(queue)).toEqual(['queue-timeout 1']);
    expect(queue.nextWakeAt()).toBe(215);
    queue.wake(214.9);
    expect(takeAll(queue)).toEqual([]);
    queue.wake(215);
    expect(takeAll(queue)).toEqual(['queue-timeout 2']);
    expect(queue.held()).toEqual({ waiting: 0, admitted: 1 });
  });

  it('asks to be woken at the end of an interval, when waiters may become too old', () => {
    const queue = make();
    queue.offer(1, r(0));
    expect(queue.nextWakeAt()).toBe(Infinity);
    queue.offer(20, r(1));
    expect(queue.nextWakeAt()).toBe(100);
  });

  it('admits the fresh while overloaded', () => {
    const queue = overloaded();
    takeAll(queue);
    queue.leave(205, r(0));
    expect(takeAll(queue)).toEqual(['admit 2']);
  });

  it('is lenient again after an interval with a short wait', () => {
    const queue = overloaded();
    queue.leave(204, r(0));
    queue.offer(205, r(3));
    queue.wake(225);
    expect(takeAll(queue)).toEqual(['queue-timeout 1', 'admit 2', 'queue-timeout 3']);
    queue.wake(300);
    queue.offer(301, r(4));
    queue.wake(330);
    expect(takeAll(queue)).toEqual([]);
  });

  it('judges by the least wait of those who left, and by the age of the oldest when nobody did', () => {
    const queue = make();
    queue.offer(0, r(0));
    queue.offer(95, r(1));
    queue.wake(100);
    queue.leave(104, r(0));
    queue.offer(106, r(2));
    queue.wake(200);
    expect(takeAll(queue)).toEqual(['admit 1']);
    queue.wake(300);
    expect(takeAll(queue)).toEqual(['queue-timeout 2']);
  });

  it('forgets an overload when nobody waited for a whole interval', () => {
    const queue = make();
    queue.offer(1, r(0));
    queue.offer(2, r(1));
    queue.wake(100);
    queue.leave(150, r(0));
    expect(takeAll(queue)).toEqual(['admit 1']);
    // Were it overloaded at 5000, by the wait of 148 before, this one would be shed at 5020.
    queue.offer(5000, r(2));
    queue.wake(5030);
    expect(takeAll(queue)).toEqual([]);
  });

  it('sheds at the timeout when that comes first', () => {
    const queue = make({ timeout: 15 });
    queue.offer(1, r(0));
    queue.offer(2, r(1));
    queue.wake(17);
    expect(takeAll(queue)).toEqual(['queue-timeout 1']);
  });

  it('has times for services that take seconds, and the original ones as a variant', () => {
    expect(codelConfig.parse({ name: 'codel' })).toMatchObject({ interval: 5e6, target: 0.5e6 });
    const folly = codelConfig.parse({ name: 'codel', ...codel.variants['folly'] });
    expect(folly).toMatchObject({ interval: 100e3, target: 5e3 });
  });

  it.each([
    [310, ['queue-timeout 8', 'queue-timeout 9']],
    [400, []],
  ])('remembers an overload for a whole interval without waiters, and no longer: first input at %d', (at, shed) => {
    const queue = make();
    queue.offer(0, r(0));
    queue.wake(100);
    queue.offer(195, r(1));
    queue.wake(200);
    queue.offer(201, r(2));
    // Waits of 50 and 59 in the interval from 200; nobody is left.
    queue.leave(250, r(0));
    queue.leave(260, r(1));
    takeAll(queue);
    queue.offer(at, r(8));
    queue.offer(at, r(9));
    queue.wake(at + 20);
    expect(takeAll(queue)).toEqual(shed);
  });

  it('takes the age of a waiter that has only come for no backlog', () => {
    const queue = make();
    queue.offer(0, r(0));
    queue.wake(100);
    queue.offer(191, r(1));
    queue.wake(200);
    queue.wake(215);
    expect(takeAll(queue)).toEqual([]);
  });

  it('tolerates a least wait of exactly the target', () => {
    const queue = make();
    queue.offer(0, r(0));
    queue.wake(100);
    queue.offer(110, r(1));
    queue.leave(120, r(0));
    queue.offer(195, r(2));
    queue.wake(200);
    queue.wake(216);
    expect(takeAll(queue)).toEqual(['admit 1']);
  });
});

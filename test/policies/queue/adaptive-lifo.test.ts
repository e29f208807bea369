import { describe, expect, it } from 'vitest';
import { adaptiveLifo } from '../../../policies/queue/adaptive-lifo.ts';
import { adaptiveLifoConfig } from '../../../policies/queue/config.ts';
import { requestView } from '../views.ts';
import { takeAll } from './queue-harness.ts';

const r = (id: number) => requestView({ id });

function make() {
  const queue = adaptiveLifo.make({ name: 'adaptive-lifo', size: 9, timeout: 100, threshold: 10 }, { rng: () => 0 });
  queue.capacityChanged(0, 1);
  for (const id of [0, 1, 2, 3]) queue.offer(id, r(id));
  return queue;
}

describe('adaptive-lifo', () => {
  it('serves in order while the oldest is younger than the threshold', () => {
    const queue = make();
    queue.leave(10.9, r(0));
    expect(takeAll(queue)).toEqual(['admit 1']);
  });

  it('serves the newest first once the oldest has waited for the threshold', () => {
    const queue = make();
    queue.leave(11, r(0));
    expect(takeAll(queue)).toEqual(['admit 3']);
    queue.offer(12, r(4));
    queue.leave(13, r(3));
    expect(takeAll(queue)).toEqual(['admit 4']);
  });

  it('serves in order again when the old ones are gone', () => {
    const queue = make();
    queue.offer(95, r(4));
    queue.offer(96, r(5));
    queue.wake(103);
    expect(takeAll(queue)).toEqual(['queue-timeout 1', 'queue-timeout 2', 'queue-timeout 3']);
    queue.leave(104, r(0));
    expect(takeAll(queue)).toEqual(['admit 4']);
  });

  it('never lets a newcomer in while others wait', () => {
    const queue = make();
    expect(queue.offer(50, r(4))).toBe('queued');
    expect(queue.held()).toEqual({ waiting: 4, admitted: 1 });
  });

  it('refuses time that goes backwards and a request offered twice', () => {
    const queue = make();
    expect(() => queue.wake(2)).toThrow('backwards');
    expect(() => queue.offer(4, r(3))).toThrow('twice');
  });

  it('has the defaults of fifo and a threshold of seconds', () => {
    const defaults = { size: 100, timeout: 60e6, threshold: 5e6 };
    expect(adaptiveLifoConfig.parse({ name: 'adaptive-lifo' })).toMatchObject(defaults);
  });
});

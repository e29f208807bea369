import { describe, expect, it } from 'vitest';
import { tokenBucket } from '../../../policies/rate/bucket-queue.ts';
import type { Queue } from '../../../policies/types.ts';
import { requestView } from '../views.ts';

const HISTORIC = tokenBucket.variants['smg-2026-08-07'];

function make(capacity: number, given: Record<string, unknown> = {}): Queue {
  const queue = tokenBucket.make(tokenBucket.config.parse({ name: 'token-bucket', ...given }), { rng: () => 0 });
  queue.capacityChanged(0, capacity);
  return queue;
}

function offers(queue: Queue, now: number, ...ids: number[]): string {
  return ids.map((id) => queue.offer(now, requestView({ id }))).join(' ');
}

function effects(queue: Queue): string {
  const seen: string[] = [];
  for (let effect = queue.take(); effect !== undefined; effect = queue.take()) {
    if (effect.kind === 'preempt') throw new Error('nobody is pushed out');
    seen.push(`${effect.kind === 'admit' ? 'admit' : effect.cause}:${effect.request.id}`);
  }
  return seen.join(' ');
}

function wake(queue: Queue, now: number): string {
  queue.wake(now);
  return effects(queue);
}

function leave(queue: Queue, now: number, id: number): string {
  queue.leave(now, requestView({ id }));
  return effects(queue);
}

describe('BucketQueue', () => {
  it('hands a permit on in order of arrival', () => {
    const queue = make(1);
    expect(offers(queue, 0, 0, 1, 2)).toBe('admitted queued queued');
    expect([leave(queue, 5, 0), leave(queue, 6, 1), queue.nextWakeAt()]).toEqual(['admit:1', 'admit:2', Infinity]);
  });

  it('bounds who waits and how long', () => {
    const queue = make(1, { size: 2, timeout: '1ms' });
    expect(offers(queue, 0, 0, 1, 2, 3)).toBe('admitted queued queued queue-full');
    expect([queue.nextWakeAt(), wake(queue, 999)]).toEqual([1000, '']);
    expect(wake(queue, 1000)).toBe('queue-timeout:1 queue-timeout:2');
  });

  it('limits entries per second beside those that are in', () => {
    const queue = make(10, { refillPerSec: 4, burst: 2 });
    expect(offers(queue, 0, 0, 1, 2)).toBe('admitted admitted queued');
    expect([queue.nextWakeAt(), leave(queue, 1000, 0)]).toEqual([250e3, '']);
    expect([wake(queue, 249_999), wake(queue, 250e3)]).toEqual(['', 'admit:2']);
  });

  it('lets no refill raise the number that may be in', () => {
    const queue = make(2, { refillPerSec: 'capacity' });
    expect(offers(queue, 0, 0, 1)).toBe('admitted admitted');
    expect(offers(queue, 10e6, 2)).toBe('queued');
    expect(queue.nextWakeAt()).toBe(70e6);
    expect(leave(queue, 11e6, 0)).toBe('admit:2');
  });

  it('lets no newcomer pass a waiter that a token is due to', () => {
    const queue = make(5, { refillPerSec: 1, burst: 1 });
    expect(offers(queue, 0, 0, 1)).toBe('admitted queued');
    expect([offers(queue, 1e6, 2), effects(queue)]).toEqual(['queued', 'admit:1']);
  });

  it('follows the capacity with its burst', () => {
    const queue = make(Infinity, { refillPerSec: 1 });
    expect(offers(queue, 0, 0, 1, 2)).toBe('admitted admitted admitted');
    queue.capacityChanged(0, 4);
    expect(offers(queue, 0, 3, 4)).toBe('admitted queued');
    queue.capacityChanged(0, 0);
    expect(leave(queue, 1, 0)).toBe('');
  });

  it('hands out no tokens because the capacity changes', () => {
    const queue = make(2, { refillPerSec: 1, burst: 2 });
    expect(offers(queue, 0, 0, 1)).toBe('admitted admitted');
    queue.capacityChanged(0, 9);
    expect(offers(queue, 0, 2)).toBe('queued');
    queue.capacityChanged(1, Infinity);
    expect([effects(queue), wake(queue, 1e6)]).toEqual(['', 'admit:2']);
  });
});

describe('LegacyQueue (smg-2026-08-07)', () => {
  it('admits as many per second as the limit, however many are in', () => {
    const queue = make(4, HISTORIC);
    expect(offers(queue, 0, 0, 1, 2, 3, 4)).toBe('admitted admitted admitted admitted queued');
    expect(wake(queue, 250e3)).toBe('admit:4');
    expect([offers(queue, 500e3, 5), queue.held().admitted]).toEqual(['admitted', 6]);
  });

  it('gives up when one token would have come, not at the timeout', () => {
    const queue = make(64, HISTORIC);
    offers(queue, 0, ...Array(64).keys());
    expect(offers(queue, 0, 64)).toBe('queued');
    expect([queue.nextWakeAt(), wake(queue, 10e3)]).toEqual([10e3, '']);
    expect([queue.nextWakeAt(), wake(queue, 15_625)]).toEqual([15_625, 'queue-timeout:64']);
  });

  it('keeps more waiters than its size', () => {
    const queue = make(1, { ...HISTORIC, size: 2 });
    expect(offers(queue, 0, 0, 1, 2, 3, 4)).toBe('admitted queued queued queued queued');
    expect(offers(make(1, { ...HISTORIC, size: 0 }), 0, 0, 1)).toBe('admitted queue-full');
  });

  it('lets whoever looked longest ago take a returned token', () => {
    const queue = make(1, { ...HISTORIC, refillPerSec: 1 });
    const answers = [offers(queue, 0, 0), offers(queue, 1000, 1), offers(queue, 6000, 2)];
    expect(answers).toEqual(['admitted', 'queued', 'queued']);
    expect([queue.nextWakeAt(), wake(queue, 11e3)]).toEqual([11e3, '']);
    expect(leave(queue, 12e3, 0)).toBe('admit:2');
  });

  it('gives the token that a waiter just missed to a newcomer', () => {
    const queue = make(1, { ...HISTORIC, refillPerSec: 100 });
    expect(offers(queue, 0, 0)).toBe('admitted');
    expect(offers(queue, 1000, 1)).toBe('queued');
    expect([offers(queue, 10_001, 2), effects(queue)]).toEqual(['admitted', 'queue-timeout:1']);
  });

  it('waits for a return until the timeout when nothing flows in', () => {
    const queue = make(1, { ...HISTORIC, refillPerSec: 0, timeout: '5ms' });
    offers(queue, 0, 0, 1);
    expect([queue.nextWakeAt(), wake(queue, 4999), wake(queue, 5000)]).toEqual([5000, '', 'queue-timeout:1']);
    offers(queue, 5000, 2);
    expect(leave(queue, 6000, 0)).toBe('admit:2');
  });

  it('counts those who are in when a limit is set or moved', () => {
    const queue = make(Infinity, { ...HISTORIC, refillPerSec: 0 });
    offers(queue, 0, 0, 1, 2);
    queue.capacityChanged(0, 2);
    expect([offers(queue, 0, 3), leave(queue, 1, 0), leave(queue, 1, 1)]).toEqual(['queued', '', 'admit:3']);
    queue.capacityChanged(2, 3);
    expect(offers(queue, 2, 4, 5)).toBe('admitted queued');
    queue.capacityChanged(2, Infinity);
    expect(effects(queue)).toBe('admit:5');
  });

  it('takes a token back from those only who had one', () => {
    const queue = make(1, { ...HISTORIC, refillPerSec: 0 });
    expect(offers(queue, 0, 0, 1, 2)).toBe('admitted queued queued');
    expect([leave(queue, 1, 1), leave(queue, 1, 99), offers(queue, 1, 3)]).toEqual(['', '', 'queued']);
    expect(leave(queue, 2, 0)).toBe('admit:2');
  });

  it('makes nobody look again when it hears the capacity that it has', () => {
    const queue = make(1, { ...HISTORIC, refillPerSec: 1 });
    expect(offers(queue, 0, 0, 1)).toBe('admitted queued');
    queue.capacityChanged(4000, 1);
    expect(queue.nextWakeAt()).toBe(10e3);
    queue.capacityChanged(5000, 0.5);
    expect(queue.nextWakeAt()).toBe(15e3);
  });

  it('moves the level of its bucket with the capacity, whoever came in by the rate', () => {
    const queue = make(2, { ...HISTORIC, refillPerSec: 10 });
    expect(offers(queue, 0, 0, 1)).toBe('admitted admitted');
    expect(offers(queue, 200e3, 2, 3)).toBe('admitted admitted');
    queue.capacityChanged(200e3, 3);
    expect(offers(queue, 200e3, 4, 5)).toBe('admitted queued');
  });

  it('waits without looking when nothing flows in', () => {
    const queue = make(1, { ...HISTORIC, refillPerSec: 0, timeout: '50ms' });
    expect([offers(queue, 0, 0, 1), queue.nextWakeAt()]).toEqual(['admitted queued', 50e3]);
  });

  it('looks once more at the very instant of giving up, and no later', () => {
    const punctual = make(1, { ...HISTORIC, refillPerSec: 100 });
    expect([offers(punctual, 0, 0, 1), wake(punctual, 10e3)]).toEqual(['admitted queued', 'admit:1']);
    const late = make(1, { ...HISTORIC, refillPerSec: 100 });
    expect(offers(late, 0, 0)).toBe('admitted');
    expect([offers(late, 1000, 1), wake(late, 25e3)]).toEqual(['queued', 'queue-timeout:1']);
  });

  it('counts the time to the next look from a return that came to nothing', () => {
    const queue = make(1, { ...HISTORIC, refillPerSec: 1 });
    expect(offers(queue, 1000, 0, 1, 2)).toBe('admitted queued queued');
    expect([leave(queue, 5000, 0), queue.nextWakeAt()]).toEqual(['admit:1', 15e3]);
  });
});

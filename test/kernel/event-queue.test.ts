import { describe, expect, it } from 'vitest';
import { EventQueue, NO_EVENT, PHASE } from '../../src/kernel/event-queue.ts';
import { stream } from '../../src/kernel/rng.ts';

const io = PHASE.io;

/** Pops everything; the data in order. */
function drain<T>(queue: EventQueue<T>): (T | undefined)[] {
  const out: (T | undefined)[] = [];
  while (queue.pop()) out.push(queue.data);
  return out;
}

describe('EventQueue order', () => {
  it('pops by time, then phase, then key, then order of push', () => {
    const queue = new EventQueue<string>();
    queue.push(2, PHASE.fault, 0, 0, 'later');
    queue.push(1, PHASE.wake, 0, 0, 'wake');
    queue.push(1, PHASE.arrival, 0, 0, 'arrival');
    queue.push(1, PHASE.io, 7, 0, 'io of 7, first');
    queue.push(1, PHASE.io, 3, 0, 'io of 3');
    queue.push(1, PHASE.io, 7, 0, 'io of 7, second');
    queue.push(1, PHASE.fault, 0, 0, 'fault');
    expect(drain(queue)).toEqual([
      'fault',
      'io of 3',
      'io of 7, first',
      'io of 7, second',
      'arrival',
      'wake',
      'later',
    ]);
  });

  it('keeps a thousand equal events in the order of push', () => {
    const queue = new EventQueue<number>();
    const pushed = Array.from({ length: 1000 }, (_, i) => i);
    for (const i of pushed) queue.push(5, io, 0, 0, i);
    expect(drain(queue)).toEqual(pushed);
  });

  it('keeps the largest key below the next phase', () => {
    const queue = new EventQueue<string>();
    queue.push(0, PHASE.arrival, 0, 0, 'arrival');
    queue.push(0, PHASE.io, 2 ** 18 - 1, 0, 'last key');
    expect(drain(queue)).toEqual(['last key', 'arrival']);
  });

  it('orders fractions of a microsecond', () => {
    const queue = new EventQueue<string>();
    queue.push(1.5, io, 0, 0, 'half');
    queue.push(1.25, io, 0, 0, 'quarter');
    expect(drain(queue)).toEqual(['quarter', 'half']);
  });
});

describe('EventQueue with tens of thousands pending', () => {
  const draw = stream(1, 'many');
  const instants = Array.from({ length: 30_000 }, () => Math.floor(draw() * 10_000));

  it('pops by time and, among equals, in the order of push', () => {
    const queue = new EventQueue<number>();
    for (const [i, at] of instants.entries()) queue.push(at, io, 0, 0, i);
    const sorted = [...instants.entries()].sort(([i, a], [j, b]) => a - b || i - j);
    expect(drain(queue)).toEqual(sorted.map(([i]) => i));
  });
});

describe('EventQueue state', () => {
  it('is empty until something is pushed', () => {
    const queue = new EventQueue<string>();
    expect(queue.pop()).toBe(false);
    expect(queue.peekAt()).toBe(Infinity);
    expect([queue.size, queue.pushed, queue.at]).toEqual([0, 0, 0]);
  });

  it('loads time, kind and data of what it popped, and keeps them when nothing is left', () => {
    const queue = new EventQueue<string>();
    queue.push(9, io, 0, 42, 'payload');
    expect(queue.peekAt()).toBe(9);
    expect(queue.pop()).toBe(true);
    expect(queue.pop()).toBe(false);
    expect([queue.at, queue.kind, queue.data]).toEqual([9, 42, 'payload']);
  });

  it('counts the living and the pushed', () => {
    const queue = new EventQueue<number>();
    const handles = [1, 2, 3].map((at) => queue.push(at, io, 0, 0, at));
    queue.cancel(handles[1] ?? NO_EVENT);
    queue.pop();
    expect([queue.size, queue.pushed]).toEqual([1, 3]);
  });

  it('grows past its first capacity without losing order', () => {
    const queue = new EventQueue<number>();
    for (let i = 5000; i > 0; i--) queue.push(i, io, 0, 0, i);
    expect(drain(queue)).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
  });
});

describe('EventQueue cancellation', () => {
  it('removes a pending event once', () => {
    const queue = new EventQueue<string>();
    const handle = queue.push(1, io, 0, 0, 'gone');
    queue.push(2, io, 0, 0, 'stays');
    expect([queue.cancel(handle), queue.cancel(handle)]).toEqual([true, false]);
    expect(queue.peekAt()).toBe(2);
    expect(drain(queue)).toEqual(['stays']);
  });

  it('answers false for a popped event, for no event and for a handle never given', () => {
    const queue = new EventQueue<string>();
    const handle = queue.push(1, io, 0, 0, 'popped');
    queue.pop();
    for (const unknown of [handle, NO_EVENT, 77, 2 ** 40]) expect(queue.cancel(unknown)).toBe(false);
  });

  it('leaves the event alone that reuses the slot of a stale handle', () => {
    const queue = new EventQueue<string>();
    const popped = queue.push(1, io, 0, 0, 'popped');
    queue.pop();
    const cancelled = queue.push(2, io, 0, 0, 'cancelled');
    queue.cancel(cancelled);
    queue.peekAt();
    queue.push(3, io, 0, 0, 'lives here now');
    expect([queue.cancel(popped), queue.cancel(cancelled)]).toEqual([false, false]);
    expect(drain(queue)).toEqual(['lives here now']);
  });

  it('keeps order and handles when tombstones outnumber the living', () => {
    const queue = new EventQueue<number>();
    const handles = Array.from({ length: 1000 }, (_, i) => queue.push(1000 - i, io, i % 7, 0, i));
    const kept = handles.filter((_, i) => i % 10 === 0);
    for (const [i, handle] of handles.entries()) if (i % 10 !== 0) expect(queue.cancel(handle)).toBe(true);
    expect(queue.size).toBe(100);
    expect(queue.cancel(kept[0] ?? NO_EVENT)).toBe(true);
    expect(drain(queue)).toEqual(Array.from({ length: 99 }, (_, i) => 990 - i * 10));
  });

  it('reuses the room of cancelled events', () => {
    const queue = new EventQueue<number>();
    queue.push(2 ** 30, io, 0, 0, -1);
    for (let i = 0; i < 100_000; i++) queue.cancel(queue.push(i, io, 0, 0, i));
    expect([queue.size, queue.pushed]).toEqual([1, 100_001]);
    expect(drain(queue)).toEqual([-1]);
  });
});

describe('EventQueue bounds', () => {
  const refused: [string, number, number, number][] = [
    ['NaN as time', NaN, 0, 0],
    ['an infinite time', Infinity, 0, 0],
    ['a time before the event popped last', 9, 0, 0],
    ['a negative key', 10, -1, 0],
    ['a key of 2^18', 10, 2 ** 18, 0],
    ['a negative kind', 10, 0, -1],
  ];
  it.each(refused)('refuses %s', (_, at, key, kind) => {
    const queue = new EventQueue<null>();
    queue.push(10, io, 0, 0, null);
    queue.pop();
    expect(() => queue.push(at, io, key, kind, null)).toThrow(/^event /);
    expect(queue.size).toBe(0);
  });

  it('accepts an event at the very instant of the event popped last', () => {
    const queue = new EventQueue<null>();
    queue.push(10, PHASE.wake, 0, 0, null);
    queue.pop();
    queue.push(10, PHASE.fault, 0, 0, null);
    expect(queue.pop()).toBe(true);
    expect(queue.at).toBe(10);
  });
});

describe('EventQueue at its limit', () => {
  it('holds 2^21 events, counts a cancelled one as room, and refuses one more', () => {
    const queue = new EventQueue<null>();
    const first = queue.push(0, io, 0, 0, null);
    for (let i = 1; i < 2 ** 21; i++) queue.push(i, io, 0, 0, null);
    expect(() => queue.push(2 ** 21, io, 0, 0, null)).toThrow('more than 2^21 events pending');
    queue.cancel(first);
    const last = queue.push(2 ** 21, io, 0, 0, null);
    expect([queue.size, queue.peekAt(), queue.cancel(last)]).toEqual([2 ** 21, 1, true]);
  });
});

describe('EventQueue with shuffled ties', () => {
  it('orders equal events by the draw, and nothing else', () => {
    const draws = [3, 1, 2].map((draw) => draw * 2 ** 20);
    const queue = new EventQueue<string>(() => draws.shift() ?? 0);
    queue.push(1, io, 1, 0, 'third');
    queue.push(1, io, 1, 0, 'first');
    queue.push(1, io, 1, 0, 'second');
    queue.push(1, io, 0, 0, 'of a smaller key');
    queue.push(0, PHASE.wake, 0, 0, 'earlier');
    expect(drain(queue)).toEqual(['earlier', 'of a smaller key', 'first', 'second', 'third']);
  });

  it('falls back to the order of push when every draw is equal', () => {
    const queue = new EventQueue<number>(() => 7);
    const pushed = Array.from({ length: 500 }, (_, i) => i);
    for (const i of pushed) queue.push(1, io, 0, 0, i);
    expect(drain(queue)).toEqual(pushed);
  });

  it('keeps the largest draw inside its key', () => {
    const queue = new EventQueue<string>(() => 2 ** 32 - 1);
    queue.push(1, io, 1, 0, 'key 1');
    queue.push(1, io, 0, 0, 'key 0');
    expect(drain(queue)).toEqual(['key 0', 'key 1']);
  });
});

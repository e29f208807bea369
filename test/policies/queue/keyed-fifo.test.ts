import { describe, expect, it } from 'vitest';
import { KeyedFifo } from '../../../policies/queue/keyed-fifo.ts';

describe('KeyedFifo', () => {
  it.each([
    [1, [2, 3]],
    [2, [1, 3]],
    [3, [1, 2]],
    [9, [1, 2, 3]],
  ])('keeps the order when %d is taken out', (id, rest) => {
    const list = new KeyedFifo<number>();
    for (const value of [1, 2, 3]) list.push(value, value);
    expect(list.delete(id)).toBe(id !== 9);
    list.push(4, 4);
    const order = [...rest, 4];
    expect(list.size).toBe(order.length);
    expect(list.peek()).toBe(order[0]);
    expect(order.map(() => list.shift())).toEqual(order);
    expect([list.shift(), list.peek(), list.size]).toEqual([undefined, undefined, 0]);
  });

  it('refuses an id it has', () => {
    const list = new KeyedFifo<number>();
    list.push(1, 1);
    expect(() => list.push(1, 2)).toThrow('twice');
  });

  it('has nothing to give while it is empty, and nothing by an id that it does not have', () => {
    const list = new KeyedFifo<string>();
    expect([list.peek(), list.shift(), list.pop(), list.get(1), list.has(1)]).toEqual([
      ...[undefined, undefined, undefined, undefined, false],
    ]);
    list.push(1, 'one');
    list.push(2, 'two');
    expect([list.get(1), list.get(3), list.pop(), list.peek()]).toEqual(['one', undefined, 'two', 'one']);
    expect([list.pop(), list.size, list.peek()]).toEqual(['one', 0, undefined]);
  });
});

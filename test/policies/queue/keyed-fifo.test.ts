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
});

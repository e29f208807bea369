import { describe, expect, it } from 'vitest';
import { type EmptiedGroup, FairQueue } from '../../../policies/admission/fair-queue.ts';

/** Items are their own ids. */
type Entry = readonly [id: number, group: string, weight?: number];

function queue(items: readonly Entry[], emptied: EmptiedGroup = 'leaves') {
  const fair = new FairQueue<number>(emptied);
  for (const [id, group, weight = 1] of items) fair.push(group, weight, id, id);
  return fair;
}

/** Serves all that may go, in order. */
function serveAll(fair: FairQueue<number>, eligible: (id: number) => boolean = () => true): readonly number[] {
  const order: number[] = [];
  for (let id = fair.select(eligible); id !== undefined; id = fair.select(eligible)) {
    fair.commit(id);
    order.push(id);
  }
  return order;
}

describe('FairQueue', () => {
  it.each([
    ['one group is first in, first out', [[1, 'a'], [2, 'a'], [3, 'a']], [1, 2, 3]],
    ['equal groups take turns', [[1, 'a'], [2, 'a'], [3, 'a'], [4, 'b'], [5, 'b']], [1, 4, 2, 5, 3]],
    ['weight 2 goes twice as often', [[1, 'a'], [2, 'a'], [3, 'b', 2], [4, 'b', 2], [5, 'b', 2]], [1, 3, 4, 2, 5]],
    ['weights below 1 count as 1', [[1, 'a', 0.1], [2, 'a', 0.1], [3, 'b'], [4, 'b']], [1, 3, 2, 4]],
  ] as const)('%s', (_case, items, order) => {
    expect(serveAll(queue(items))).toEqual(order);
  });

  it('passes over a head that may not go, and with it the rest of its group', () => {
    const fair = queue([[1, 'a'], [2, 'a'], [3, 'b'], [4, 'b']]);
    expect(serveAll(fair, (id) => id !== 1)).toEqual([3, 4]);
    expect([...fair.heads()]).toEqual([1]);
  });

  it('lets a group that was blocked go first, for one turn', () => {
    const fair = queue([[1, 'a'], [2, 'a'], [3, 'b'], [4, 'b'], [5, 'b'], [6, 'b']]);
    expect(serveAll(fair, (id) => id > 2 && id < 6)).toEqual([3, 4, 5]);
    expect(serveAll(fair)).toEqual([1, 6, 2]);
  });

  it.each([
    ['leaves', [2, 3]],
    ['stays', [3, 2]],
  ] as const)('a group emptied by removal %s, and the next items go in order %j', (emptied, order) => {
    const fair = queue([[1, 'a'], [2, 'b']], emptied);
    fair.remove(1);
    fair.push('a', 1, 3, 3);
    expect(serveAll(fair)).toEqual(order);
  });

  it.each([
    ['leaves', [13, 12, 11]],
    ['stays', [11, 13, 12]],
  ] as const)('a group never served that %s returns as a newcomer or to its old place: %j', (emptied, order) => {
    const fair = queue([[1, 'c'], [2, 'a'], [3, 'a'], [4, 'a']], emptied);
    fair.remove(1);
    expect(serveAll(fair)).toEqual([2, 3, 4]);
    for (const [id, group] of [[13, 'd'], [12, 'e'], [11, 'c']] as const) fair.push(group, 1, id, id);
    expect(serveAll(fair)).toEqual(order);
  });

  it('keeps one place a group however often items come and go', () => {
    const fair = queue([[1, 'b']]);
    for (let id = 2; id < 500; id++) {
      fair.push('a', 1, id, id);
      fair.remove(id);
    }
    fair.checkInvariants();
    expect([fair.size, [...fair.heads()]]).toEqual([1, [1]]);
  });

  it('refuses an id twice and a service of one who is not at the head', () => {
    const fair = queue([[1, 'a'], [2, 'a']]);
    expect(() => fair.push('b', 1, 1, 1)).toThrow('twice');
    expect(() => fair.commit(2)).toThrow('only the head');
    expect(() => fair.commit(9)).toThrow('only the head');
  });
});

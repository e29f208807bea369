import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitHeap, type Waiting } from '../../src/gateway/wait-heap.ts';
import { assertRuns } from '../harness/gateway-runs.ts';

const FILE = 'test/gateway/wait-heap.property.test.ts';
const instant = fc.oneof(fc.nat({ max: 9 }), fc.constantFrom(-Infinity, Infinity));
const steps = fc.array(fc.tuple(fc.nat({ max: 30 }), instant), { maxLength: 150, size: 'max' });

/** Earliest first, the lower id first at one instant. */
function earliest(waits: ReadonlyMap<Waiting, number>): [Waiting, number] | undefined {
  return [...waits].sort(([a, at], [b, bt]) => (at === bt ? a.id - b.id : at - bt))[0];
}

describe('contract 3: the wait heap', () => {
  const title = 'knows the earliest wait, as a list searched from end to end would';
  it(title, () => {
    const property = fc.property(steps, (sets) => {
      const heap = new WaitHeap<Waiting>();
      const items = Array.from({ length: 31 }, (_, id) => ({ id, waitAt: Infinity, waitIndex: -1 }));
      const waits = new Map<Waiting, number>();
      for (const [id, at] of sets) {
        const item = items[id] as Waiting;
        heap.set(item, at);
        if (at === Infinity) waits.delete(item);
        else waits.set(item, at);
        heap.checkInvariants();
        const first = earliest(waits);
        expect([heap.size, heap.peek(), heap.nextAt]).toEqual([waits.size, first?.[0], first?.[1] ?? Infinity]);
        expect(item.waitIndex >= 0).toBe(at !== Infinity);
      }
    });
    assertRuns(property, { seed: 3, numRuns: 300, file: FILE, title });
  });

  it('refuses an instant that is no number', () => {
    expect(() => new WaitHeap<Waiting>().set({ id: 0, waitAt: 0, waitIndex: -1 }, NaN)).toThrow('no number');
  });

  it('finds an item whose place or instant was changed behind its back', () => {
    const items = [5, 6, 7].map((at, id) => ({ id, waitAt: at, waitIndex: -1 }));
    const heap = new WaitHeap<Waiting>();
    for (const item of items) heap.set(item, item.waitAt);
    Object.assign(items[2] as Waiting, { waitAt: 1 });
    expect(() => heap.checkInvariants()).toThrow('out of order');
    Object.assign(items[2] as Waiting, { waitAt: 7, waitIndex: 1 });
    expect(() => heap.checkInvariants()).toThrow('does not know its place');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../../policies/admission/deadlines.ts';

const SEED = 7250732;
const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 500);

describe('Deadlines', () => {
  it('lets out whoever is due, earliest first and ties in the order they were set, as a sorted list does', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at: fc.nat({ max: 9 }) }),
      fc.record({ kind: fc.constant('delete' as const), which: fc.nat({ max: 20 }) }),
      fc.record({ kind: fc.constant('due' as const), at: fc.nat({ max: 9 }) }),
    );
    const property = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const deadlines = new Deadlines();
      let model: { id: number; at: number }[] = [];
      let nextId = 0;
      for (const one of steps) {
        if (one.kind === 'set') {
          deadlines.set(nextId, one.at);
          model.push({ id: nextId++, at: one.at });
          model.sort((a, b) => a.at - b.at || a.id - b.id);
        } else if (one.kind === 'delete') {
          const id = model[one.which % Math.max(1, model.length)]?.id ?? -1;
          deadlines.delete(id);
          model = model.filter((deadline) => deadline.id !== id);
        } else {
          const first = model[0];
          const due = first !== undefined && first.at <= one.at;
          expect(deadlines.shiftDue(one.at)).toBe(due ? first.id : undefined);
          if (due) model.shift();
        }
        expect([deadlines.size, deadlines.earliestAt()]).toEqual([model.length, model[0]?.at ?? Infinity]);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgingLimit } from '../../../policies/gate/aging-limit.ts';
import { ConcurrencyLimit, concurrencyLimit } from '../../../policies/gate/concurrency-limit.ts';
import type { AttemptView } from '../../../policies/types.ts';
import { requestView, workerView } from '../views.ts';

const attemptOn = (index: number, id: number): AttemptView => {
  return { id, request: requestView({ id }), worker: workerView({ index }), startedAt: 0 };
};

describe('AgingLimit', () => {
  it('forgets a lease at its age, and allows one more for each', () => {
    const gate = new AgingLimit(2, 100);
    gate.granted(0, attemptOn(0, 1));
    gate.granted(30, attemptOn(0, 2));
    expect([gate.allows(99, workerView()), gate.reconsiderAt(99)]).toEqual([false, 100]);
    expect([gate.allows(100, workerView()), gate.reconsiderAt(100)]).toEqual([true, Infinity]);
    gate.granted(100, attemptOn(0, 3));
    expect([gate.allows(129, workerView()), gate.reconsiderAt(129)]).toEqual([false, 130]);
  });

  it('counts each worker by itself, and a settled lease no longer, forgotten or not', () => {
    const gate = new AgingLimit(1, 100);
    gate.granted(0, attemptOn(0, 1));
    gate.granted(50, attemptOn(1, 2));
    expect([0, 1, 2].map((index) => gate.allows(60, workerView({ index })))).toEqual([false, false, true]);
    gate.settled(60, attemptOn(1, 2));
    expect(gate.allows(60, workerView({ index: 1 }))).toBe(true);
    expect(gate.allows(100, workerView({ index: 0 }))).toBe(true);
    gate.settled(200, attemptOn(0, 1));
    expect(gate.reconsiderAt(200)).toBe(Infinity);
  });

  it('is the plain limit while no lease is as old', () => {
    const step = fc.oneof(fc.record({ grant: fc.nat({ max: 2 }) }), fc.record({ settle: fc.nat({ max: 9 }) }));
    const property = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const [aging, plain] = [new AgingLimit(3, 1000), new ConcurrencyLimit(3)];
      const held: AttemptView[] = [];
      steps.forEach((each, now) => {
        if ('grant' in each) {
          const attempt = attemptOn(each.grant, now);
          held.push(attempt);
          aging.granted(now, attempt);
        } else {
          const [attempt] = held.splice(each.settle % Math.max(1, held.length), 1);
          if (attempt !== undefined) aging.settled(now, attempt);
        }
        for (const index of [0, 1, 2]) {
          const inFlight = held.filter(({ worker }) => worker.index === index).length;
          const view = workerView({ index, inFlight });
          expect(aging.allows(now, view)).toBe(plain.allows(now, view));
        }
      });
    });
    fc.assert(property, { seed: 2295, numRuns: 300 });
  });

  it('is what the variant of the registry makes', () => {
    const config = concurrencyLimit.config.parse({
      name: 'concurrency-limit',
      ...concurrencyLimit.variants['llm-d-2295'],
    });
    expect(concurrencyLimit.make(config, { rng: () => 0 })).toBeInstanceOf(AgingLimit);
    const plain = concurrencyLimit.config.parse({ name: 'concurrency-limit' });
    expect(concurrencyLimit.make(plain, { rng: () => 0 })).toBeInstanceOf(ConcurrencyLimit);
  });
});

/** The map of ids against a `Map`, over lists of commands that grow it, empty it and fill it anew. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdMap } from '../../src/gateway/id-map.ts';
import { assertRuns } from '../harness/gateway-runs.ts';

const FILE = 'test/gateway/id-map.property.test.ts';
/** Ids that follow each other, some far away, so that buckets are shared. */
const id = fc.oneof(
  fc.nat({ max: 200 }),
  fc.nat({ max: 3 }).map((i) => i * 2 ** 33),
  fc.integer(),
);
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('set' as const), id }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('delete' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), id }) },
);
const steps = fc.array(step, { maxLength: 600, size: 'max' });

function apply(map: Pick<Map<number, object>, 'set' | 'delete' | 'clear'> | IdMap<object>, step: Step): unknown {
  if (step.kind === 'set') return void map.set(step.id, step.value);
  return step.kind === 'delete' ? map.delete(step.id) : map.clear();
}

interface Step {
  readonly kind: 'set' | 'delete' | 'clear';
  readonly id: number;
  readonly value: object;
}

describe('a map of ids', () => {
  const title = 'answers and orders as a Map does';
  it(title, () => {
    const property = fc.property(steps, (written) => {
      const map = new IdMap<object>();
      const model = new Map<number, object>();
      for (const [i, each] of written.entries()) {
        const step = { ...each, value: { i } };
        expect(apply(map, step)).toEqual(apply(model, step));
        expect(map.size).toBe(model.size);
        expect(map.get(step.id)).toBe(model.get(step.id));
        expect(map.has(step.id)).toBe(model.has(step.id));
      }
      expect([...map.entries()]).toEqual([...model]);
      expect([...map.keys()]).toEqual([...model.keys()]);
      expect([...map.values()]).toEqual([...model.values()]);
    });
    assertRuns(property, { seed: 11, numRuns: 200, file: FILE, title });
  });

  it('keeps its few while a hundred thousand come and go', () => {
    const map = new IdMap<string>();
    map.set(-1, 'first');
    for (let i = 0; i < 100_000; i++) {
      map.set(i, 'passing');
      if (i >= 8) expect(map.delete(i - 8)).toBe(true);
    }
    expect([...map.keys()]).toEqual([-1, ...Array.from({ length: 8 }, (_, i) => 99_992 + i)]);
  });

  it('shrinks and goes on after a crowd has left', () => {
    const map = new IdMap<number>();
    for (let i = 0; i < 5000; i++) map.set(i, i);
    for (let i = 0; i < 4990; i++) map.delete(i);
    for (let i = 5000; i < 20_000; i++) {
      map.set(i, i);
      map.delete(i - 10);
    }
    expect([...map.values()]).toEqual(Array.from({ length: 10 }, (_, i) => 19_990 + i));
  });
});

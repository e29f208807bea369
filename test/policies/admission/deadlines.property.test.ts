import fc from 'fast-check';
import { describe, it } from 'vitest';
import { Deadlines } from '../../../policies/admission/deadlines.ts';
import { claimEqual } from '../../harness/claim.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';

const FILE = 'test/policies/admission/deadlines.property.test.ts';

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), at: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat({ max: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('due' as const), at: fc.nat({ max: 9 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never;

/** Deadlines beside a sorted list of them. */
class Harness {
  readonly #deadlines = new Deadlines();
  #model: { id: number; at: number }[] = [];
  #nextId = 0;

  run(one: Step): void {
    switch (one.kind) {
      case 'set':
        this.#deadlines.set(this.#nextId, one.at);
        this.#model.push({ id: this.#nextId++, at: one.at });
        this.#model.sort((a, b) => a.at - b.at || a.id - b.id);
        break;
      case 'delete': {
        const id = this.#model[one.which % Math.max(1, this.#model.length)]?.id ?? -1;
        this.#deadlines.delete(id);
        this.#model = this.#model.filter((deadline) => deadline.id !== id);
        break;
      }
      case 'due': {
        const [first] = this.#model;
        const isDue = first !== undefined && first.at <= one.at;
        claimEqual(this.#deadlines.shiftDue(one.at), isDue ? first.id : undefined, 'who is due');
        if (isDue) this.#model.shift();
        break;
      }
      default:
        one satisfies never;
    }
    claimEqual(this.#deadlines.size, this.#model.length, 'size');
    claimEqual(this.#deadlines.earliestAt(), this.#model[0]?.at ?? Infinity, 'earliest');
  }
}

describe('Deadlines', () => {
  const title = 'lets out whoever is due, earliest first and ties in the order they were set, as a sorted list does';
  it(title, { timeout: 600_000 }, () => {
    const property = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const harness = new Harness();
      for (const one of steps) harness.run(one);
    });
    assertRuns(property, { seed: 7250732, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

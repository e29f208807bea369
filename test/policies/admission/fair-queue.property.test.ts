import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../policies/admission/fair-queue.ts';

const SEED = 7250731;
const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 2000);
const GROUPS = ['a', 'b', 'c'] as const;

type Command =
  | { kind: 'push'; group: number }
  | { kind: 'remove'; which: number }
  | { kind: 'serve'; blocked: readonly number[] };

const blocked = fc.subarray([0, 1, 2], { maxLength: 2 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('push' as const), group: fc.nat({ max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat({ max: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('serve' as const), blocked }) },
);
const commands = fc.array(command, { maxLength: 60, size: 'max' });
const emptied = fc.constantFrom('leaves' as const, 'stays' as const);
const weights = fc.tuple(...GROUPS.map(() => fc.constantFrom(0.25, 1, 2, 5)));

/** A queue and what is in it, by group, oldest first. */
class Model {
  readonly queue: FairQueue<{ id: number; group: number }>;
  readonly groups: number[][] = [[], [], []];
  readonly #weights: readonly number[];
  #nextId = 0;

  constructor(kind: 'leaves' | 'stays', groupWeights: readonly number[]) {
    this.queue = new FairQueue(kind);
    this.#weights = groupWeights;
  }

  push(group: number): void {
    const id = this.#nextId++;
    this.groups[group]?.push(id);
    this.queue.push(GROUPS[group] as string, this.#weights[group] as number, id, { id, group });
  }

  remove(which: number): void {
    const all = this.groups.flat();
    const id = all[which % Math.max(1, all.length)];
    expect(this.queue.remove(id ?? 1e9)).toBe(id !== undefined);
    for (const ids of this.groups) if (id !== undefined && ids.includes(id)) ids.splice(ids.indexOf(id), 1);
  }

  /** The group served, or -1. */
  serve(blocked: readonly number[]): number {
    const item = this.queue.select(({ group }) => !blocked.includes(group));
    if (item === undefined) return -1;
    this.queue.commit(item.id);
    expect(this.groups[item.group]?.shift(), 'within a group the oldest goes first').toBe(item.id);
    return item.group;
  }
}

describe('FairQueue', () => {
  it('serves whoever may go, oldest first in a group, and loses nobody', () => {
    const property = fc.property(emptied, weights, commands, (kind, groupWeights, steps) => {
      const model = new Model(kind, groupWeights);
      for (const step of steps) {
        if (step.kind === 'push') model.push(step.group);
        else if (step.kind === 'remove') model.remove(step.which);
        else {
          const somebody = model.groups.some((ids, group) => ids.length > 0 && !step.blocked.includes(group));
          expect(model.serve(step.blocked) >= 0, 'somebody is served iff somebody may go').toBe(somebody);
        }
        model.queue.checkInvariants();
        expect(model.queue.size).toBe(model.groups.flat().length);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });

  it('keeps groups that always wait within a turn of each other, whatever happened before', () => {
    const property = fc.property(emptied, weights, commands, (kind, groupWeights, steps) => {
      const model = new Model(kind, groupWeights);
      for (const step of steps) {
        if (step.kind === 'push') model.push(step.group);
        else if (step.kind === 'remove') model.remove(step.which);
        else model.serve(step.blocked);
      }
      const share = groupWeights.map((weight) => Math.max(weight, 1));
      const turns = [0, 0, 0];
      let worst = -Infinity;
      for (let group = 0; group < 3; group++) for (let i = 0; i < 40; i++) model.push(group);
      for (let i = 0; i < 40; i++) {
        const group = model.serve([]);
        turns[group] = (turns[group] as number) + 1;
        // A group that idled may return at the front for one turn more than its share.
        for (const [a, b] of [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]] as const) {
          const ahead = (turns[a] as number) / (share[a] as number) - (turns[b] as number) / (share[b] as number);
          worst = Math.max(worst, ahead - 2 / (share[a] as number) - 1 / (share[b] as number));
        }
      }
      expect(worst).toBeLessThanOrEqual(1e-9);
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});

/** What a weighted fair queue keeps: nobody is lost, the oldest of a group goes first, and no group starves. */
import fc from 'fast-check';
import type { EmptiedGroup, FairQueue } from '../../../policies/admission/fair-queue.ts';
import { claim, claimEqual } from '../claim.ts';

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

interface Item {
  readonly id: number;
  readonly group: number;
}
type Make = (emptied: EmptiedGroup) => FairQueue<Item>;

/** A queue and what is in it, by group, oldest first. */
class Model {
  readonly queue: FairQueue<Item>;
  readonly groups: number[][] = [[], [], []];
  readonly #weights: readonly number[];
  #nextId = 0;

  constructor(queue: FairQueue<Item>, groupWeights: readonly number[]) {
    this.queue = queue;
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
    claim(this.queue.remove(id ?? 1e9) === (id !== undefined), 'whoever is queued can be removed, once');
    for (const ids of this.groups) if (id !== undefined && ids.includes(id)) ids.splice(ids.indexOf(id), 1);
  }

  /** The group served, or -1. */
  serve(blocked: readonly number[]): number {
    const item = this.queue.select(({ group }) => !blocked.includes(group));
    if (item === undefined) return -1;
    this.queue.commit(item.id);
    claimEqual(this.groups[item.group]?.shift(), item.id, 'the oldest of the group');
    return item.group;
  }
}

/** Serves whoever may go, oldest first in a group, and loses nobody. */
export function fairQueueProperty(make: Make) {
  return fc.property(emptied, weights, commands, (kind, groupWeights, steps) => {
    const model = new Model(make(kind), groupWeights);
    for (const step of steps) {
      if (step.kind === 'push') model.push(step.group);
      else if (step.kind === 'remove') model.remove(step.which);
      else {
        const somebody = model.groups.some((ids, group) => ids.length > 0 && !step.blocked.includes(group));
        claim(model.serve(step.blocked) >= 0 === somebody, 'somebody is served iff somebody may go');
      }
      model.queue.checkInvariants();
      claimEqual(model.queue.size, model.groups.flat().length, 'size');
    }
  });
}

const PAIRS = [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]] as const;

/** Groups that always wait stay within a turn of each other, whatever happened before. */
export function fairnessProperty(make: Make) {
  return fc.property(emptied, weights, commands, (kind, groupWeights, steps) => {
    const model = new Model(make(kind), groupWeights);
    for (const step of steps) {
      if (step.kind === 'push') model.push(step.group);
      else if (step.kind === 'remove') model.remove(step.which);
      else model.serve(step.blocked);
    }
    const share = groupWeights.map((weight) => Math.max(weight, 1));
    const turns = [0, 0, 0];
    for (let group = 0; group < 3; group++) for (let i = 0; i < 40; i++) model.push(group);
    for (let i = 0; i < 40; i++) {
      const group = model.serve([]);
      turns[group] = (turns[group] as number) + 1;
      // A group that idled may return at the front for one turn more than its share.
      for (const [a, b] of PAIRS) {
        const ahead = (turns[a] as number) / (share[a] as number) - (turns[b] as number) / (share[b] as number);
        const most = 2 / (share[a] as number) + 1 / (share[b] as number);
        claim(ahead <= most + 1e-9, 'a group is ahead of another by more than a turn', turns, share);
      }
    }
  });
}

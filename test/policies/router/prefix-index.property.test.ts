/** The prefix index under any commands, against a model that keeps every prefix of every prompt in plain sets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrefixIndex } from '../../../policies/router/prefix-index.ts';
import { claim, claimEqual } from '../../harness/claim.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';

const SEED = 7251730;
const FILE = 'test/policies/router/prefix-index.property.test.ts';
const WORKERS = [0, 1, 2];

type Command =
  | { kind: 'insert'; worker: number; path: number[]; refresh: boolean }
  | { kind: 'remove'; worker: number }
  | { kind: 'keep'; workers: number[] }
  | { kind: 'idle'; us: number };

const worker = fc.constantFrom(...WORKERS);
const path = fc.array(fc.nat({ max: 2 }), { maxLength: 6, size: 'max' });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('insert' as const), worker, path, refresh: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), worker }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('keep' as const), workers: fc.subarray(WORKERS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('idle' as const), us: fc.nat({ max: 20 }) }) },
);

/** Each prefix as text; who holds it, in the order they came; who owns it. */
class Model {
  /** By worker: prefix → turn of its last use. */
  readonly #held = new Map<number, Map<string, number>>();
  readonly #holders = new Map<string, number[]>();
  readonly #owners = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  of(worker: number): Map<string, number> {
    let held = this.#held.get(worker);
    if (held === undefined) this.#held.set(worker, (held = new Map<string, number>()));
    return held;
  }

  insert(turn: number, worker: number, path: readonly number[], refresh: boolean): void {
    const held = this.of(worker);
    const prefixes = prefixesOf(path).slice(0, this.#max);
    const known = prefixes.every((prefix) => held.has(prefix));
    for (const prefix of prefixes) {
      if (!held.has(prefix)) this.#holders.set(prefix, [...(this.#holders.get(prefix) ?? []), worker]);
      if (!this.#owners.has(prefix)) this.#owners.set(prefix, worker);
      if (refresh || !known) held.set(prefix, turn);
    }
    while (held.size > this.#max) this.drop(worker, oldest(held));
  }

  idle(turn: number): void {
    for (const [worker, held] of this.#held) {
      for (const [prefix, usedAt] of [...held]) if (usedAt <= turn) this.drop(worker, prefix);
    }
  }

  dropAll(worker: number): void {
    for (const prefix of [...this.of(worker).keys()]) this.drop(worker, prefix);
  }

  drop(worker: number, prefix: string): void {
    this.of(worker).delete(prefix);
    const rest = (this.#holders.get(prefix) ?? []).filter((other) => other !== worker);
    this.#holders.set(prefix, rest);
    if (this.#owners.get(prefix) !== worker) return;
    if (rest[0] === undefined) this.#owners.delete(prefix);
    else this.#owners.set(prefix, rest[0]);
  }

  match(path: readonly number[]): { blocks: number; worker: number } {
    const known = prefixesOf(path).filter((prefix) => this.#owners.has(prefix));
    return { blocks: known.length, worker: this.#owners.get(known.at(-1) ?? '') ?? -1 };
  }
}

function prefixesOf(path: readonly number[]): string[] {
  return path.map((_, i) => path.slice(0, i + 1).join());
}

/** Least recently used, the longest among equals: a leaf. */
function oldest(held: ReadonlyMap<string, number>): string {
  return [...held].sort(([a, i], [b, j]) => i - j || b.length - a.length)[0]?.[0] as string;
}

describe('PrefixIndex', () => {
  const title = 'holds what its model holds, never more than its bound, and names no removed worker';
  it(title, { timeout: 600_000 }, () => {
    const property = fc.property(
      fc.constantFrom(1, 2, 4, 9),
      fc.array(command, { maxLength: 30, size: 'max' }),
      fc.array(path, { maxLength: 4, size: 'max' }),
      (max, commands, probes) => {
        const index = new PrefixIndex(max);
        const model = new Model(max);
        for (const [turn, step] of commands.entries()) {
          apply(index, model, step, turn);
          index.checkInvariants();
          for (const worker of WORKERS) {
            claimEqual(index.size(worker), model.of(worker).size, 'blocks held');
            claim(index.size(worker) <= max, 'more is held than may be');
          }
          for (const probe of probes) {
            claimEqual(index.match(probe), model.match(probe), 'match');
            const overlaps = [0, 0, 0];
            index.overlaps(probe, overlaps);
            const held = WORKERS.map((w) => prefixesOf(probe).filter((prefix) => model.of(w).has(prefix)).length);
            claimEqual(overlaps, held, 'overlaps');
          }
        }
      },
    );
    assertRuns(property, { seed: SEED, numRuns: POLICY_RUNS, file: FILE, title });
  });

  it('exceeds its bound only until it is told to evict', () => {
    const index = new PrefixIndex(2);
    index.insert(0, 0, [1, 2]);
    index.insert(1, 0, [3, 4]);
    expect(index.size(0)).toBe(4);
    index.evict(1, Infinity);
    expect([index.size(0), index.match([1]).blocks, index.match([3, 4]).blocks]).toEqual([2, 0, 2]);
  });

  it('takes a prompt sent again for a use, unless told that it is none', () => {
    const forgotten = (...refresh: boolean[]) => {
      const index = new PrefixIndex(2);
      for (const [now, block] of [1, 2].entries()) index.insert(now, 0, [block]);
      index.insert(2, 0, [1], ...refresh);
      index.insert(3, 0, [3]);
      index.trim(0);
      return [1, 2, 3].filter((block) => index.match([block]).blocks === 0);
    };
    expect([forgotten(), forgotten(true), forgotten(false)]).toEqual([[2], [2], [1]]);
  });
});

function apply(index: PrefixIndex, model: Model, step: Command, turn: number): void {
  switch (step.kind) {
    case 'insert':
      index.insert(turn, step.worker, step.path, step.refresh);
      index.trim(step.worker);
      model.insert(turn, step.worker, step.path, step.refresh);
      break;
    case 'remove':
      index.remove(step.worker);
      model.dropAll(step.worker);
      break;
    case 'keep':
      index.keepOnly(step.workers);
      for (const gone of WORKERS.filter((other) => !step.workers.includes(other))) model.dropAll(gone);
      break;
    case 'idle':
      index.evict(turn, step.us);
      model.idle(turn - step.us);
      break;
    default:
      step satisfies never;
  }
}

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BlockCopy, BlockPool } from '../../../src/worker/dynamo/block-pool.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 600);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260813);

interface ModelCopy {
  hash: number;
  refs: number;
}

/** Arrays and searches, no index, no links. A copy of the pool and one of the model go by the same number. */
class Model {
  /** In the order in which they became findable; private ones have hash 0. */
  copies: ModelCopy[] = [];
  idle: ModelCopy[] = [];
  evictions = 0;

  first(hash: number): ModelCopy | undefined {
    return this.copies.find((copy) => copy.hash === hash);
  }

  evict(): void {
    const evicted = this.idle.shift();
    this.copies = this.copies.filter((copy) => copy !== evicted);
    this.evictions++;
  }

  publish(copy: ModelCopy, hash: number): void {
    copy.hash = hash;
    this.copies = [...this.copies.filter((each) => each !== copy), copy];
  }

  release(copy: ModelCopy): void {
    copy.refs--;
    if (copy.hash === 0) this.copies = this.copies.filter((each) => each !== copy);
    else if (copy.refs === 0) this.idle.push(copy);
  }
}

const HASHES = [1, 2, 3, -1, -2];
const pick = fc.nat({ max: 1000 });
const hash = fc.constantFrom(...HASHES);
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('allocate' as const),
      hits: fc.uniqueArray(hash, { maxLength: 3 }),
      fresh: fc.nat({ max: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish' as const), pick, hash }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('release' as const), pick }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reset' as const }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

/** The pool and its model side by side; `held` has one entry for each reference. */
class Pair {
  readonly pool: BlockPool;
  readonly model = new Model();
  held: [BlockCopy, ModelCopy][] = [];
  denied = 0;
  shared = 0;
  /** Hashes that lost their first copy and stayed visible. */
  survived = 0;

  constructor(total: number) {
    this.pool = new BlockPool(total);
  }

  apply(step: Command): void {
    const { pool, model } = this;
    switch (step.kind) {
      case 'allocate':
        this.#allocate(step.hits, step.fresh);
        break;
      case 'publish': {
        const own = this.held.filter(([, { hash }]) => hash === 0);
        const found = own[step.pick % Math.max(1, own.length)];
        if (found === undefined) break;
        if (model.first(step.hash) !== undefined) this.shared++;
        pool.publish(found[0], step.hash);
        model.publish(found[1], step.hash);
        break;
      }
      case 'release': {
        const [found] = this.held.splice(step.pick % Math.max(1, this.held.length), 1);
        if (found === undefined) break;
        pool.release(found[0]);
        model.release(found[1]);
        break;
      }
      case 'reset':
        pool.reset();
        this.held = [];
        model.copies = [];
        model.idle = [];
        break;
      default:
        step satisfies never;
    }
  }

  #allocate(wanted: readonly number[], fresh: number): void {
    const { pool, model } = this;
    const hits = wanted.filter((hash) => model.first(hash) !== undefined);
    const prefix = hits.map((hash) => model.first(hash) as ModelCopy);
    const toEvict = Math.max(0, fresh - (pool.total - model.copies.length));
    const enough = toEvict <= model.idle.filter((copy) => !prefix.includes(copy)).length;
    const into: BlockCopy[] = [];
    expect(pool.allocate(hits.map((hash) => pool.find(hash) as BlockCopy), fresh, into)).toBe(enough);
    if (!enough) {
      expect(into).toEqual([]);
      this.denied++;
      return;
    }
    for (const copy of prefix) copy.refs++;
    model.idle = model.idle.filter((copy) => !prefix.includes(copy));
    const visible = HASHES.filter((hash) => model.first(hash) !== undefined);
    const firsts = visible.map((hash) => model.first(hash));
    for (let i = 0; i < toEvict; i++) model.evict();
    this.survived += visible.filter((hash, i) => {
      const left = model.first(hash);
      return left !== undefined && left !== firsts[i];
    }).length;
    const made = Array.from({ length: fresh }, (): ModelCopy => ({ hash: 0, refs: 1 }));
    model.copies.push(...made);
    into.forEach((copy, i) => this.held.push([copy, [...prefix, ...made][i] as ModelCopy]));
  }

  same(): void {
    const { pool, model } = this;
    const paired = new Map(this.held);
    const visible = HASHES.filter((hash) => model.first(hash) !== undefined);
    expect(HASHES.filter((hash) => pool.find(hash) !== undefined)).toEqual(visible);
    for (const hash of visible) {
      const partner = paired.get(pool.find(hash) as BlockCopy);
      // An idle copy has no partner here; its place in the order shows when it is evicted.
      if (partner !== undefined) expect(partner).toBe(model.first(hash));
      else expect(pool.find(hash)?.refs).toBe(0);
    }
    expect([pool.active, pool.idle, pool.visible, pool.evictions]).toEqual([
      model.copies.length - model.idle.length,
      model.idle.length,
      visible.length,
      model.evictions,
    ]);
    pool.checkInvariants(this.held.map(([copy]) => copy));
  }
}

/** A cached copy that nobody holds. */
function leave(pool: BlockPool, hash: number): void {
  const blocks: BlockCopy[] = [];
  pool.allocate([], 1, blocks);
  pool.publish(blocks[0] as BlockCopy, hash);
  pool.release(blocks[0] as BlockCopy);
}

describe('BlockPool', () => {
  it('equals its model after every command', () => {
    const met = { evictions: 0, denied: 0, shared: 0, survived: 0 };
    const steps = fc.array(command, { maxLength: 100, size: 'max' });
    const property = fc.property(fc.integer({ min: 1, max: 9 }), steps, (total, commands) => {
      const pair = new Pair(total);
      for (const step of commands) {
        pair.apply(step);
        pair.same();
      }
      met.evictions += pair.model.evictions;
      met.denied += pair.denied;
      met.shared += pair.shared;
      met.survived += pair.survived;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log(met);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(RUNS / 20);
  });

  it('evicts in the order of release, and never the prefix that an allocation reuses', () => {
    const pool = new BlockPool(3);
    for (const hash of [1, 2, 3]) leave(pool, hash);
    const blocks: BlockCopy[] = [];
    expect(pool.allocate([pool.find(1) as BlockCopy], 1, blocks)).toBe(true);
    expect([1, 2, 3].map((hash) => pool.find(hash) !== undefined)).toEqual([true, false, true]);
    expect(pool.allocate([], 2, blocks)).toBe(false);
    expect(pool.find(3)).toBeDefined();
  });

  it('shows a hash until its last copy is gone', () => {
    const pool = new BlockPool(2);
    leave(pool, 7);
    leave(pool, 7);
    expect([pool.visible, pool.idle]).toEqual([1, 2]);
    const blocks: BlockCopy[] = [];
    pool.allocate([], 1, blocks);
    expect(pool.find(7)).toBeDefined();
    pool.allocate([], 1, blocks);
    expect(pool.find(7)).toBeUndefined();
  });

  it('refuses to take a block back twice, or to publish one again', () => {
    const pool = new BlockPool(1);
    const blocks: BlockCopy[] = [];
    pool.allocate([], 1, blocks);
    const copy = blocks[0] as BlockCopy;
    pool.publish(copy, 1);
    expect(() => pool.publish(copy, 2)).toThrow('published again');
    pool.release(copy);
    expect(() => pool.release(copy)).toThrow('released more often');
  });

  it('knows nothing of sequences, schedulers or engines', () => {
    const source = readFileSync(new URL('../../../src/worker/dynamo/block-pool.ts', import.meta.url), 'utf8');
    const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, path]) => path);
    expect(imports).toEqual(['../../kernel/assert.ts']);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KvPool } from '../../src/worker/kv-pool.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1000);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260802);

/** Few hashes, most of them alike in their low bits, so that an open-addressing index has long and wrapping probes. */
const HASHES = [0, 15, 16, 31, 2 ** 32, 2 ** 32 + 15, 2 ** 33 + 14, 2 ** 52 + 15, 2 ** 53 - 1, 2 ** 40 + 0x8000000f];

interface ModelBlock {
  refs: number;
  hash: number;
  owner: string;
}

/** Sets and lists, no index, no links. */
class Model {
  blocks: ModelBlock[];
  /** Cached blocks without references, longest idle first. */
  idle: number[] = [];
  evictions = 0;

  constructor(total: number) {
    this.blocks = Array.from({ length: total }, () => ({ refs: 0, hash: -1, owner: '' }));
  }

  at(block: number): ModelBlock {
    return this.blocks[block] as ModelBlock;
  }

  get used(): number {
    return this.blocks.filter(({ refs }) => refs > 0).length;
  }

  get free(): number[] {
    return this.blocks.flatMap(({ refs }, block) => (refs === 0 && !this.idle.includes(block) ? [block] : []));
  }

  find(hash: number): number {
    return this.blocks.findIndex((block) => block.hash === hash);
  }

  /** `block` is what the pool gave. */
  allocate(block: number): void {
    const { free } = this;
    const right = free.length > 0 ? free.includes(block) : block === this.idle.shift();
    if (!right) expect.fail(`block ${block} was given out, free are ${free.join()}`);
    if (free.length === 0) this.evictions++;
    this.blocks[block] = { refs: 1, hash: -1, owner: '' };
  }

  pin(block: number): void {
    this.at(block).refs++;
    this.idle = this.idle.filter((each) => each !== block);
  }

  release(block: number): void {
    const each = this.at(block);
    if (--each.refs === 0 && (each.hash >= 0 || each.owner !== '')) this.idle.push(block);
  }
}

const pick = fc.nat({ max: 1000 });
const hash = fc.constantFrom(...HASHES);
const place = fc.nat({ max: 2 });
const command = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'allocate' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pin' as const), pick }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('publish' as const), pick, hash }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tag' as const), pick, owner: place, index: place }) },
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('release' as const), pick }) },
);
const commands = fc.array(
  fc.oneof({ weight: 60, arbitrary: command }, { weight: 1, arbitrary: fc.constant({ kind: 'reset' as const }) }),
  { maxLength: 120, size: 'max' },
);
type Command = typeof commands extends fc.Arbitrary<(infer C)[]> ? C : never;

function chosen(from: readonly number[], at: number): number {
  return from.length === 0 ? -1 : (from[at % from.length] as number);
}

function apply(pool: KvPool, model: Model, step: Command): void {
  const indices = model.blocks.map((_, block) => block);
  const held = indices.filter((block) => model.at(block).refs > 0);
  const plain = held.filter((block) => model.at(block).hash < 0 && model.at(block).owner === '');
  switch (step.kind) {
    case 'allocate':
      if (pool.available > 0) model.allocate(pool.allocate());
      break;
    case 'pin': {
      const block = chosen([...held, ...model.idle], step.pick);
      if (block < 0) break;
      pool.pin(block);
      model.pin(block);
      break;
    }
    case 'publish': {
      const block = chosen(plain, step.pick);
      if (block < 0) break;
      if (model.find(step.hash) < 0) model.at(block).hash = step.hash;
      pool.publish(block, step.hash);
      break;
    }
    case 'tag': {
      const block = chosen(plain, step.pick);
      if (block < 0) break;
      model.at(block).owner = `${step.owner}/${step.index}`;
      pool.tag(block, step.owner, step.index);
      break;
    }
    case 'release': {
      const block = chosen(held, step.pick);
      if (block < 0) break;
      pool.release(block);
      model.release(block);
      break;
    }
    case 'reset':
      pool.reset();
      model.blocks = new Model(pool.total).blocks;
      model.idle = [];
      break;
    default:
      step satisfies never;
  }
}

type PoolView = Pick<KvPool, 'used' | 'available' | 'evictions' | 'find' | 'holds' | 'isIdle'>;

/** Everything the pool can be asked, as one line: comparing lines costs less than thousands of expectations. */
function shown(pool: PoolView, model: Model): string {
  const places = [0, 1, 2].flatMap((owner) => [0, 1, 2].map((index) => [owner, index] as const));
  const blocks = model.blocks.map(({ refs }, block) => [
    places.map(([owner, index]) => Number(pool.holds(block, owner, index))).join(''),
    refs > 0 || model.idle.includes(block) ? pool.isIdle(block) : 'free',
  ]);
  return JSON.stringify([pool.used, pool.available, pool.evictions, HASHES.map((hash) => pool.find(hash)), blocks]);
}

function same(pool: KvPool, model: Model): void {
  const expected = shown(
    {
      used: model.used,
      available: model.free.length + model.idle.length,
      evictions: model.evictions,
      find: (hash) => model.find(hash),
      holds: (block, owner, index) => model.at(block).owner === `${owner}/${index}`,
      isIdle: (block) => model.at(block).refs === 0,
    },
    model,
  );
  const actual = shown(pool, model);
  if (actual !== expected) expect(actual).toBe(expected);
  if (pool.used + model.idle.length + model.free.length !== pool.total) expect.fail('blocks do not add up');
  pool.checkInvariants();
}

describe('KvPool', () => {
  it('equals its model after every command', () => {
    let evictions = 0;
    const property = fc.property(fc.integer({ min: 1, max: 9 }), commands, (total, steps) => {
      const pool = new KvPool(total);
      const model = new Model(total);
      for (const step of steps) {
        apply(pool, model, step);
        same(pool, model);
      }
      evictions += model.evictions;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    expect(evictions).toBeGreaterThan(RUNS);
  });

  it('evicts in the order in which blocks became idle', () => {
    const pool = new KvPool(3);
    const blocks = [1, 2, 3].map((hash) => {
      const block = pool.allocate();
      pool.publish(block, hash);
      return block;
    });
    for (const at of [2, 0, 1]) pool.release(blocks[at] as number);
    pool.pin(blocks[2] as number);
    pool.release(blocks[2] as number);
    expect([1, 2, 3].map(() => pool.allocate())).toEqual([blocks[0], blocks[1], blocks[2]]);
    expect(pool.evictions).toBe(3);
  });

  it('frees a second copy of resident content on release', () => {
    const pool = new KvPool(2);
    const [first, copy] = [pool.allocate(), pool.allocate()];
    pool.publish(first, 7);
    pool.publish(copy, 7);
    expect(pool.find(7)).toBe(first);
    pool.release(first);
    pool.release(copy);
    expect(pool.allocate()).toBe(copy);
    expect(pool.evictions).toBe(0);
  });

  it('refuses to give out a block of a full pool, and to take one back twice', () => {
    const pool = new KvPool(1);
    const block = pool.allocate();
    expect(() => pool.allocate()).toThrow('full pool');
    pool.release(block);
    expect(() => pool.release(block)).toThrow('released more often');
  });
});

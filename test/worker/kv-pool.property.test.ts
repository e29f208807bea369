import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KvPool } from '../../src/worker/kv-pool.ts';
import type { Run } from '../../src/worker/kv-run.ts';
import { PromptHold } from '../../src/worker/prompt-hold.ts';
import { type Block, Holder, ReferencePool } from './reference-pool.ts';
import { job } from './shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1500);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260802);
const HOLDERS = 4;

const limit = fc.nat({ max: 20 });
const growth = fc.integer({ min: 1, max: 12 });
const holder = fc.nat({ max: HOLDERS - 1 });
const prompt = fc.record({
  tokens: fc.integer({ min: 1, max: 40 }),
  ids: fc.array(fc.constantFrom(0, 0, 0, 1), { maxLength: 8, size: 'max' }),
});
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('begin' as const), holder, prompt, limit }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('grow' as const), holder, tokens: growth }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('regret' as const), holder }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('park' as const), holder }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reclaim' as const), holder, limit }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), holder }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Prompt = typeof prompt extends fc.Arbitrary<infer P> ? P : never;

/** A sequence in both pools at once. */
class Pair {
  readonly hold: PromptHold;
  readonly single: Holder;
  readonly #sizes: Sizes;
  computed = 0;
  /** Tokens before the last growth, while it may be regretted. */
  before = 0;
  /** Times that somebody took hold of blocks until then. */
  grownAt = 0;
  parked: Run | undefined = undefined;
  active = false;
  /** Times it took hold of blocks; what it left behind and did not find again is nobody's. */
  holds = 0;

  constructor(owner: number, { tokens, ids }: Prompt, sizes: Sizes) {
    this.#sizes = sizes;
    this.hold = new PromptHold(job(owner, tokens, 1, ids, sizes.idTokens), sizes.blockTokens);
    this.single = new Holder((index) => {
      const end = (index + 1) * sizes.blockTokens;
      const known = Math.ceil(end / sizes.idTokens);
      const shared = end <= tokens && known <= ids.length;
      return shared ? `${index}: ${ids.slice(0, known).join()}` : `own ${owner}, hold ${this.holds}, ${index}`;
    });
  }

  blocks(tokens: number): number {
    return Math.ceil(tokens / this.#sizes.blockTokens);
  }

  full(tokens: number): number {
    return Math.floor(tokens / this.#sizes.blockTokens);
  }

  /** Full blocks of content that is its own. */
  own(tokens: number): [number, number] {
    const full = this.full(tokens);
    return [Math.min(full, this.hold.blocks), full];
  }
}

interface Sizes {
  readonly total: number;
  readonly blockTokens: number;
  readonly idTokens: number;
}

class TwoPools {
  readonly runs: KvPool;
  readonly singles: ReferencePool;
  readonly met = { hits: 0, copies: 0, evictions: 0, reclaimed: 0, regretted: 0 };
  readonly #sizes: Sizes;
  readonly #pairs: (Pair | undefined)[] = [];
  #owners = 0;
  #begins = 0;

  constructor(sizes: Sizes) {
    this.#sizes = sizes;
    this.runs = new KvPool(sizes.total);
    this.singles = new ReferencePool(sizes.total);
  }

  apply(step: Step): void {
    const pair = this.#pairs[step.holder];
    switch (step.kind) {
      case 'begin':
        if (pair !== undefined) break;
        this.#pairs[step.holder] = this.#begun(new Pair(this.#owners++, step.prompt, this.#sizes), step.limit);
        break;
      case 'grow':
        if (pair?.active === true) this.#grow(pair, step.tokens);
        break;
      case 'regret':
        if (pair?.active === true) this.#regret(pair);
        break;
      case 'park':
        if (pair?.active === true) this.#park(pair);
        break;
      case 'reclaim':
        if (pair?.active === false) this.#begun(pair, step.limit);
        break;
      case 'end':
        if (pair?.active === true) this.#end(pair);
        this.#pairs[step.holder] = undefined;
        break;
      default:
        step satisfies never;
    }
  }

  /** Looks the content up, its own parked blocks too, and takes hold of what is resident. */
  #begun(pair: Pair, limit: number): Pair {
    const { hold, single, parked } = pair;
    this.#begins++;
    hold.look(this.runs, limit);
    const parkedBlocks = parked === undefined ? 0 : parked.end - parked.from;
    const hits = hold.hits < hold.blocks ? hold.hits : Math.min(limit, hold.hits + parkedBlocks);
    const found = this.singles.look(single, limit);
    expect(hits).toBe(found.length);
    expect(hold.idleHits + hits - hold.hits).toBe(found.filter(({ refs }) => refs === 0).length);
    if (parked !== undefined && hits > hold.hits) this.runs.reclaim(parked, parked.from + hits - hold.hits);
    this.met.reclaimed += hits - hold.hits;
    this.met.hits += hold.hits;
    hold.pin(this.runs, hold.hits);
    this.singles.pin(single, found);
    pair.holds++;
    const [ownFrom, ownEnd] = pair.own(hits * this.#sizes.blockTokens);
    for (let i = ownFrom; i < ownEnd; i++) (single.blocks[i] as Block).content = single.contentOf(i);
    pair.parked = undefined;
    pair.computed = pair.before = hits * this.#sizes.blockTokens;
    pair.active = true;
    return pair;
  }

  #grow(pair: Pair, tokens: number): void {
    const { hold, single, computed } = pair;
    const until = computed + tokens;
    const count = pair.blocks(until) - pair.blocks(computed);
    if (count > this.runs.available) return;
    this.runs.take(count);
    this.singles.take(single, count);
    for (let i = pair.full(computed); i < Math.min(pair.full(until), hold.blocks); i++) {
      if (this.singles.blocks.some(({ content }) => content === single.contentOf(i))) this.met.copies++;
    }
    hold.publish(this.runs, pair.full(until));
    this.singles.publish(single, pair.full(computed), pair.full(until));
    pair.before = computed;
    pair.computed = until;
    pair.grownAt = this.#begins;
  }

  /** The last growth did not happen, unless somebody took hold of blocks since. */
  #regret(pair: Pair): void {
    const { hold, single, before, computed } = pair;
    const keep = pair.blocks(before);
    if (before === computed || pair.grownAt !== this.#begins) return;
    this.runs.giveBack(pair.blocks(computed) - keep);
    hold.withdraw(this.runs, pair.full(before));
    this.singles.withdraw(single, pair.full(before), keep);
    pair.computed = before;
    this.met.regretted++;
  }

  #park(pair: Pair): void {
    const [from, full] = pair.own(pair.computed);
    this.runs.giveBack(pair.blocks(pair.computed) - full);
    pair.parked = this.runs.park(from, full);
    pair.hold.release(this.runs);
    this.singles.release(pair.single);
    pair.active = false;
  }

  #end(pair: Pair): void {
    const [from, full] = pair.own(pair.computed);
    this.runs.giveBack(pair.blocks(pair.computed) - full);
    this.runs.retire(full - from);
    pair.hold.release(this.runs);
    this.singles.release(pair.single);
  }

  /** Counts, and the blocks of every prompt that any of them would find. */
  same(prompts: readonly Prompt[]): void {
    const { runs, singles } = this;
    const seen = [runs.used, runs.available, runs.idle, runs.evictions];
    const expected = [singles.used, singles.available, singles.idle.length, singles.evictions];
    if (seen.join() !== expected.join()) expect(seen).toEqual(expected);
    this.met.evictions = singles.evictions;
    for (const each of prompts) {
      const { hold, single } = new Pair(-1, each, this.#sizes);
      hold.look(runs, hold.blocks);
      const found = singles.look(single, hold.blocks);
      if (hold.hits !== found.length) expect(hold.hits).toBe(found.length);
      const idle = found.filter(({ refs }) => refs === 0).length;
      if (hold.idleHits !== idle) expect(hold.idleHits).toBe(idle);
    }
    runs.checkInvariants();
  }
}

describe('KvPool', () => {
  it('equals a pool of single blocks after every step', () => {
    const met = { hits: 0, copies: 0, evictions: 0, reclaimed: 0, regretted: 0 };
    const sizes = fc.record({
      total: fc.integer({ min: 1, max: 24 }),
      blockTokens: fc.integer({ min: 1, max: 4 }),
      idTokens: fc.integer({ min: 1, max: 10 }),
    });
    const steps = fc.array(step, { maxLength: 60, size: 'max' });
    const property = fc.property(sizes, steps, fc.array(prompt, { maxLength: 4 }), (size, list, probes) => {
      const pools = new TwoPools(size);
      for (const each of list) {
        pools.apply(each);
        pools.same(probes);
      }
      for (const kind of Object.keys(met) as (keyof typeof met)[]) met[kind] += pools.met[kind];
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log(met);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(RUNS / 20);
  });

  it('evicts the longest idle first, of one prompt its suffix', () => {
    const pool = new KvPool(6);
    const holds = [[1, 2, 3], [4, 5, 6]].map((ids, i) => {
      const hold = new PromptHold(job(i, 12, 1, ids), 4);
      pool.take(3);
      hold.publish(pool, 3);
      hold.release(pool);
      return hold;
    });
    const resident = (): number[] =>
      holds.map((hold) => {
        hold.look(pool, 3);
        return hold.hits;
      });
    const left = [0, 2, 1, 2].map((count) => {
      pool.take(count);
      return resident();
    });
    expect(left).toEqual([[3, 3], [1, 3], [0, 3], [0, 1]]);
    expect(pool.evictions).toBe(5);
  });

  it('finds the second copy of resident content when the first is evicted', () => {
    const pool = new KvPool(3);
    const [first, second] = [0, 1].map((owner) => new PromptHold(job(owner, 4, 1, [1]), 4)) as [PromptHold, PromptHold];
    for (const hold of [first, second]) {
      pool.take(1);
      hold.publish(pool, 1);
    }
    first.release(pool);
    second.release(pool);
    pool.take(2);
    expect([pool.used, pool.idle]).toEqual([2, 1]);
    first.look(pool, 1);
    expect(first.hits).toBe(1);
    pool.take(1);
    first.look(pool, 1);
    expect([first.hits, pool.evictions]).toEqual([0, 2]);
  });

  it('refuses to give out a block of a full pool, and to take one back that nobody holds', () => {
    const pool = new KvPool(1);
    pool.take(1);
    expect(() => pool.take(1)).toThrow('full pool');
    pool.giveBack(1);
    expect(() => pool.giveBack(1)).toThrow('nobody held');
    expect(() => pool.retire(1)).toThrow('nobody held');
  });

  it('forgets everything when it is reset', () => {
    const pool = new KvPool(4);
    const hold = new PromptHold(job(0, 8, 1, [1, 2]), 4);
    pool.take(3);
    hold.publish(pool, 2);
    pool.retire(1);
    pool.reset();
    expect([pool.used, pool.idle, pool.available]).toEqual([0, 0, 4]);
    const again = new PromptHold(job(1, 8, 1, [1, 2]), 4);
    again.look(pool, 2);
    expect(again.hits).toBe(0);
    pool.checkInvariants();
  });
});

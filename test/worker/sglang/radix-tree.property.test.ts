import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RadixNode } from '../../../src/worker/sglang/radix-node.ts';
import { RadixTree } from '../../../src/worker/sglang/radix-tree.ts';
import { TokenContent } from '../../../src/worker/sglang/token-content.ts';
import type { JobInit } from '../../../src/worker/worker.ts';
import { job } from '../shapes.ts';
import { pageTexts, type ReferenceNode, ReferenceTree, tokenTexts } from './reference-tree.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1000);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260814);

const ids = fc.array(fc.nat({ max: 1 }), { maxLength: 8, size: 'max' });
const count = (max: number) => fc.integer({ min: 1, max });
const subject = fc.record({ promptTokens: count(16), ids, tokens: count(20) });
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('insert' as const), subject, locks: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('match' as const), subject }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unlock' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('evict' as const), pages: count(8) }) },
);

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;
type Subject = typeof subject extends fc.Arbitrary<infer T> ? T : never;

/** The tree and the reference side by side. */
class Pair {
  readonly tree: RadixTree;
  readonly reference = new ReferenceTree();
  readonly locks: { node: RadixNode; reference: ReferenceNode }[] = [];
  readonly met = { hits: 0, evicted: 0, unlocked: 0 };
  readonly #pageTokens: number;
  readonly #blockTokens: number;
  #owners = 0;

  constructor(pageTokens: number, blockTokens: number) {
    this.tree = new RadixTree(pageTokens);
    this.#pageTokens = pageTokens;
    this.#blockTokens = blockTokens;
  }

  perform(each: Command): void {
    switch (each.kind) {
      case 'insert':
        this.#insert(each.subject, each.locks);
        break;
      case 'match': {
        const { content, pages } = this.#made(each.subject);
        const found = this.tree.match(content, pages.length).end;
        // Longest match, said without a tree: the most pages that some path begins with.
        expect(found).toBe(Math.max(...this.#paths().map((path) => commonPages(path, pages))));
        expect(found).toBe(this.reference.pagesTo(this.reference.match(pages)));
        this.met.hits += found;
        break;
      }
      case 'unlock': {
        const [lock] = this.locks.splice(each.at % Math.max(1, this.locks.length), 1);
        if (lock === undefined) break;
        this.tree.unlock(lock.node);
        for (const node of this.reference.pathOf(lock.reference)) node.locks--;
        this.met.unlocked++;
        break;
      }
      case 'evict':
        if (each.pages > this.tree.evictablePages) break;
        this.tree.evict(each.pages);
        for (let freed = 0; freed < each.pages;) freed += this.reference.evict();
        this.met.evicted += each.pages;
        break;
      default:
        each satisfies never;
    }
  }

  check(): void {
    const pages = (used: boolean): number =>
      this.reference.nodes
        .filter(({ locks }) => locks > 0 === used)
        .reduce((sum, node) => sum + node.pages.length, 0);
    expect([this.tree.lockedPages, this.tree.evictablePages]).toEqual([pages(true), pages(false)]);
    this.tree.checkInvariants(this.locks.map(({ node }) => node));
  }

  #insert(of: Subject, locks: boolean): void {
    const { content, pages } = this.#made(of);
    const found = this.tree.match(content, pages.length);
    const node = found.end === pages.length ? found : this.tree.append(found, content, pages.length);
    const reference = this.reference.insert(pages);
    if (!locks) return;
    this.tree.lock(node);
    for (const each of this.reference.pathOf(reference)) each.locks++;
    this.locks.push({ node, reference });
  }

  /** Every subject is another job. */
  #made({ promptTokens, ids: hashIds, tokens }: Subject): { content: TokenContent; pages: string[] } {
    const owner = this.#owners++;
    const init: JobInit<number> = job(owner, promptTokens, 100, hashIds, this.#blockTokens);
    return { content: new TokenContent(init, owner), pages: pageTexts(tokenTexts(init, tokens), this.#pageTokens) };
  }

  #paths(): string[][] {
    const { root, nodes } = this.reference;
    return [root, ...nodes].map((node) => this.reference.pathOf(node).flatMap((each) => each.pages));
  }
}

function commonPages(a: readonly string[], b: readonly string[]): number {
  let common = 0;
  while (common < a.length && common < b.length && a[common] === b[common]) common++;
  return common;
}

describe('RadixTree', () => {
  it('matches, counts and evicts as the naive tree does', () => {
    const met = { hits: 0, evicted: 0, unlocked: 0 };
    const sizes = fc.tuple(fc.constantFrom(1, 1, 2, 3), count(4));
    const commands = fc.array<Command>(command, { maxLength: 40, size: 'max' });
    const property = fc.property(sizes, commands, ([pageTokens, blockTokens], list) => {
      const pair = new Pair(pageTokens, blockTokens);
      for (const each of list) {
        pair.perform(each);
        pair.check();
      }
      for (const key of ['hits', 'evicted', 'unlocked'] as const) met[key] += pair.met[key];
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    for (const times of Object.values(met)) expect(times).toBeGreaterThan(RUNS);
  });
});

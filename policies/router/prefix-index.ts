/**
 * Which worker was sent which prompt prefix: a tree with one node a block, where a path from the root spells a prompt.
 * Each node lists its holders, the workers that were sent a prompt through it, and its owner, the holder a match is
 * answered with: the worker that created the node keeps it until evicted, so the first worker to see a prefix
 * keeps getting it.
 *
 * Each worker's holdings are bounded, and the least recently used go first. One list a worker, in order of last use,
 * suffices: a use moves a path's holdings to the recent end deepest first, so a node always stands after (is more
 * recent than) what is held below it, and the oldest holding is a leaf. Eviction is O(1), a use O(path × holders).
 * It is an estimate of the workers' caches: they evict on their own and tell nobody.
 *
 * Source: smg crates/kv_index/src/{string_tree,token_tree}.rs at 73da68ca9, whose nodes span many characters and are
 * split; its names and holders are those of our single-block nodes. Upstream evicts whole spans, every `interval`.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { Micros } from '../types.ts';

/** One block of some prompts. */
interface Node {
  readonly block: number;
  readonly parent: Node | undefined;
  children: Map<number, Node> | undefined;
  readonly holders: Holding[];
  owner: number;
  /** Valid within `snapshot` alone. */
  place: number;
}

/** A worker's place on a node, and in its worker's list. */
interface Holding {
  readonly node: Node;
  readonly worker: number;
  usedAt: Micros;
  older: Holding | undefined;
  newer: Holding | undefined;
}

interface Recency {
  oldest: Holding | undefined;
  newest: Holding | undefined;
  size: number;
}

/** Blocks, summed over workers; see `snapshot`. */
const TOLD_MAX = 1 << 17;

/** Plain data, in lists of numbers, since there are many. A node's place is its number from 1; 0 is the root. */
export interface IndexState {
  /** Of each node, after the one above it: place of that one, block, owner, number of holders, holders. */
  readonly nodes: readonly number[];
  /** By worker, oldest first: instant of use, number of places, places. */
  readonly recency: readonly (readonly [worker: number, uses: readonly number[]])[];
}

export class PrefixIndex {
  readonly #blocksMax: number;
  readonly #root: Node = { block: NaN, parent: undefined, children: undefined, holders: [], owner: -1, place: 0 };
  readonly #recency = new Map<number, Recency>();
  readonly #trail: Holding[] = [];

  /** `blocksMax`: blocks held per worker; `evict` enforces it. A longer prompt is cut to it. */
  constructor(blocksMax: number) {
    this.#blocksMax = blocksMax;
  }

  /** The longest known prefix of the path: its blocks and its owner (-1 for none). */
  match(path: readonly number[]): { readonly blocks: number; readonly worker: number } {
    let node = this.#root;
    let blocks = 0;
    for (const block of path) {
      const child = node.children?.get(block);
      if (child === undefined) break;
      node = child;
      blocks++;
    }
    return { blocks, worker: node.owner };
  }

  /** Leading blocks of the path that each worker holds, into `overlaps` by worker index; absent workers untouched. */
  overlaps(path: readonly number[], overlaps: number[]): void {
    let node = this.#root;
    let depth = 0;
    for (const block of path) {
      const child = node.children?.get(block);
      if (child === undefined) return;
      node = child;
      depth++;
      for (const { worker } of node.holders) overlaps[worker] = depth;
    }
  }

  /** The worker was sent the path. With `refresh` false a path it holds already keeps its age. */
  insert(now: Micros, worker: number, path: readonly number[], refresh = true): void {
    const recency = this.#recencyOf(worker);
    const trail = this.#trail;
    trail.length = 0;
    let node = this.#root;
    let known = true;
    for (let i = 0; i < path.length && i < this.#blocksMax; i++) {
      node = childOf(node, path[i] as number, worker);
      // Who does not hold a node holds nothing below it.
      let holding = known ? node.holders.find((other) => other.worker === worker) : undefined;
      if (holding === undefined) {
        known = false;
        holding = { node, worker, usedAt: now, older: undefined, newer: undefined };
        node.holders.push(holding);
        link(recency, holding);
      }
      trail.push(holding);
    }
    if (known && !refresh) return;
    for (let i = trail.length - 1; i >= 0; i--) {
      const holding = trail[i] as Holding;
      unlink(recency, holding);
      link(recency, holding);
      holding.usedAt = now;
    }
  }

  /** Evicts each worker's oldest blocks above the bound, and those last used `idleMax` ago or earlier. */
  evict(now: Micros, idleMax: Micros): void {
    for (const recency of this.#recency.values()) {
      while (recency.size > this.#blocksMax) this.#drop(recency);
      while (recency.oldest !== undefined && recency.oldest.usedAt + idleMax <= now) this.#drop(recency);
    }
  }

  /** As `evict`, for one worker's bound alone. */
  trim(worker: number): void {
    const recency = this.#recencyOf(worker);
    while (recency.size > this.#blocksMax) this.#drop(recency);
  }

  /** Forgets everything the worker held. */
  remove(worker: number): void {
    const recency = this.#recency.get(worker);
    if (recency === undefined) return;
    while (recency.oldest !== undefined) this.#drop(recency);
    this.#recency.delete(worker);
  }

  /** Forgets every worker that is not in the set. */
  keepOnly(workers: readonly number[]): void {
    for (const worker of [...this.#recency.keys()]) if (!workers.includes(worker)) this.remove(worker);
  }

  /** Blocks the worker holds. */
  size(worker: number): number {
    return this.#recency.get(worker)?.size ?? 0;
  }

  /** Asserts that lists and tree tell the same; O(index). For tests. */
  checkInvariants(): void {
    const counted = new Map<number, number>();
    const open: Node[] = [this.#root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const child of node.children?.values() ?? []) {
        assert(child.holders.length > 0, 'a node without holders is still in the index');
        assert(
          child.holders.some(({ worker }) => worker === child.owner),
          'a node is owned by a worker that does not hold it',
        );
        for (const { worker } of child.holders) {
          counted.set(worker, (counted.get(worker) ?? 0) + 1);
          const above = node === this.#root || node.holders.some((other) => other.worker === worker);
          assert(above, 'a worker holds a block without the block before it');
        }
        open.push(child);
      }
    }
    for (const [worker, { size }] of this.#recency) {
      assert(size === (counted.get(worker) ?? 0), 'a list and the tree disagree');
      counted.delete(worker);
    }
    assert(counted.size === 0, 'a removed worker still holds blocks');
  }

  /** All of it; undefined once it is too large to be written down at once: more than TOLD_MAX blocks are held. */
  snapshot(): IndexState | undefined {
    let held = 0;
    for (const { size } of this.#recency.values()) held += size;
    if (held > TOLD_MAX) return undefined;
    const order: Node[] = [this.#root];
    const nodes: number[] = [];
    for (let parent = 0; parent < order.length; parent++) {
      for (const child of (order[parent] as Node).children?.values() ?? []) {
        child.place = order.length;
        order.push(child);
        nodes.push(parent, child.block, child.owner, child.holders.length);
        for (const { worker } of child.holders) nodes.push(worker);
      }
    }
    return { nodes, recency: [...this.#recency].map(([worker, { oldest }]) => [worker, usesOf(oldest)]) };
  }

  /** Into an index that is empty. */
  restore({ nodes, recency }: IndexState): void {
    const made: Node[] = [this.#root];
    for (let at = 0; at < nodes.length; ) {
      const [parent, block, owner, count] = nodes.slice(at, at + 4) as [number, number, number, number];
      const node = childOf(made[parent] as Node, block, owner);
      at += 4;
      for (const end = at + count; at < end; at++) {
        node.holders.push({ node, worker: nodes[at] as number, usedAt: 0, older: undefined, newer: undefined });
      }
      made.push(node);
    }
    for (const [worker, uses] of recency) {
      const list = this.#recencyOf(worker);
      for (let at = 0; at < uses.length; ) {
        const [usedAt, count] = uses.slice(at, at + 2) as [Micros, number];
        at += 2;
        for (const end = at + count; at < end; at++) {
          const holding = made[uses[at] as number]?.holders.find((other) => other.worker === worker);
          assert(holding !== undefined, 'a list names a block that its worker does not hold');
          holding.usedAt = usedAt;
          link(list, holding);
        }
      }
    }
  }

  #recencyOf(worker: number): Recency {
    let recency = this.#recency.get(worker);
    if (recency === undefined) {
      recency = { oldest: undefined, newest: undefined, size: 0 };
      this.#recency.set(worker, recency);
    }
    return recency;
  }

  /** Drops the oldest holding, and its node with the last holder. */
  #drop(recency: Recency): void {
    const holding = recency.oldest as Holding;
    const { node, worker } = holding;
    unlink(recency, holding);
    node.holders.splice(node.holders.indexOf(holding), 1);
    const heir = node.holders[0];
    if (heir === undefined) {
      assert(node.children === undefined || node.children.size === 0, 'an evicted node has blocks below it');
      node.parent?.children?.delete(node.block);
    } else if (node.owner === worker) node.owner = heir.worker;
  }
}

/** From the oldest on: instant, count and places of each run of holdings that were used at once. */
function usesOf(oldest: Holding | undefined): number[] {
  const uses: number[] = [];
  let usedAt = NaN;
  let counter = 0;
  for (let holding = oldest; holding !== undefined; holding = holding.newer) {
    if (holding.usedAt !== usedAt) {
      usedAt = holding.usedAt;
      counter = uses.push(usedAt, 0) - 1;
    }
    uses.push(holding.node.place);
    uses[counter] = (uses[counter] as number) + 1;
  }
  return uses;
}

function childOf(node: Node, block: number, creator: number): Node {
  node.children ??= new Map();
  let child = node.children.get(block);
  if (child === undefined) {
    child = { block, parent: node, children: undefined, holders: [], owner: creator, place: 0 };
    node.children.set(block, child);
  }
  return child;
}

function link(recency: Recency, holding: Holding): void {
  holding.older = recency.newest;
  holding.newer = undefined;
  if (recency.newest === undefined) recency.oldest = holding;
  else recency.newest.newer = holding;
  recency.newest = holding;
  recency.size++;
}

function unlink(recency: Recency, holding: Holding): void {
  if (holding.older === undefined) recency.oldest = holding.newer;
  else holding.older.newer = holding.newer;
  if (holding.newer === undefined) recency.newest = holding.older;
  else holding.newer.older = holding.older;
  recency.size--;
}

/**
 * The leaves that may be evicted, the longest unused first: a binary heap by stamp. Leaves are touched, locked and
 * extended far more often than evicted, so nothing moves in the heap then: an entry keeps the stamp it was added under
 * (stamps only grow) and is put right, or dropped, when it surfaces.
 */
import type { RadixNode } from './radix-node.ts';

export class LeafQueue {
  readonly #nodes: RadixNode[] = [];
  readonly #stamps: number[] = [];

  get size(): number {
    return this.#nodes.length;
  }

  /** Adds a node that became evictable, unless it stands here already. */
  add(node: RadixNode): void {
    if (node.queued) return;
    node.queued = true;
    this.#nodes.push(node);
    this.#stamps.push(node.stamp);
    this.#up(this.#nodes.length - 1);
  }

  /** Takes the evictable leaf that is unused for longest; undefined when there is none. */
  pop(): RadixNode | undefined {
    while (this.#nodes.length > 0) {
      const node = this.#nodes[0] as RadixNode;
      const stale = node.stamp > (this.#stamps[0] as number);
      if (node.evictable && stale) {
        this.#stamps[0] = node.stamp;
        this.#down();
        continue;
      }
      this.#dropFirst();
      node.queued = false;
      if (node.evictable) return node;
    }
    return undefined;
  }

  clear(): void {
    this.#nodes.length = 0;
    this.#stamps.length = 0;
  }

  #dropFirst(): void {
    const node = this.#nodes.pop() as RadixNode;
    const stamp = this.#stamps.pop() as number;
    if (this.#nodes.length === 0) return;
    this.#nodes[0] = node;
    this.#stamps[0] = stamp;
    this.#down();
  }

  #up(from: number): void {
    const node = this.#nodes[from] as RadixNode;
    const stamp = this.#stamps[from] as number;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if ((this.#stamps[above] as number) <= stamp) break;
      this.#place(at, this.#nodes[above] as RadixNode, this.#stamps[above] as number);
      at = above;
    }
    this.#place(at, node, stamp);
  }

  #down(): void {
    const node = this.#nodes[0] as RadixNode;
    const stamp = this.#stamps[0] as number;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#nodes.length) break;
      if ((this.#stamps[below + 1] ?? Infinity) < (this.#stamps[below] as number)) below++;
      if ((this.#stamps[below] as number) >= stamp) break;
      this.#place(at, this.#nodes[below] as RadixNode, this.#stamps[below] as number);
      at = below;
    }
    this.#place(at, node, stamp);
  }

  #place(at: number, node: RadixNode, stamp: number): void {
    this.#nodes[at] = node;
    this.#stamps[at] = stamp;
  }
}

/** A node of the radix tree: a run of whole pages behind those of its parent. */
import type { TokenContent } from './token-content.ts';

export class RadixNode {
  /** The root is its own parent. */
  parent: RadixNode;
  /** Whose tokens the pages hold: one of possibly many that have them. */
  readonly content: TokenContent;
  /** Pages of the path before this node and including it. The root has none. */
  start: number;
  readonly end: number;
  /** Requests in the batch that use these pages. */
  locks = 0;
  /** Number of the look-up that passed here last, or of the insertion. */
  stamp = 0;
  /** By key of the child's first page; undefined instead of empty. */
  children: Map<number, RadixNode> | undefined = undefined;
  /** Stands in the queue of leaves, possibly under an earlier stamp. */
  queued = false;

  constructor(parent: RadixNode | undefined, content: TokenContent, start: number, end: number) {
    this.parent = parent ?? this;
    this.content = content;
    this.start = start;
    this.end = end;
  }

  get pages(): number {
    return this.end - this.start;
  }

  /** Nobody uses it and nothing follows it. */
  get evictable(): boolean {
    return this.locks === 0 && this.children === undefined;
  }
}

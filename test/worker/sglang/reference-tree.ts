/**
 * The radix tree once more, as plainly as possible: pages are texts, children a list, and every question is answered by
 * walking what there is. Also what its pages say: the text of each token of a job, equal in two jobs only if the trace
 * says so for everything up to it.
 */
import type { JobInit } from '../../../src/worker/worker.ts';

export interface ReferenceNode {
  readonly parent: ReferenceNode | undefined;
  pages: string[];
  children: ReferenceNode[];
  locks: number;
  used: number;
}

/** Text of the first `count` tokens of a job, prompt and output. */
export function tokenTexts(job: JobInit<number>, count: number): string[] {
  const { owner, promptTokens, hashIds, hashBlockTokens } = job;
  return Array.from({ length: count }, (_, i) => {
    const block = Math.floor(i / hashBlockTokens);
    if (i >= promptTokens || block >= hashIds.length) return `own ${owner}, ${i}`;
    return `${hashBlockTokens}: ${hashIds.slice(0, block + 1).join()}, ${i}`;
  });
}

/** Whole pages of so many tokens. */
export function pageTexts(tokens: readonly string[], pageTokens: number): string[] {
  const pages = Math.floor(tokens.length / pageTokens);
  return Array.from({ length: pages }, (_, i) => tokens.slice(i * pageTokens, (i + 1) * pageTokens).join('; '));
}

export class ReferenceTree {
  readonly root: ReferenceNode = { parent: undefined, pages: [], children: [], locks: 0, used: 0 };
  #clock = 0;

  /** All nodes but the root. */
  get nodes(): ReferenceNode[] {
    const found: ReferenceNode[] = [];
    const visit = (node: ReferenceNode): void => {
      for (const child of node.children) {
        found.push(child);
        visit(child);
      }
    };
    visit(this.root);
    return found;
  }

  pathOf(node: ReferenceNode): ReferenceNode[] {
    return node.parent === undefined ? [] : [...this.pathOf(node.parent), node];
  }

  pagesTo(node: ReferenceNode): number {
    return this.pathOf(node).reduce((sum, each) => sum + each.pages.length, 0);
  }

  /** Where the longest prefix of `pages` ends; what it passes was used now. */
  match(pages: readonly string[]): ReferenceNode {
    this.#clock++;
    let node = this.root;
    let rest = [...pages];
    for (;;) {
      const child = node.children.find((each) => each.pages[0] === rest[0]);
      if (child === undefined) return node;
      child.used = this.#clock;
      let common = 0;
      while (common < child.pages.length && child.pages[common] === rest[common]) common++;
      if (common < child.pages.length) return this.#split(child, common);
      node = child;
      rest = rest.slice(common);
    }
  }

  insert(pages: readonly string[]): ReferenceNode {
    const node = this.match(pages);
    const rest = pages.slice(this.pagesTo(node));
    if (rest.length === 0) return node;
    const leaf = { parent: node, pages: rest, children: [], locks: 0, used: ++this.#clock };
    node.children.push(leaf);
    return leaf;
  }

  /** Drops the leaf that nobody locks and that is unused for longest; answers its pages. */
  evict(): number {
    const leaves = this.nodes.filter((node) => node.children.length === 0 && node.locks === 0);
    const [oldest] = leaves.sort((a, b) => a.used - b.used);
    if (oldest?.parent === undefined) throw new Error('nothing is left to evict');
    oldest.parent.children = oldest.parent.children.filter((each) => each !== oldest);
    return oldest.pages.length;
  }

  /** The upper part is new, so that who holds the node holds what he held. */
  #split(node: ReferenceNode, at: number): ReferenceNode {
    const { parent } = node as { parent: ReferenceNode };
    const upper = { parent, pages: node.pages.slice(0, at), children: [node], locks: node.locks, used: node.used };
    parent.children = parent.children.map((each) => (each === node ? upper : each));
    Object.assign(node, { parent: upper, pages: node.pages.slice(at) });
    return upper;
  }
}

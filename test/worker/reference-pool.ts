/**
 * The KV pool as a pool of single blocks, as plainly as possible: objects in arrays, content as text, no runs, no
 * index. A holder is what a sequence is to it: an ordered list of blocks, the leading ones of content that others may
 * share.
 */

export interface Block {
  refs: number;
  /** What it caches, or '', and the number of that publication. */
  content: string;
  published: number;
}

export class Holder {
  readonly blocks: Block[] = [];
  /** Blocks left behind by `park`. */
  left: Block[] = [];
  /** Content of each full block. */
  readonly contentOf: (index: number) => string;

  constructor(contentOf: (index: number) => string) {
    this.contentOf = contentOf;
  }
}

export class ReferencePool {
  readonly blocks: Block[];
  /** Cached blocks without references, the longest idle first. */
  idle: Block[] = [];
  evictions = 0;
  #publications = 0;

  constructor(total: number) {
    this.blocks = Array.from({ length: total }, () => ({ refs: 0, content: '', published: 0 }));
  }

  get used(): number {
    return this.blocks.filter(({ refs }) => refs > 0).length;
  }

  get available(): number {
    return this.blocks.length - this.used;
  }

  /** Resident blocks of the first `limit`, without a gap. */
  look(holder: Holder, limit: number): Block[] {
    const found: Block[] = [];
    for (let i = 0; i < limit; i++) {
      const content = holder.contentOf(i);
      const copies = this.blocks.filter((block) => block.content === content);
      const first = copies.sort((a, b) => a.published - b.published)[0];
      if (first === undefined) break;
      found.push(first);
    }
    return found;
  }

  pin(holder: Holder, found: readonly Block[]): void {
    for (const block of found) {
      block.refs++;
      this.idle = this.idle.filter((each) => each !== block);
      holder.blocks.push(block);
    }
  }

  take(holder: Holder, count: number): void {
    for (let i = 0; i < count; i++) {
      const free = this.blocks.find(({ refs, content }) => refs === 0 && content === '');
      const block = free ?? this.#evicted();
      block.refs = 1;
      block.content = '';
      holder.blocks.push(block);
    }
  }

  #evicted(): Block {
    const block = this.idle.shift();
    if (block === undefined) throw new Error('a block was asked of a full pool');
    this.evictions++;
    return block;
  }

  /** Blocks from `from` up to `end` are full now. */
  publish(holder: Holder, from: number, end: number): void {
    for (let i = from; i < end; i++) {
      const block = holder.blocks[i] as Block;
      block.content = holder.contentOf(i);
      block.published = ++this.#publications;
    }
  }

  /** Blocks from `end` on are not computed after all, and those beyond `keep` not held. */
  withdraw(holder: Holder, end: number, keep: number): void {
    for (const block of holder.blocks.slice(end)) block.content = '';
    for (const block of holder.blocks.splice(keep)) block.refs--;
  }

  release(holder: Holder): void {
    for (const block of holder.blocks.splice(0).reverse()) {
      if (--block.refs === 0 && block.content !== '') this.idle.push(block);
    }
  }
}

/**
 * Content → the KV blocks that hold it. A segment is the content of one leading stretch of prompts: all engine blocks
 * that end in one of the trace's hash blocks, given everything before them. Its runs are the resident copies of
 * its blocks. A segment is here exactly as long as a block of it is resident.
 */
import type { Segment } from './kv-run.ts';

const FIRST_CAPACITY = 256;

/** A chained hash table over 64-bit hashes, kept as two 32-bit words: a Map would box every key. */
export class PrefixIndex {
  #buckets: (Segment | undefined)[] = new Array<Segment | undefined>(FIRST_CAPACITY).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(low: number, high: number): Segment | undefined {
    let segment = this.#buckets[low & (this.#buckets.length - 1)];
    while (segment !== undefined && (segment.low !== low || segment.high !== high)) segment = segment.nextInBucket;
    return segment;
  }

  /** Adds a segment that is not here. */
  add(segment: Segment): void {
    if (this.#size === this.#buckets.length) this.#grow();
    this.#size++;
    this.#put(segment);
  }

  /** Removes a segment that is here. */
  remove(segment: Segment): void {
    const bucket = segment.low & (this.#buckets.length - 1);
    let before = this.#buckets[bucket] as Segment;
    if (before === segment) {
      this.#buckets[bucket] = segment.nextInBucket;
    } else {
      while (before.nextInBucket !== segment) before = before.nextInBucket as Segment;
      before.nextInBucket = segment.nextInBucket;
    }
    this.#size--;
  }

  clear(): void {
    this.#buckets.fill(undefined);
    this.#size = 0;
  }

  /** Every segment, in no order that means anything; for checks. */
  *[Symbol.iterator](): Generator<Segment> {
    for (const first of this.#buckets) {
      for (let segment = first; segment !== undefined; segment = segment.nextInBucket) yield segment;
    }
  }

  #put(segment: Segment): void {
    const bucket = segment.low & (this.#buckets.length - 1);
    segment.nextInBucket = this.#buckets[bucket];
    this.#buckets[bucket] = segment;
  }

  #grow(): void {
    const segments = [...this];
    this.#buckets = new Array<Segment | undefined>(this.#buckets.length * 2).fill(undefined);
    for (const segment of segments) this.#put(segment);
  }
}

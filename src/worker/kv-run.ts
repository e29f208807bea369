/**
 * Runs of KV blocks: what the pool keeps instead of single blocks. A run is a stretch of consecutive blocks of one
 * content with one history: the same sequences hold all of them, and when idle they stand side by side in the
 * eviction order, the last block first.
 */

/** Content shared by prompts: see `prefix-index.ts`. Lists its resident runs, first published first. */
export class Segment {
  readonly low: number;
  readonly high: number;
  nextInBucket: Segment | undefined = undefined;
  first: Run | undefined = undefined;
  last: Run | undefined = undefined;

  constructor(low: number, high: number) {
    this.low = low;
    this.high = high;
  }
}

export class Run {
  /** Undefined: content of one sequence alone. */
  readonly segment: Segment | undefined;
  /** Number in its prompt of the first block. */
  readonly from: number;
  /** Number after the last block. */
  end: number;
  /** Sequences that hold it; 0: idle. */
  refs: number;
  /** Neighbours in the eviction order while idle; the older goes first. */
  older: Run | undefined = undefined;
  newer: Run | undefined = undefined;
  /** Neighbours among the runs of the segment. Pieces of one run stand together, in order. */
  before: Run | undefined = undefined;
  after: Run | undefined = undefined;

  constructor(segment: Segment | undefined, from: number, end: number, refs: number) {
    this.segment = segment;
    this.from = from;
    this.end = end;
    this.refs = refs;
  }
}

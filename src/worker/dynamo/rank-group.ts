/**
 * The data-parallel ranks of one engine and the requests in them. Ranks share nothing but the pass: they begin it
 * together and settle it together, in order. A request is given to the ranks in turn and stays with its own.
 *
 * Free of clock: the engine says when a pass begins and ends.
 */
import { assert } from '../../kernel/assert.ts';
import { mix32 } from '../../kernel/rng.ts';
import type { StepWork } from '../timing/step-time.ts';
import type { JobInit, TokenObserver, WorkerEvent, WorkerGauges, WorkerTotals } from '../worker.ts';
import { outputLimit } from './admission.ts';
import { BlockIdentity } from './block-identity.ts';
import type { DynamoEngineConfig } from './dynamo-engine-config.ts';
import { DynamoSequence } from './dynamo-sequence.ts';
import { Rank } from './rank.ts';

export class RankGroup<Owner> {
  readonly #config: DynamoEngineConfig;
  readonly #totals: WorkerTotals;
  readonly #ranks: readonly Rank<Owner>[];
  readonly #byOwner = new Map<Owner, DynamoSequence<Owner>>();
  /** Running sequences given up since the pass began, in order. */
  readonly #cancelled: DynamoSequence<Owner>[] = [];
  #nextRank = 0;
  /** Next number for block content that one sequence has alone. */
  #ownBlocks = 1;

  constructor(config: DynamoEngineConfig, totals: WorkerTotals) {
    this.#config = config;
    this.#totals = totals;
    this.#ranks = Array.from({ length: config.ranks }, () => new Rank<Owner>(config, totals));
  }

  /** Requests in the group, those that leave at the end of the pass included. */
  get size(): number {
    return this.#byOwner.size;
  }

  get running(): number {
    return this.#sum(({ running }) => running.length);
  }

  get waiting(): number {
    return this.#sum(({ waiting }) => waiting.length);
  }

  /** KV blocks that sequences hold. */
  get activeBlocks(): number {
    return this.#sum(({ pool }) => pool.active);
  }

  /** Cached KV blocks that none holds. */
  get idleBlocks(): number {
    return this.#sum(({ pool }) => pool.idle);
  }

  /** Cached KV blocks evicted so far. */
  get evictions(): number {
    return this.#sum(({ pool }) => pool.evictions);
  }

  /** 0 when the request is queued, else the HTTP status of the refusal; in any case the next rank is next. */
  add(init: JobInit<Owner>): number {
    const index = this.#nextRank;
    this.#nextRank = (index + 1) % this.#config.ranks;
    const limit = outputLimit(this.#config, init.promptTokens, init.outputTokens);
    if (limit < 0) return 400;
    const { blockTokens, maxWaiting } = this.#config;
    if (this.waiting >= maxWaiting) return 503;
    const identity = new BlockIdentity(init, blockTokens, this.#ownBlocks);
    this.#ownBlocks += Math.ceil((init.promptTokens + limit) / blockTokens);
    const sequence = new DynamoSequence(init, index, limit, identity);
    this.#rankOf(sequence).waiting.push(sequence);
    this.#byOwner.set(init.owner, sequence);
    return 0;
  }

  /** Whether `owner` has a request here that was not given up. */
  has(owner: Owner): boolean {
    return this.#byOwner.get(owner)?.cancelled === false;
  }

  /** Gives up a request that `has` knows. While a pass runs (`inPass`) a running one stays until its end. */
  cancel(owner: Owner, inPass: boolean): DynamoSequence<Owner> {
    const sequence = this.#byOwner.get(owner) as DynamoSequence<Owner>;
    if (sequence.status !== 'running') {
      const { waiting } = this.#rankOf(sequence);
      waiting.splice(waiting.indexOf(sequence), 1);
      this.#byOwner.delete(owner);
    } else if (inPass) {
      sequence.cancelled = true;
      this.#cancelled.push(sequence);
      // Its share of the pass that runs is paid for: what the view shows must not change any more.
      this.#book(sequence);
    } else {
      this.#leave(sequence);
    }
    return sequence;
  }

  /** Everything is lost; answers the requests that were not given up. */
  clear(): DynamoSequence<Owner>[] {
    const lost = this.#ranks.flatMap(({ running, waiting }) => [...running, ...waiting]);
    for (const { running, waiting, pool } of this.#ranks) {
      running.length = 0;
      waiting.length = 0;
      pool.reset();
    }
    this.#byOwner.clear();
    this.#cancelled.length = 0;
    return lost.filter((sequence) => !sequence.cancelled);
  }

  /** Schedules a pass of every rank; answers the work of those that compute something. */
  schedule(): StepWork[] {
    const works: StepWork[] = [];
    for (const rank of this.#ranks) {
      const work = rank.schedule();
      if (work !== undefined) works.push(work);
    }
    return works;
  }

  /** The pass is over: tokens come out, rank by rank, the finished and the cancelled leave. */
  settle(now: number, outbox: WorkerEvent<Owner>[], observer: TokenObserver): void {
    const gaps = new Map<number, number>();
    for (const rank of this.#ranks) {
      const batch = [...rank.running];
      for (const sequence of batch) this.#book(sequence);
      // What wants no output goes first, as in the mocker: that is the order in which blocks become idle.
      for (const sequence of batch) if (sequence.outputLimit === 0 && sequence.reached) this.#finish(sequence, outbox);
      for (const sequence of batch) if (sequence.ready) this.#yield(now, sequence, outbox, gaps);
    }
    for (const [gapUs, jobs] of gaps) observer.tokenGaps(gapUs, jobs);
    for (const sequence of this.#cancelled) {
      if (this.#byOwner.get(sequence.init.owner) === sequence) this.#leave(sequence);
    }
    this.#cancelled.length = 0;
  }

  /** Sums over all ranks; a bound that the configuration does not set is -1, unknown. */
  gauges(): WorkerGauges {
    const { ranks, blocks, maxBatchedTokens, maxRunning } = this.#config;
    let decodeBlocks = 0;
    let waitingPromptTokens = 0;
    for (const rank of this.#ranks) {
      for (const sequence of rank.running) if (sequence.generated > 0) decodeBlocks += sequence.blocks.length;
      for (const { known } of rank.waiting) waitingPromptTokens += known;
    }
    return {
      running: this.running,
      waiting: this.waiting,
      kvUsedBlocks: this.activeBlocks,
      kvTotalBlocks: blocks * ranks,
      decodeBlocks,
      waitingPromptTokens,
      maxBatchedTokens: maxBatchedTokens === Infinity ? -1 : maxBatchedTokens * ranks,
      maxRunning: maxRunning === Infinity ? -1 : maxRunning * ranks,
    };
  }

  checkInvariants(inPass: boolean): void {
    assert(this.running + this.waiting === this.size, 'a sequence is in no list of the engine, or in two');
    assert(inPass || this.#cancelled.length === 0, 'a cancelled sequence outlived its pass');
    this.#ranks.forEach((rank, index) => {
      for (const sequence of [...rank.running, ...rank.waiting]) {
        assert(this.#byOwner.get(sequence.init.owner) === sequence, 'a sequence is not that of its owner');
        assert(sequence.rank === index, 'a sequence is with another rank');
        assert(inPass || sequence.scheduled === 0, 'a sequence has a turn while no pass runs');
      }
      rank.checkInvariants();
    });
  }

  /** Books its share of the pass that runs, once. */
  #book(sequence: DynamoSequence<Owner>): void {
    const tokens = sequence.scheduled;
    sequence.scheduled = 0;
    this.#rankOf(sequence).book(sequence, tokens);
  }

  /** One token of a ready sequence; one that was cancelled yields none but leaves when it would have been its last. */
  #yield(now: number, sequence: DynamoSequence<Owner>, outbox: WorkerEvent<Owner>[], gaps: Map<number, number>): void {
    const last = sequence.generated + 1 === sequence.outputLimit;
    if (!sequence.cancelled) {
      if (sequence.lastTokenAt >= 0) {
        const gapUs = now - sequence.lastTokenAt;
        gaps.set(gapUs, (gaps.get(gapUs) ?? 0) + 1);
      }
      sequence.lastTokenAt = now;
      sequence.generated++;
      sequence.tokenHash = (sequence.tokenHash + hashInstant(now)) | 0;
      this.#totals.generatedTokens++;
      if (sequence.generated === 1) outbox.push({ kind: 'first-token', job: sequence });
    }
    if (last) this.#finish(sequence, outbox);
  }

  #finish(sequence: DynamoSequence<Owner>, outbox: WorkerEvent<Owner>[]): void {
    this.#leave(sequence);
    if (!sequence.cancelled) outbox.push({ kind: 'finished', job: sequence });
  }

  #leave(sequence: DynamoSequence<Owner>): void {
    const rank = this.#rankOf(sequence);
    rank.running.splice(rank.running.indexOf(sequence), 1);
    rank.release(sequence);
    this.#byOwner.delete(sequence.init.owner);
  }

  #rankOf(sequence: DynamoSequence<Owner>): Rank<Owner> {
    return this.#ranks[sequence.rank] as Rank<Owner>;
  }

  #sum(of: (rank: Rank<Owner>) => number): number {
    let sum = 0;
    for (const rank of this.#ranks) sum += of(rank);
    return sum;
  }
}

function hashInstant(at: number): number {
  return mix32((at | 0) ^ mix32(Math.floor(at / 0x1_0000_0000)));
}

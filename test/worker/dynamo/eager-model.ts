/**
 * The engine once more, from spec §2, §3 and §5 alone and as plainly as possible: blocks as objects in arrays, content
 * as text, every pass carried out whole at its start as the mocker does (tokens are taken, the finished leave, their
 * blocks are released), with only the news of it held back until its end. It answers exact token times and counts.
 */
import type { DynamoEngineConfig } from '../../../src/worker/dynamo/dynamo-engine-config.ts';
import { dynamoDecodeUs, dynamoPrefillUs } from '../../../src/worker/timing/dynamo.ts';
import type { JobInit } from '../../../src/worker/worker.ts';
import type { WorkerCommand } from '../../harness/worker-driver.ts';

interface Copy {
  /** '' while private. */
  content: string;
  refs: number;
}

interface Request {
  readonly job: JobInit<number>;
  readonly core: Core;
  readonly limit: number;
  generated: number;
  computed: number;
  blocks: Copy[];
  /** Tokens reused at its first admission. */
  reused: number;
}

interface Turn {
  readonly tokens: number;
  readonly from: number;
  readonly prompt: number;
}

interface News {
  readonly request: Request;
  readonly kind: 'token' | 'finished';
}

export interface EagerRun {
  /** Exact microseconds, by owner; a refused request has none. */
  readonly tokens: Map<number, number[]>;
  readonly finishedAt: Map<number, number>;
  readonly reused: Map<number, number>;
  readonly cancelled: number[];
  readonly refused: number[];
  preemptions: number;
  evictions: number;
  idle: number;
  skipped: number;
}

class Core {
  running: Request[] = [];
  waiting: Request[] = [];
  copies: Copy[] = [];
  /** Cached and held by nobody, the longest first. */
  idle: Copy[] = [];
  preemptions = 0;
  evictions = 0;
  /** Running requests that a pass passed over because others were preempted before them. */
  skipped = 0;
  readonly #config: DynamoEngineConfig;
  #budget = 0;
  #turns = new Map<Request, Turn>();

  constructor(config: DynamoEngineConfig) {
    this.#config = config;
  }

  /** Carries out one pass; answers its microseconds and its news. */
  pass(): { us: number; news: News[] } {
    const { maxBatchedTokens, maxRunning, blockTokens, blocks } = this.#config;
    this.#budget = maxBatchedTokens;
    this.#turns = new Map();
    const preemptionsBefore = this.preemptions;
    const before = [...this.running];
    for (let at = 0; at < this.running.length && this.#budget > 0;) {
      const outcome = this.#turn(this.running[at] as Request, []);
      if (outcome === 'blocked') break;
      if (outcome === 'scheduled') at++;
    }
    const preempted = this.preemptions > preemptionsBefore;
    if (preempted && this.#budget > 0) {
      this.skipped += before.filter((each) => this.running.includes(each) && !this.#turns.has(each)).length;
    }
    while (!preempted && this.running.length < maxRunning && this.waiting.length > 0) {
      const head = this.waiting[0] as Request;
      const hits = this.#hits(head);
      const shared = hits.filter((copy) => copy.refs > 0).length;
      const active = this.copies.length - this.idle.length;
      if (this.#needed(head) - shared > blocks - active - this.#promised()) break;
      if (this.#turn(head, hits) !== 'scheduled') break;
      this.waiting.shift();
      this.running.push(head);
      if (head.reused < 0) head.reused = hits.length * blockTokens;
      if (this.#turns.get(head)?.tokens === 0 && this.#budget === 0) break;
    }
    return this.#emit();
  }

  drop(request: Request): void {
    this.running = this.running.filter((each) => each !== request);
    this.waiting = this.waiting.filter((each) => each !== request);
    this.#release(request);
  }

  #needed({ job, generated, limit }: Request): number {
    const tokens = this.#config.semantics === 'trtllm' ? job.promptTokens + limit : job.promptTokens + generated;
    return Math.ceil(tokens / this.#config.blockTokens);
  }

  /** Blocks that the running may still take; only TRT-LLM cares. */
  #promised(): number {
    if (this.#config.semantics !== 'trtllm') return 0;
    return this.running.reduce((sum, each) => sum + this.#needed(each) - each.blocks.length, 0);
  }

  #hits(request: Request): Copy[] {
    const { prefixCache, blockTokens, semantics } = this.#config;
    const known = request.job.promptTokens + request.generated;
    const all = semantics === 'trtllm' || request.limit === 0;
    const most = prefixCache ? Math.floor((all ? known : known - 1) / blockTokens) : 0;
    const hits: Copy[] = [];
    while (hits.length < most) {
      const wanted = contentOf(request.job, hits.length, blockTokens);
      const copy = this.copies.find(({ content }) => content === wanted);
      if (copy === undefined) break;
      hits.push(copy);
    }
    return hits;
  }

  #turn(request: Request, hits: Copy[]): 'blocked' | 'scheduled' | 'preempted' {
    const { blockTokens, blocks, chunkedPrefill, prefixCache } = this.#config;
    const { promptTokens } = request.job;
    const from = request.computed + hits.length * blockTokens;
    const left = promptTokens + request.generated - from;
    if (!chunkedPrefill && promptTokens - from > this.#budget) return 'blocked';
    const tokens = Math.min(left, this.#budget);
    if (tokens === 0 && left > 0) return 'blocked';
    const fresh = Math.ceil((from + tokens) / blockTokens) - request.blocks.length - hits.length;
    const evictable = (): Copy[] => this.idle.filter((copy) => !hits.includes(copy));
    while (fresh - (blocks - this.copies.length) > evictable().length) {
      if (this.#preempt() === request) return 'preempted';
    }
    for (const copy of hits) copy.refs++;
    this.idle = evictable();
    while (fresh > blocks - this.copies.length) {
      const evicted = this.idle.shift();
      this.copies = this.copies.filter((copy) => copy !== evicted);
      this.evictions++;
    }
    const made = Array.from({ length: fresh }, (): Copy => ({ content: '', refs: 1 }));
    this.copies.push(...made);
    request.blocks.push(...hits, ...made);
    request.computed = from + tokens;
    for (let i = Math.floor(from / blockTokens); prefixCache && i < Math.floor((from + tokens) / blockTokens); i++) {
      const copy = request.blocks[i] as Copy;
      copy.content = contentOf(request.job, i, blockTokens);
      // The oldest copy is the one that became visible first.
      this.copies = [...this.copies.filter((each) => each !== copy), copy];
    }
    const prompt = Math.max(0, Math.min(from + tokens, promptTokens) - from);
    this.#turns.set(request, { tokens, from: Math.min(from, promptTokens), prompt });
    this.#budget -= tokens;
    return 'scheduled';
  }

  #preempt(): Request {
    const victim = (this.#config.preemption === 'lifo' ? this.running.pop() : this.running.shift()) as Request;
    this.#budget += this.#turns.get(victim)?.tokens ?? 0;
    this.#turns.delete(victim);
    this.#release(victim);
    victim.computed = 0;
    this.waiting.unshift(victim);
    this.preemptions++;
    return victim;
  }

  #release(request: Request): void {
    for (const copy of request.blocks.reverse()) {
      copy.refs--;
      if (copy.content === '') this.copies = this.copies.filter((each) => each !== copy);
      else if (copy.refs === 0) this.idle.push(copy);
    }
    request.blocks = [];
  }

  #emit(): { us: number; news: News[] } {
    const prompts = [...this.#turns.values()].filter(({ prompt }) => prompt > 0);
    const reached = this.running.filter((each) => each.computed === each.job.promptTokens + each.generated);
    const done = reached.filter(({ generated, limit }) => generated >= limit);
    const ready = reached.filter((each) => !done.includes(each));
    const us = this.#turns.size === 0 ? 0 : this.#us(prompts, ready);
    const news: News[] = [];
    for (const request of done) {
      this.drop(request);
      news.push({ request, kind: 'finished' });
    }
    for (const request of ready) {
      request.generated++;
      news.push({ request, kind: 'token' });
      if (request.generated < request.limit) continue;
      this.drop(request);
      news.push({ request, kind: 'finished' });
    }
    return { us, news };
  }

  #us(prompts: readonly Turn[], ready: readonly Request[]): number {
    const { timing, blocks, blockTokens } = this.#config;
    const n = prompts.length;
    const mean = (of: (turn: Turn) => number): number =>
      n === 0 ? 0 : Math.floor(prompts.reduce((sum, turn) => sum + of(turn), 0) / n);
    const prefix = n * mean(({ from }) => from);
    const tokens = n * mean(({ from, prompt }) => from + prompt) - prefix;
    const context = ready.reduce((sum, { job, generated }) => sum + job.promptTokens + generated, 0);
    if (timing.kind === 'affine') {
      const all = prefix + tokens + context;
      return timing.baseUs + timing.perTokenUs * (tokens + ready.length) + timing.perKvTokenUs * all;
    }
    if (timing.kind !== 'dynamo') throw new Error('the eager model knows no tables');
    const decodeUs = ready.length === 0 ? 0 : dynamoDecodeUs(context / (blocks * blockTokens));
    return dynamoPrefillUs(tokens) / timing.speedup + decodeUs / (timing.speedup * timing.decodeSpeedup);
  }
}

/** The cores of an engine, and what came of the requests given to them. */
class Group {
  readonly run: EagerRun = {
    tokens: new Map(),
    finishedAt: new Map(),
    reused: new Map(),
    cancelled: [],
    refused: [],
    preemptions: 0,
    evictions: 0,
    idle: 0,
    skipped: 0,
  };
  readonly cores: readonly Core[];
  /** Exact end of the last pass. */
  end = 0;
  #factor = 1;
  #submitted = 0;
  /** Neither finished, as far as one knows, nor given up. */
  readonly #alive = new Map<number, Request>();
  readonly #config: DynamoEngineConfig;

  constructor(config: DynamoEngineConfig) {
    this.#config = config;
    this.cores = Array.from({ length: config.ranks }, () => new Core(config));
  }

  get busy(): boolean {
    return this.cores.some(({ running, waiting }) => running.length + waiting.length > 0);
  }

  apply(command: WorkerCommand): void {
    if (command.kind === 'slow') this.#factor = command.factor;
    if (command.kind === 'submit') this.#submit(command.job);
    const given = command.kind === 'cancel' ? this.#alive.get(command.owner) : undefined;
    if (given === undefined) return;
    this.#alive.delete(given.job.owner);
    this.run.cancelled.push(given.job.owner);
    given.core.drop(given);
  }

  /** One pass of every core from `now` on, or from the end of the last pass; its news are told at its end. */
  pass(now: number): News[] {
    const passes = this.cores.map((core) => core.pass());
    this.end = Math.max(now, this.end) + Math.max(...passes.map(({ us }) => us)) * this.#factor;
    return passes.flatMap(({ news }) => news);
  }

  tell({ request, kind }: News): void {
    const { owner } = request.job;
    if (this.#alive.get(owner) !== request) return;
    if (kind === 'token') {
      this.run.tokens.get(owner)?.push(this.end);
      return;
    }
    this.run.finishedAt.set(owner, Math.floor(this.end));
    this.run.reused.set(owner, request.reused);
    this.#alive.delete(owner);
  }

  #submit(job: JobInit<number>): void {
    const core = this.cores[this.#submitted++ % this.cores.length] as Core;
    const limit = limitOf(this.#config, job);
    const waiting = this.cores.reduce((sum, each) => sum + each.waiting.length, 0);
    if (limit < 0 || waiting >= this.#config.maxWaiting) {
      this.run.refused.push(job.owner);
      return;
    }
    const request: Request = { job, core, limit, generated: 0, computed: 0, blocks: [], reused: -1 };
    core.waiting.push(request);
    this.#alive.set(job.owner, request);
    this.run.tokens.set(job.owner, []);
  }
}

/** Runs submissions, cancellations and slow-downs, in order of time; what falls on an end comes after it. */
export function eagerRun(config: DynamoEngineConfig, commands: readonly WorkerCommand[]): EagerRun {
  const group = new Group(config);
  const pending = [...commands];
  let now = 0;
  let news: News[] | undefined;
  for (;;) {
    const at = pending[0]?.at ?? Infinity;
    if (news !== undefined && Math.floor(group.end) <= at) {
      now = Math.floor(group.end);
      for (const each of news) group.tell(each);
      news = undefined;
    } else if (at < Infinity && (news !== undefined || at <= now || !group.busy)) {
      now = at;
      group.apply(pending.shift() as WorkerCommand);
    } else if (group.busy) {
      news = group.pass(now);
    } else break;
  }
  for (const core of group.cores) {
    group.run.preemptions += core.preemptions;
    group.run.evictions += core.evictions;
    group.run.idle += core.idle.length;
    group.run.skipped += core.skipped;
  }
  return group.run;
}

function limitOf(config: DynamoEngineConfig, { promptTokens, outputTokens }: JobInit<number>): number {
  const room = config.blocks * config.blockTokens - promptTokens;
  if (!config.chunkedPrefill && promptTokens > config.maxBatchedTokens) return -1;
  if (config.semantics === 'trtllm') return room <= 0 ? -1 : Math.min(outputTokens, room);
  if (room < 0 || promptTokens >= config.maxModelTokens) return -1;
  return Math.min(outputTokens, room + 1, config.maxModelTokens - promptTokens);
}

function contentOf(job: JobInit<number>, index: number, blockTokens: number): string {
  const end = (index + 1) * blockTokens;
  const ids = job.hashIds.slice(0, Math.ceil(end / job.hashBlockTokens));
  const known = ids.length * job.hashBlockTokens >= end && end <= job.promptTokens;
  return known ? `${index}: ${ids.join()}` : `${index} of ${job.owner}`;
}

/**
 * The engine once more, from spec §3 alone and as plainly as possible: one loop over passes, one token at a time,
 * blocks as objects in arrays, prefix content as text, no plan, no index, no running sums. It answers the instant of
 * every token. Shared with the engine by declaration: an affine mixed step; of several resident copies the one
 * published first is found; content of one request alone (generated tokens, unknown prompts) is found again only where
 * it left it; a pass that serves nobody because somebody made way for itself takes no time.
 */
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import type { JobInit } from '../../src/worker/worker.ts';

interface Block {
  refs: number;
  /** What it caches, or '', and the number of that publication. */
  content: string;
  published: number;
}

interface Job {
  readonly init: JobInit<number>;
  readonly order: number;
  readonly limit: number;
  readonly tokens: number[];
  computed: number;
  blocks: Block[];
  left: Block[];
  scheduled: number;
}

export interface ReferenceRun {
  /** By owner; a refused request has none. */
  readonly tokens: Map<number, number[]>;
  readonly finishedAt: Map<number, number>;
  preemptions: number;
  hitTokens: number;
}

export class ReferenceEngine {
  readonly #config: EngineConfig;
  readonly #blocks: Block[];
  /** Cached blocks without references, the longest idle first. */
  #idle: Block[] = [];
  #running: Job[] = [];
  #waiting: Job[] = [];
  #orders = 0;
  #publications = 0;
  readonly #run: ReferenceRun = { tokens: new Map(), finishedAt: new Map(), preemptions: 0, hitTokens: 0 };

  constructor(config: EngineConfig) {
    this.#config = config;
    this.#blocks = Array.from({ length: config.blocks }, () => ({ refs: 0, content: '', published: 0 }));
  }

  /** `arrivals` in order of time. */
  run(arrivals: readonly { readonly at: number; readonly job: JobInit<number> }[]): ReferenceRun {
    const pending = [...arrivals];
    let now = 0;
    while (pending.length > 0 || this.#running.length + this.#waiting.length > 0) {
      if (this.#running.length + this.#waiting.length === 0) now = Math.max(now, pending[0]?.at ?? 0);
      while (pending.length > 0 && (pending[0]?.at ?? 0) <= now) this.#submit(pending.shift()?.job as JobInit<number>);
      if (this.#running.length + this.#waiting.length > 0) now = this.#pass(now, pending);
    }
    return this.#run;
  }

  #submit(init: JobInit<number>): void {
    const { blocks, blockTokens, maxModelTokens, maxWaiting, chunkedPrefill, maxBatchedTokens } = this.#config;
    const whole = chunkedPrefill ? Infinity : maxBatchedTokens;
    const room = Math.min(maxModelTokens, blocks * blockTokens, whole + 1) - init.promptTokens;
    const fits = init.promptTokens <= whole && (init.outputTokens === 0 ? room >= 0 : room >= 1);
    if (!fits || this.#waiting.length >= maxWaiting) return;
    const tokens: number[] = [];
    this.#run.tokens.set(init.owner, tokens);
    const limit = Math.min(init.outputTokens, room);
    const order = this.#orders++;
    this.#waiting.push({ init, order, limit, tokens, computed: 0, blocks: [], left: [], scheduled: 0 });
    this.#sortWaiting();
  }

  /** Runs one pass from `now`; answers its end. What arrives before that end joins the queue in its midst. */
  #pass(now: number, pending: { at: number; job: JobInit<number> }[]): number {
    const { maxBatchedTokens, timing } = this.#config;
    for (const job of this.#running) job.scheduled = 0;
    const preemptionsBefore = this.#run.preemptions;
    let budget = maxBatchedTokens;
    while (budget === maxBatchedTokens && this.#running.length > 0) budget = this.#serveRunning(budget);
    if (this.#run.preemptions === preemptionsBefore) this.#admit(budget);
    const batch = this.#running.filter((job) => job.scheduled > 0);
    const tokens = batch.reduce((sum, job) => sum + job.scheduled, 0);
    const context = batch.reduce((sum, job) => sum + job.computed + job.scheduled, 0);
    if (timing.kind !== 'affine') throw new Error('the reference engine knows affine timing only');
    const us = timing.baseUs + timing.perTokenUs * tokens + timing.perKvTokenUs * context;
    const end = now + Math.max(1, Math.round(us));
    while (pending.length > 0 && (pending[0]?.at ?? 0) < end) this.#submit(pending.shift()?.job as JobInit<number>);
    for (const job of batch) this.#end(job, end);
    return end;
  }

  /** Answers what is left of the budget. */
  #serveRunning(budgetLeft: number): number {
    let budget = budgetLeft;
    for (let i = 0; i < this.#running.length && budget > 0; i++) {
      const job = this.#running[i] as Job;
      const want = Math.min(known(job) - job.computed, budget);
      while (this.#blocksFor(job, want) > this.#available()) {
        const victim = this.#victim();
        if (this.#running.indexOf(victim) < i) {
          i--;
          budget += victim.scheduled;
        }
        this.#preempt(victim);
        if (victim === job) return budget;
      }
      budget -= this.#schedule(job, want);
    }
    return budget;
  }

  #victim(): Job {
    const { scheduling, preemption } = this.#config;
    const last = (scheduling === 'priority' ? [...this.#running].sort(byUrgency) : this.#running).at(-1);
    return (scheduling !== 'priority' && preemption === 'oldest' ? this.#running[0] : last) as Job;
  }

  #admit(budgetLeft: number): void {
    let budget = budgetLeft;
    const { blockTokens, maxRunning, chunkedPrefill } = this.#config;
    while (this.#waiting.length > 0 && this.#running.length < maxRunning && budget > 0) {
      const job = this.#waiting[0] as Job;
      const cached = this.#cached(job);
      const active = cached.filter((block) => block.refs > 0).length;
      const wanted = known(job) - cached.length * blockTokens;
      if (!chunkedPrefill && wanted > budget) return;
      if (Math.ceil(known(job) / blockTokens) - active > this.#available()) return;
      this.#waiting.shift();
      this.#running.push(job);
      for (const block of cached) {
        block.refs++;
        this.#idle = this.#idle.filter((each) => each !== block);
      }
      if (job.tokens.length === 0 && job.left.length === 0) this.#run.hitTokens += cached.length * blockTokens;
      job.blocks = cached;
      job.computed = cached.length * blockTokens;
      job.left = [];
      budget -= this.#schedule(job, Math.min(wanted, budget));
    }
  }

  /** Gives `job` blocks for `want` tokens more; full blocks can be found by others from now on. */
  #schedule(job: Job, want: number): number {
    for (let i = this.#blocksFor(job, want); i > 0; i--) job.blocks.push(this.#allocate());
    const { prefixCache, blockTokens } = this.#config;
    const full = prefixCache ? Math.floor((job.computed + want) / blockTokens) : 0;
    for (let i = Math.floor(job.computed / blockTokens); i < full; i++) {
      const content = this.#content(job, i);
      const block = job.blocks[i] as Block;
      block.content = content;
      block.published = ++this.#publications;
    }
    job.scheduled = want;
    return want;
  }

  #end(job: Job, end: number): void {
    job.computed += job.scheduled;
    if (job.computed === known(job) && job.tokens.length < job.limit) job.tokens.push(end);
    if (job.computed < job.init.promptTokens || job.tokens.length < job.limit) return;
    this.#release(job);
    this.#running = this.#running.filter((each) => each !== job);
    this.#run.finishedAt.set(job.init.owner, end);
  }

  #preempt(victim: Job): void {
    this.#running = this.#running.filter((job) => job !== victim);
    this.#run.preemptions++;
    // What this pass was to compute is not there.
    const full = Math.floor(victim.computed / this.#config.blockTokens);
    for (const block of victim.blocks.slice(full)) block.content = '';
    victim.left = victim.blocks;
    this.#release(victim);
    victim.blocks = [];
    victim.computed = victim.scheduled = 0;
    this.#waiting.unshift(victim);
    this.#sortWaiting();
  }

  #sortWaiting(): void {
    if (this.#config.scheduling === 'priority') this.#waiting.sort(byUrgency);
  }

  #release(job: Job): void {
    for (const block of [...job.blocks].reverse()) {
      if (--block.refs === 0 && block.content !== '') this.#idle.push(block);
    }
  }

  #allocate(): Block {
    const free = this.#blocks.find((block) => block.refs === 0 && block.content === '');
    const block = free ?? this.#idle.shift();
    if (block === undefined) throw new Error('a block was asked of a full pool');
    block.refs = 1;
    block.content = '';
    return block;
  }

  #available(): number {
    return this.#blocks.filter((block) => block.refs === 0).length;
  }

  #blocksFor(job: Job, want: number): number {
    return Math.ceil((job.computed + want) / this.#config.blockTokens) - job.blocks.length;
  }

  /** Leading resident blocks of `job`; its last known token is always computed. */
  #cached(job: Job): Block[] {
    const cached: Block[] = [];
    for (let i = 0; this.#config.prefixCache && (i + 1) * this.#config.blockTokens < known(job); i++) {
      const content = this.#content(job, i);
      const places = content.startsWith('own') ? job.left.slice(i, i + 1) : this.#blocks;
      const copies = places.filter((each) => each.content === content);
      const block = copies.sort((a, b) => a.published - b.published)[0];
      if (block === undefined) break;
      cached.push(block);
    }
    return cached;
  }

  #content(job: Job, index: number): string {
    const { promptTokens, hashIds, hashBlockTokens, owner } = job.init;
    const end = (index + 1) * this.#config.blockTokens;
    const ids = Math.ceil(end / hashBlockTokens);
    const shared = end <= promptTokens && ids <= hashIds.length;
    return shared ? `${index}: ${hashIds.slice(0, ids).join()}` : `own ${owner}, ${index}`;
  }
}

function known(job: Job): number {
  return job.init.promptTokens + job.tokens.length;
}

/** The most urgent first, of equals the one that arrived first. */
function byUrgency(a: Job, b: Job): number {
  return (b.init.priority ?? 0) - (a.init.priority ?? 0) || a.order - b.order;
}

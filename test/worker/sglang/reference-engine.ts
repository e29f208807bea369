/**
 * The SGLang engine once more, as plainly as possible: one loop over passes, one token at a time, content as text, no
 * plan, no counters that could be wrong. It answers the instant of every token. By declaration it shares with the
 * engine what that says of itself where it differs from SGLang.
 */
import type { SglangConfig } from '../../../src/worker/sglang/sglang-config.ts';
import type { JobInit } from '../../../src/worker/worker.ts';
import { pageTexts, type ReferenceNode, ReferenceTree, tokenTexts } from './reference-tree.ts';

interface Job {
  readonly init: JobInit<number>;
  readonly limit: number;
  readonly tokens: number[];
  node: ReferenceNode | undefined;
  computed: number;
  scheduled: number;
  retracted: boolean;
}

export interface ReferenceRun {
  /** By owner; a refused request has none. */
  readonly tokens: Map<number, number[]>;
  readonly finishedAt: Map<number, number>;
  retractions: number;
  hitTokens: number;
}

type Arrival = { readonly at: number; readonly job: JobInit<number> };

export class ReferenceSglang {
  readonly #config: SglangConfig;
  readonly #tree = new ReferenceTree();
  #decoding: Job[] = [];
  #prefilling: Job[] = [];
  #cut: Job | undefined;
  #waiting: Job[] = [];
  #full = false;
  /** Of the prefill batch that forms: tokens it may still compute, tokens of the pool that are spoken for. */
  #compute = 0;
  #reserved = 0;
  #ratio: number;
  readonly #run: ReferenceRun = { tokens: new Map(), finishedAt: new Map(), retractions: 0, hitTokens: 0 };

  constructor(config: SglangConfig) {
    this.#config = config;
    this.#ratio = this.#firstRatio;
  }

  /** `arrivals` in order of time. */
  run(arrivals: readonly Arrival[]): ReferenceRun {
    const pending = [...arrivals];
    let now = 0;
    while (pending.length > 0 || this.#jobs.length > 0) {
      if (this.#jobs.length === 0) {
        this.#ratio = this.#firstRatio;
        now = Math.max(now, pending[0]?.at ?? 0);
      }
      this.#arriveBefore(pending, now + 1);
      if (this.#jobs.length > 0) now = this.#pass(now, pending);
    }
    return this.#run;
  }

  get #jobs(): Job[] {
    const cut = this.#cut === undefined || this.#prefilling.includes(this.#cut) ? [] : [this.#cut];
    return [...this.#decoding, ...this.#prefilling, ...cut, ...this.#waiting];
  }

  get #firstRatio(): number {
    return Math.min(1, 0.7 * this.#config.conservativeness);
  }

  #arriveBefore(pending: Arrival[], at: number): void {
    const { blocks, blockTokens, maxModelTokens, maxWaiting } = this.#config;
    for (let next = pending[0]; next !== undefined && next.at < at; next = pending[0]) {
      pending.shift();
      const { job: init } = next;
      const room = Math.min(maxModelTokens, blocks * blockTokens - blockTokens - 1) - init.promptTokens;
      const fits = init.outputTokens === 0 ? room >= 0 : room >= 1;
      if (!fits || this.#waiting.length >= maxWaiting) continue;
      const tokens: number[] = [];
      this.#run.tokens.set(init.owner, tokens);
      const limit = Math.min(room, init.outputTokens);
      this.#waiting.push({ init, limit, tokens, node: undefined, computed: 0, scheduled: 0, retracted: false });
    }
  }

  /** Runs one pass from `now`; answers its end. What arrives before that end joins the queue in its midst. */
  #pass(now: number, pending: Arrival[]): number {
    let decoding: Job[] = [];
    if (this.#form()) {
      if (this.#config.mixedChunk) decoding = [...this.#decoding];
    } else {
      const retracted = this.#retract();
      decoding = [...this.#decoding];
      if (decoding.length === 0) this.#form();
      const least = 0.14 * this.#firstRatio;
      const step = (this.#firstRatio - least) / 600;
      this.#ratio = retracted ? this.#firstRatio : Math.max(least, this.#ratio - step);
    }
    for (const job of decoding) job.scheduled = 1;
    this.#makeRoom();
    const batch = [...this.#prefilling, ...decoding];
    const tokens = batch.reduce((sum, job) => sum + job.scheduled, 0);
    const context = batch.reduce((sum, job) => sum + job.computed + job.scheduled, 0);
    const { timing } = this.#config;
    if (timing.kind !== 'affine') throw new Error('the reference engine knows affine timing only');
    const us = timing.baseUs + timing.perTokenUs * tokens + timing.perKvTokenUs * context;
    const end = now + Math.max(1, Math.round(us));
    this.#arriveBefore(pending, end);
    const begun = this.#prefilling;
    this.#prefilling = [];
    for (const job of decoding) this.#end(job, end);
    for (const job of begun) {
      this.#end(job, end);
      if (job.node === undefined) continue;
      this.#publish(job);
      if (job !== this.#cut) this.#decoding.push(job);
    }
    return end;
  }

  #end(job: Job, end: number): void {
    job.computed += job.scheduled;
    job.scheduled = 0;
    if (job.computed < known(job)) return;
    if (job.tokens.length < job.limit) job.tokens.push(end);
    if (job.tokens.length < job.limit) return;
    this.#publish(job);
    this.#release(job);
    this.#run.finishedAt.set(job.init.owner, end);
  }

  /** Forms a prefill batch; false when there is none. */
  #form(): boolean {
    const { maxRunning, mixedChunk, blockTokens: page, order, prefixCache } = this.#config;
    if (this.#cut === undefined) {
      if (this.#full || this.#waiting.length === 0 || this.#decoding.length >= maxRunning) return false;
    }
    if (order === 'lpm' && prefixCache && this.#waiting.length <= 128) this.#order();
    const mixed = mixedChunk ? this.#decoding : [];
    const mixedTokens = mixed.filter((job) => job.computed % page === 0).length * page;
    const expected = this.#decoding.reduce((sum, job) => sum + this.#output(job), 0);
    const { maxPrefillTokens, chunkedPrefillTokens } = this.#config;
    this.#compute = Math.min(maxPrefillTokens, chunkedPrefillTokens) - mixed.length;
    this.#reserved = this.#ratio * expected + mixedTokens;
    if (this.#cut !== undefined) {
      const left = known(this.#cut) - this.#cut.computed;
      const chunk = Math.min(this.#chunk(left), Math.max(0, this.#available * page - mixedTokens));
      if (chunk > 0) this.#begin(this.#cut, left, chunk);
    }
    for (const job of [...this.#waiting]) {
      if (this.#cut !== undefined) break;
      const slot = this.#decoding.length + this.#prefilling.length < maxRunning;
      if (slot && !this.#admit(job)) break;
      if (slot && this.#available * page - this.#reserved > 0) continue;
      this.#full = this.#decoding.length > 0;
      break;
    }
    return this.#prefilling.length > 0;
  }

  #admit(job: Job): boolean {
    const { blockTokens: page, reservation } = this.#config;
    const node = this.#match(job);
    this.#lock(node, 1);
    const cached = this.#tree.pagesTo(node) * page;
    const left = known(job) - cached;
    const chunk = this.#chunk(left);
    const last = ceilTo(chunk, page) + (chunk === left ? this.#output(job) : 0);
    const need = reservation === 'prompt' ? left + this.#output(job) + page : last;
    // What this pass computes is in `reserved`, and not yet in the pool.
    const fits = this.#available * page - this.#reserved > need;
    if (!fits) this.#full = this.#decoding.length > 0;
    if (!fits || chunk === 0) {
      this.#lock(node, -1);
      return false;
    }
    this.#waiting = this.#waiting.filter((each) => each !== job);
    if (!job.retracted) this.#run.hitTokens += cached;
    job.node = node;
    job.computed = cached;
    this.#begin(job, left, chunk);
    return true;
  }

  #chunk(left: number): number {
    const { blockTokens: page, chunkedPrefillTokens } = this.#config;
    if (ceilTo(left, page) <= this.#compute) return left;
    if (chunkedPrefillTokens === Infinity) return this.#prefilling.length === 0 ? left : 0;
    return Math.max(0, this.#compute - (this.#compute % page));
  }

  #begin(job: Job, left: number, chunk: number): void {
    const { blockTokens: page, reservation } = this.#config;
    this.#compute -= ceilTo(chunk, page);
    this.#reserved += ceilTo(chunk, page) + (reservation === 'prompt' ? page : 0);
    if (chunk === left) this.#reserved += this.#output(job);
    this.#cut = chunk === left ? undefined : job;
    job.scheduled = chunk;
    this.#prefilling.push(job);
  }

  /** Tokens still to come, as far as they are reserved for. */
  #output(job: Job): number {
    return Math.min(job.limit - job.tokens.length, this.#config.clipNewTokens);
  }

  #order(): void {
    const seen = new Set<string>();
    const ranked = this.#waiting.map((job) => {
      const cached = this.#tree.pagesTo(this.#match(job)) * this.#config.blockTokens;
      const begin = tokenTexts(job.init, known(job)).slice(0, 32);
      const last = cached <= 32 && begin.length === 32 && seen.has(begin.join());
      if (cached <= 32) seen.add(begin.join());
      return { job, last, cached };
    });
    ranked.sort((a, b) => Number(a.last) - Number(b.last) || (a.last ? 0 : b.cached - a.cached));
    this.#waiting = ranked.map(({ job }) => job);
  }

  #retract(): boolean {
    let retracted = false;
    const { blockTokens: page } = this.#config;
    const needed = (): number => this.#decoding.filter((job) => job.computed % page === 0).length;
    while (needed() > this.#available) {
      const fewest = Math.min(...this.#decoding.map((job) => job.tokens.length));
      const victim = this.#decoding.find((job) => job.tokens.length === fewest) as Job;
      this.#release(victim);
      victim.retracted = true;
      this.#waiting.unshift(victim);
      this.#run.retractions++;
      retracted = true;
    }
    return retracted;
  }

  #match(job: Job): ReferenceNode {
    if (!this.#config.prefixCache) return this.#tree.root;
    return this.#tree.match(pageTexts(tokenTexts(job.init, known(job) - 1), this.#config.blockTokens));
  }

  #publish(job: Job): void {
    const pages = pageTexts(tokenTexts(job.init, job.computed), this.#config.blockTokens);
    const before = job.node as ReferenceNode;
    if (!this.#config.prefixCache || pages.length <= this.#tree.pagesTo(before)) return;
    this.#lock(before, -1);
    job.node = this.#tree.insert(pages);
    this.#lock(job.node, 1);
  }

  #release(job: Job): void {
    this.#lock(job.node as ReferenceNode, -1);
    job.node = undefined;
    job.computed = 0;
    this.#decoding = this.#decoding.filter((each) => each !== job);
    this.#full = false;
  }

  #lock(node: ReferenceNode, by: number): void {
    for (const each of this.#tree.pathOf(node)) each.locks += by;
  }

  /** Pages that are free or cached and in nobody's use, before what this pass computes. */
  get #available(): number {
    const { blocks, blockTokens } = this.#config;
    const locked = this.#tree.nodes.filter(({ locks }) => locks > 0).reduce((sum, each) => sum + each.pages.length, 0);
    const jobs = this.#jobs.filter((job) => job.node !== undefined);
    const own = jobs.reduce((sum, job) => sum + Math.ceil(job.computed / blockTokens) - this.#cached(job), 0);
    return blocks - locked - own;
  }

  /** Pages of a job in the batch that are in the tree. */
  #cached({ node }: Job): number {
    return node === undefined ? 0 : this.#tree.pagesTo(node);
  }

  /** Evicts until what this pass computes has its pages. */
  #makeRoom(): void {
    const { blocks, blockTokens } = this.#config;
    const cached = this.#tree.nodes.reduce((sum, each) => sum + each.pages.length, 0);
    const jobs = this.#jobs.filter((job) => job.node !== undefined);
    let free = blocks - cached;
    for (const job of jobs) {
      free -= Math.ceil((job.computed + job.scheduled) / blockTokens) - this.#cached(job);
    }
    while (free < 0) free += this.#tree.evict();
  }
}

function known(job: Job): number {
  return job.init.promptTokens + job.tokens.length;
}

function ceilTo(tokens: number, page: number): number {
  return Math.ceil(tokens / page) * page;
}

/**
 * Prefill/decode disaggregation: one worker to the gateway, inside it engines that compute prompts, engines that
 * decode, and a link over which KV travels from the ones to the others.
 *
 * A job runs on the prefill engine with the least work until its first token is computed; its blocks stay held there.
 * It then asks the decode engine with the fewest jobs for blocks, in order; its KV crosses the link; the blocks of the
 * source are given back; it joins the decode batch when there is a place and goes on with its second token. A job of
 * one token or none ends where its prompt was computed. Who is preempted on a decode engine is computed again there.
 *
 * A transfer fails when its time is up, when too many wait, or when either half goes down (`KVTransferError` in SGLang
 * and vLLM): HTTP 500 when the client has seen nothing yet, a broken stream otherwise. Whatever ends a job, its blocks
 * are given back on both halves.
 *
 * The handoff follows vLLM's connector as Dynamo's mocker has it (source held, destination reserved, transfer,
 * activated, source released); the link is ours, as theirs has no contention.
 */
import { assert } from '../../kernel/assert.ts';
import { PHASE, type Phase } from '../../kernel/event-queue.ts';
import { Engine } from '../engine.ts';
import type { JobInit, JobView, Side, SimWorker, TokenObserver, WorkerHalves } from '../worker.ts';
import type { WorkerEvent, WorkerGauges, WorkerHeld, WorkerTotals } from '../worker.ts';
import { DecodeSide } from './decode-side.ts';
import type { DisaggregatedConfig } from './disaggregated-config.ts';
import { gaugesOfHalves, totalsOf } from './halves.ts';
import { KvLink } from './kv-link.ts';
import { PairJob } from './pair-job.ts';

/** HTTP status of a job that failed before its client saw anything. */
const TRANSFER_FAILED = 500;

export class DisaggregatedEngine<Owner> implements SimWorker<Owner>, WorkerHalves {
  readonly #config: DisaggregatedConfig;
  readonly #sources: readonly Engine<PairJob<Owner>>[];
  readonly #targets: readonly DecodeSide<Owner>[];
  readonly #engines: readonly Engine<PairJob<Owner>>[];
  readonly #link: KvLink<PairJob<Owner>>;
  readonly #jobs = new Map<Owner, PairJob<Owner>>();
  /** Jobs between prefill and decode, by deadline: all have as long. */
  readonly #moving = new Set<PairJob<Owner>>();
  readonly #outbox: WorkerEvent<Owner>[] = [];
  readonly #down: Record<Side, number> = { prefill: 0, decode: 0 };
  #pausedAt = Infinity;

  constructor(config: DisaggregatedConfig, observer: TokenObserver, fastForward = true) {
    assert(config.prefill.length > 0 && config.decode.length > 0, 'a disaggregated worker has one half only');
    this.#config = config;
    this.#sources = config.prefill.map((each) => new Engine(each, observer, fastForward));
    this.#targets = config.decode.map((each) => new DecodeSide(new Engine(each, observer, fastForward)));
    this.#engines = [...this.#sources, ...this.#targets.map(({ engine }) => engine)];
    this.#link = new KvLink(config.link);
  }

  get halves(): WorkerHalves {
    return this;
  }

  get totals(): WorkerTotals {
    return totalsOf(
      this.#sources,
      this.#targets.map(({ engine }) => engine),
    );
  }

  submit(now: number, init: JobInit<Owner>): number {
    if (this.#down.prefill > 0 || this.#down.decode > 0) return TRANSFER_FAILED;
    const source = this.#leastLoadedSource();
    const limit = Math.min(...this.#targets.map(({ engine }) => engine.limitOf(init)));
    if (limit < 0) return 400;
    const job = new PairJob(init, source, limit);
    const status = source.submit(now, job.prefillJob);
    if (status === 0) this.#jobs.set(init.owner, job);
    return status;
  }

  cancel(now: number, owner: Owner): JobView<Owner> | undefined {
    const job = this.#jobs.get(owner);
    if (job === undefined) return undefined;
    if (job.phase === 'prefill') {
      job.prefilled = job.source.cancel(now, job);
      if (job.prefilled !== undefined) return this.#gone(now, job);
      // Its prompt is done at this very instant.
      this.#pump(now);
    }
    if (!this.#jobs.has(owner)) return undefined;
    if (job.phase === 'decode') {
      const view = job.target?.engine.cancel(now, job);
      if (view !== undefined) return this.#gone(now, job);
      this.#pump(now);
      return undefined;
    }
    this.#leaveTransfer(now, job);
    return this.#gone(now, job);
  }

  crash(now: number): readonly JobView<Owner>[] {
    for (const source of this.#sources) this.#noteLost(source.crash(now));
    for (const target of this.#targets) {
      target.engine.crash(now);
      target.clear();
    }
    const lost = [...this.#jobs.values()];
    this.#link.clear();
    this.#jobs.clear();
    this.#moving.clear();
    this.#pausedAt = Infinity;
    return lost;
  }

  lose(now: number, side: Side): void {
    if (this.#down[side]++ > 0) return;
    const engines = side === 'prefill' ? this.#sources : this.#targets.map(({ engine }) => engine);
    for (const engine of engines) this.#noteLost(engine.crash(now));
    const lost = [...this.#jobs.values()].filter(({ phase }) => {
      if (side === 'prefill') return phase === 'prefill' || phase === 'asking' || phase === 'link';
      return phase !== 'prefill';
    });
    for (const job of lost) {
      if (job.phase !== 'prefill' && job.phase !== 'decode') this.#leaveTransfer(now, job, side);
      this.#fail(job);
    }
    this.#pump(now);
  }

  restore(_now: number, side: Side): void {
    assert(this.#down[side] > 0, 'a half of a worker came back more often than it went');
    this.#down[side]--;
  }

  throttle(now: number, factor: number): void {
    this.#link.throttle(this.#linkTime(now), factor);
  }

  slowDown(now: number, factor: number): void {
    for (const engine of this.#engines) engine.slowDown(now, factor);
  }

  pause(now: number): void {
    for (const engine of this.#engines) engine.pause(now);
    this.#pausedAt = now;
  }

  resume(now: number): void {
    const pausedUs = now - this.#pausedAt;
    for (const engine of this.#engines) engine.resume(now);
    this.#link.delay(pausedUs);
    for (const job of this.#moving) job.deadlineAt += pausedUs;
    this.#pausedAt = Infinity;
  }

  advance(now: number): void {
    assert(now === this.nextAt(), 'a worker was advanced at an instant it did not announce');
    const phase = this.nextPhase();
    for (const engine of this.#engines) {
      if (engine.nextAt() === now && engine.nextPhase() === phase) engine.advance(now);
    }
    if (phase === PHASE.io) {
      for (const job of this.#link.arrived(now)) this.#arrived(now, job);
      this.#failLate(now);
    }
    this.#pump(now);
  }

  catchUp(now: number): void {
    for (const engine of this.#engines) engine.catchUp(now);
  }

  take(): WorkerEvent<Owner> | undefined {
    return this.#outbox.shift();
  }

  nextAt(): number {
    if (this.#pausedAt < Infinity) return Infinity;
    let at = this.#transferAt();
    for (const engine of this.#engines) at = Math.min(at, engine.nextAt());
    return at;
  }

  nextPhase(): Phase {
    const at = this.nextAt();
    if (this.#transferAt() === at) return PHASE.io;
    for (const engine of this.#engines) {
      if (engine.nextAt() === at && engine.nextPhase() === PHASE.io) return PHASE.io;
    }
    return PHASE.wake;
  }

  gauges(): WorkerGauges {
    const gauges = gaugesOfHalves(
      this.#sources.map((engine) => engine.gauges()),
      this.#targets.map(({ engine }) => engine.gauges()),
    );
    return { ...gauges, running: gauges.running + this.#moving.size + this.#landed() };
  }

  held(): WorkerHeld {
    let [running, waiting, kvBlocks] = [this.#moving.size + this.#landed(), 0, 0];
    for (const engine of this.#engines) {
      const held = engine.held();
      running += held.running;
      waiting += held.waiting;
      kvBlocks += held.kvBlocks;
    }
    return { running, waiting, kvBlocks };
  }

  checkInvariants(): void {
    for (const engine of this.#engines) engine.checkInvariants();
    this.#link.checkInvariants();
    const jobs = [...this.#jobs.values()];
    const count = (...phases: string[]): number => jobs.filter(({ phase }) => phases.includes(phase)).length;
    let [kept, reserved, asking] = [0, 0, 0];
    for (const source of this.#sources) kept += source.transferState().inTransfer;
    for (const target of this.#targets) {
      reserved += target.engine.transferState().inTransfer;
      asking += target.asking.size;
      assert(target.jobs === jobs.filter((job) => job.target === target).length, 'a decode engine miscounts its jobs');
    }
    assert(kept === count('asking', 'link'), 'KV is kept for a transfer that is over, or not kept for one');
    assert(reserved === count('link', 'landed'), 'KV blocks are reserved for a transfer that is over, or not for one');
    assert(asking === count('asking') && this.#link.size === count('link'), 'a transfer is in no place, or in two');
    assert(this.#moving.size === count('asking', 'link'), 'a transfer has no deadline, or one that is over has');
    assert(this.#landed() === count('landed'), 'KV that came belongs to nobody');
  }

  /** Follows up what the engines did until nothing more changes. */
  #pump(now: number): void {
    while (this.#prefilled(now) || this.#decoded() || this.#reserved(now) || this.#placed(now));
  }

  #prefilled(now: number): boolean {
    for (const source of this.#sources) {
      const event = source.take();
      if (event === undefined) continue;
      const job = event.job.init.owner;
      job.prefilled = event.job;
      const isShown = job.isShort || this.#config.firstToken === 'prefill';
      if (event.kind === 'first-token' && isShown) this.#showFirst(now, job);
      else if (event.kind === 'finished') this.#promptDone(now, job);
      return true;
    }
    return false;
  }

  #promptDone(now: number, job: PairJob<Owner>): void {
    if (job.isShort) {
      job.source.releaseKv(now, job);
      this.#over(job);
      this.#outbox.push({ kind: 'finished', job });
      return;
    }
    if (this.#down.decode > 0) {
      job.source.releaseKv(now, job);
      this.#fail(job);
      return;
    }
    job.target = this.#targets.reduce((least, each) => (each.jobs < least.jobs ? each : least));
    job.target.jobs++;
    job.target.ask(job);
    job.phase = 'asking';
    job.deadlineAt = now + this.#config.link.timeoutUs;
    this.#moving.add(job);
    while (this.#reserved(now));
    this.#failSurplus(now, job);
  }

  /** Fails a newcomer when more transfers wait than may: then it is one of them, the last in its line. */
  #failSurplus(now: number, job: PairJob<Owner>): void {
    let waiting = this.#link.waiting;
    for (const { asking } of this.#targets) waiting += asking.size;
    if (waiting <= this.#config.link.waitingMax) return;
    this.#leaveTransfer(now, job);
    this.#fail(job);
  }

  #decoded(): boolean {
    for (const { engine } of this.#targets) {
      const event = engine.take();
      if (event === undefined) continue;
      const job = event.job.init.owner;
      this.#over(job);
      this.#outbox.push({ kind: 'finished', job });
      return true;
    }
    return false;
  }

  #reserved(now: number): boolean {
    const { bytesPerToken, sends } = this.#config.link;
    for (const target of this.#targets) {
      const granted = target.reserve(now);
      if (granted === undefined) continue;
      const { job, cachedTokens } = granted;
      job.phase = 'link';
      job.bytes = bytesPerToken * (job.init.promptTokens - (sends === 'missing' ? cachedTokens : 0));
      this.#link.begin(this.#linkTime(now), job);
      return true;
    }
    return false;
  }

  #arrived(now: number, job: PairJob<Owner>): void {
    job.phase = 'landed';
    this.#moving.delete(job);
    job.target?.landed.add(job);
    job.source.releaseKv(now, job);
  }

  #placed(now: number): boolean {
    for (const target of this.#targets) {
      const job = target.nextToPlace();
      if (job === undefined) continue;
      target.landed.delete(job);
      job.phase = 'decode';
      if (job.firstTokenAt < 0) this.#showFirst(now, job);
      job.decoded = target.engine.adopt(now, job, job.firstTokenAt);
      return true;
    }
    return false;
  }

  #showFirst(now: number, job: PairJob<Owner>): void {
    job.firstTokenAt = now;
    this.#outbox.push({ kind: 'first-token', job });
  }

  #failLate(now: number): void {
    for (const job of this.#moving) {
      if (job.deadlineAt > now) return;
      this.#leaveTransfer(now, job);
      this.#fail(job);
    }
  }

  /** Gives back what a job between the halves holds; the half `lost` has lost it already. */
  #leaveTransfer(now: number, job: PairJob<Owner>, lost?: Side): void {
    const { phase, source, target } = job;
    this.#moving.delete(job);
    if (phase === 'asking') target?.leave(job);
    if (phase === 'landed') target?.landed.delete(job);
    if (phase === 'link') this.#link.abort(this.#linkTime(now), job);
    if (phase !== 'asking' && lost !== 'decode') target?.engine.releaseKv(now, job);
    if (phase !== 'landed' && lost !== 'prefill') source.releaseKv(now, job);
  }

  #fail(job: PairJob<Owner>): void {
    this.#over(job);
    this.#outbox.push({ kind: 'failed', job, status: job.firstTokenAt < 0 ? TRANSFER_FAILED : 0 });
  }

  #gone(now: number, job: PairJob<Owner>): PairJob<Owner> {
    this.#over(job);
    this.#pump(now);
    return job;
  }

  #over(job: PairJob<Owner>): void {
    this.#jobs.delete(job.init.owner);
    if (job.target !== undefined) job.target.jobs--;
  }

  #noteLost(views: readonly JobView<PairJob<Owner>>[]): void {
    for (const view of views) {
      const job = view.init.owner;
      if (job.phase === 'prefill') job.prefilled = view;
    }
  }

  #leastLoadedSource(): Engine<PairJob<Owner>> {
    const loads = this.#sources.map((engine) => {
      const { running, waiting } = engine.held();
      return running + waiting + engine.transferState().inTransfer;
    });
    return this.#sources[loads.indexOf(Math.min(...loads))] as Engine<PairJob<Owner>>;
  }

  #landed(): number {
    let landed = 0;
    for (const target of this.#targets) landed += target.landed.size;
    return landed;
  }

  /** When the link or a deadline has something to do. */
  #transferAt(): number {
    const [first] = this.#moving;
    return Math.min(this.#link.nextAt(), first?.deadlineAt ?? Infinity);
  }

  /** The link's clock stands while the worker does. */
  #linkTime(now: number): number {
    return Math.min(now, this.#pausedAt);
  }
}

/**
 * The fleet's half of the world: simulated workers, the messages that reach them and leave them, and what becomes of
 * both when something is wrong with a worker.
 *
 * A worker that is down refuses connections; what it ran when it went down is lost, and the gateway sees those
 * connections reset (failed, no status) one hop later. One that stands still keeps at its door what reaches it, in
 * order, until it goes on or dies. A draining one turns new work away (503) and finishes what it has. A connection that
 * is cut takes its attempt with it: the worker stops there (one that stands still, when it goes on), and the gateway
 * sees it reset.
 */
import type { Probe } from '../../policies/health/types.ts';
import type { AttemptResult } from '../../policies/types.ts';
import { NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import type { WorkerFacts } from '../results/run-facts.ts';
import { DisaggregatedEngine } from '../worker/disaggregated/disaggregated-engine.ts';
import { DynamoEngine } from '../worker/dynamo/dynamo-engine.ts';
import { Endpoint } from '../worker/endpoint.ts';
import { Engine } from '../worker/engine.ts';
import { RankedEngine } from '../worker/ranked-engine.ts';
import { SglangEngine } from '../worker/sglang/sglang-engine.ts';
import type { JobInit, SimWorker, TokenObserver, WorkerHeld } from '../worker/worker.ts';
import type { WorkerConfig, WorldConfig } from './config.ts';
import type { TimedCutFault, WorkerFault } from './fault-config.ts';
import { LoadReports } from './load-reports.ts';
import { Member } from './member.ts';
import type { FleetNews, ProbeAnswer, SimAttempt, StatusMessage } from './messages.ts';
import { LEG, type Network } from './network.ts';
import { Quota } from './quota.ts';
import { EVENT, type Timeline } from './timeline.ts';
import { type FaultStep, WorkerFaults } from './worker-faults.ts';

const OK = { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: false } as const;
const RESET = { outcome: 'failed', status: 0, retryAfterUs: -1, bytesSent: false } as const;
const UNREACHABLE = { outcome: 'refused', status: 0, retryAfterUs: -1, bytesSent: false } as const;
/** A live worker turns the attempt away, for load or because it drains. */
const REFUSALS: readonly number[] = [429, 503];

/** What the fleet tells the gateway's side. */
export interface WorkerPeers {
  /** An attempt has left its worker by cancellation: no end will follow. */
  cancelled(attempt: SimAttempt): void;
  /** What a crash or a cut has made of an attempt's tokens; its end is on its way. */
  lost(attempt: SimAttempt, cause: 'crash' | 'failed'): void;
}

/** An attempt whose connection may have lasted for too long. */
export interface DueCut {
  readonly attempt: SimAttempt;
  readonly strikes: TimedCutFault['strikes'];
}

export class WorkerSide {
  readonly #config: WorldConfig;
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #peers: WorkerPeers;
  readonly #members: Member[];
  readonly #faults: WorkerFaults;
  readonly #reports: LoadReports;
  /** A health policy finds out by itself what happened to a worker. */
  readonly #probed: boolean;

  constructor(
    config: WorldConfig,
    timeline: Timeline,
    network: Network,
    observer: TokenObserver,
    probed: boolean,
    peers: WorkerPeers,
  ) {
    this.#config = config;
    this.#timeline = timeline;
    this.#network = network;
    this.#peers = peers;
    this.#probed = probed;
    this.#members = config.workers.map((worker, index) => {
      const quota = config.quotas?.[index];
      return new Member(index, makeWorker(worker, config, observer), quota && new Quota(quota));
    });
    this.#reports = new LoadReports(config.reports, config.seed, timeline, network);
    this.#faults = new WorkerFaults(config.seed, config.faults, this.#members, timeline, {
      loseAll: (member) => this.#loseAll(member),
      settle: (member) => this.#settle(member),
      admitHeld: (member) => this.#admitHeld(member),
      answerHeld: (member) => this.#answerHeld(member, true),
      noticeable: (member) => this.#noticeable(member),
      news: (member, event) => this.#news(member, event),
    });
  }

  /** Workers that are there when the run begins, by index. */
  get present(): number[] {
    return this.#members.filter(({ membership }) => membership === 'in').map(({ index }) => index);
  }

  /** An attempt reaches its worker. */
  submit(attempt: SimAttempt): void {
    const member = this.#member(attempt.worker);
    if (member.down > 0) this.#end(attempt, UNREACHABLE);
    else if (member.hangs.size > 0) member.heldBack.push({ attempt, isCancel: false });
    else this.#accept(member, attempt);
  }

  /** A cancellation reaches the worker. */
  cancel(attempt: SimAttempt): void {
    const member = this.#member(attempt.worker);
    if (member.hangs.size > 0) member.heldBack.push({ attempt, isCancel: true });
    else this.#giveUp(member, attempt);
  }

  /** A worker's own event. */
  act(index: number): void {
    const member = this.#member(index);
    member.event = NO_EVENT;
    member.armedAt = Infinity;
    const { worker } = member;
    const { now } = this.#timeline;
    do {
      worker.advance(now);
      this.#sendOut(member);
      // What it has to do next would be the very next event: it needs none.
    } while (worker.nextAt() === now && this.#timeline.nextAt() > now);
    this.#settle(member);
  }

  /** A connection has lasted so long; it may be over, or have spoken in time. */
  cutDue({ attempt, strikes }: DueCut): void {
    if (!attempt.isServed || (strikes === 'silent' && attempt.hasSpoken)) return;
    const member = this.#member(attempt.worker);
    if (member.hangs.size > 0) {
      this.#end(attempt, RESET);
      member.heldBack.push({ attempt, isCancel: true });
      return;
    }
    const job = member.worker.cancel(this.#timeline.now, attempt);
    if (job !== undefined) {
      attempt.job = job;
      this.#peers.lost(attempt, 'failed');
      this.#end(attempt, RESET);
    }
    this.#settle(member);
  }

  /** Every worker that can reports its load. */
  report(): void {
    this.#reports.send(this.#members);
  }

  /** A probe reaches its worker. */
  probed(probe: Probe): void {
    const member = this.#member(probe.worker);
    if (member.stuck) member.heldProbes.push(probe);
    else this.#answer(probe, member.down === 0);
  }

  faultBegins(fault: WorkerFault): void {
    this.#faults.begin(fault);
  }

  faultStep(step: FaultStep): void {
    this.#faults.step(step);
  }

  /** What the health check finds that looks at a worker `detectionUs` after something happened to it. */
  statusOf(index: number): StatusMessage {
    const { membership, down } = this.#member(index);
    if (membership === 'draining') return { worker: index, status: 'draining' };
    return { worker: index, status: down > 0 ? 'not-ready' : 'ready' };
  }

  /** Adds what each worker runs, keeps waiting and holds, by name. */
  levels(now: number, into: Record<string, number>): void {
    for (const { index, worker } of this.#members) {
      worker.catchUp(now);
      const { running, waiting, kvUsedBlocks, kvTotalBlocks } = worker.gauges();
      into[`worker.${index}.running`] = running;
      into[`worker.${index}.waiting`] = waiting;
      if (kvTotalBlocks > 0) into[`worker.${index}.kv`] = kvUsedBlocks / kvTotalBlocks;
    }
  }

  held(): WorkerHeld[] {
    return this.#members.map((member) => member.worker.held());
  }

  checkInvariants(): void {
    for (const member of this.#members) {
      member.worker.checkInvariants();
      member.checkInvariants();
    }
  }

  /** Totals of each worker over a run of `runUs`. */
  facts(runUs: number): WorkerFacts[] {
    return this.#members.map(({ index, worker }) => {
      worker.catchUp(this.#timeline.now);
      return factsOf(index, worker, runUs);
    });
  }

  #accept(member: Member, attempt: SimAttempt): void {
    if (member.membership === 'draining') {
      this.#refuse(attempt, 503, -1);
      return;
    }
    const error = member.errors.find((armed) => armed.strikes(attempt));
    if (error !== undefined) {
      this.#refuse(attempt, error.fault.status, error.fault.retryAfterUs);
      return;
    }
    const { now } = this.#timeline;
    const { quota } = member;
    if (quota?.takes(now) === false) {
      this.#refuse(attempt, 429, quota.retryAfterUs(now));
      return;
    }
    for (const cut of member.cuts) attempt.cutAfter = Math.min(attempt.cutAfter, cut.after(attempt));
    const status = member.worker.submit(now, jobOf(attempt));
    if (status !== 0) this.#refuse(attempt, status, -1);
    else attempt.isServed = true;
    for (const cut of status === 0 ? member.timedCuts : []) {
      const { afterUs, strikes } = cut.fault;
      if (!cut.strikes(attempt)) continue;
      this.#timeline.push(now + afterUs, PHASE.io, EVENT.timedCut, { attempt, strikes } satisfies DueCut);
    }
    this.#settle(member);
  }

  #giveUp(member: Member, attempt: SimAttempt): void {
    const job = member.worker.cancel(this.#timeline.now, attempt);
    if (job !== undefined) {
      attempt.job = job;
      // The end of one that was cut is on its way.
      if (attempt.isServed) this.#peers.cancelled(attempt);
      else this.#peers.lost(attempt, 'failed');
      attempt.isServed = false;
    }
    this.#settle(member);
  }

  /** The worker's process is gone, and with it all connections to it. */
  #loseAll(member: Member): void {
    member.hangs.clear();
    for (const job of member.worker.crash(this.#timeline.now)) {
      const attempt = job.init.owner;
      attempt.job = job;
      this.#peers.lost(attempt, 'crash');
      if (attempt.isServed) this.#end(attempt, RESET);
    }
    for (const { attempt, isCancel } of member.heldBack.splice(0)) if (!isCancel) this.#end(attempt, RESET);
    this.#answerHeld(member, false);
    this.#settle(member);
  }

  #admitHeld(member: Member): void {
    for (const { attempt, isCancel } of member.heldBack.splice(0)) {
      if (isCancel) this.cancel(attempt);
      else this.submit(attempt);
    }
    this.#settle(member);
  }

  /** Nobody announces it: the gateway's health check finds it later. */
  #noticeable(member: Member): void {
    if (this.#probed) {
      if (member.down === 0) this.#news(member, 'returned');
      return;
    }
    const { detectionUs } = this.#config;
    if (detectionUs === Infinity) return;
    this.#timeline.push(this.#timeline.now + detectionUs, PHASE.io, EVENT.detect, member.index);
  }

  #news(member: Member, event: FleetNews['event']): void {
    const news: FleetNews = { worker: member.index, event };
    this.#timeline.push(this.#network.newsAt(member.index), PHASE.io, EVENT.news, news);
  }

  #answerHeld(member: Member, isOk: boolean): void {
    for (const probe of member.heldProbes.splice(0)) this.#answer(probe, isOk);
  }

  #answer(probe: Probe, isOk: boolean): void {
    const at = this.#network.probeAt(probe.worker, probe.id, LEG.end);
    const answer: ProbeAnswer = { probe, isOk };
    if (at < Infinity) this.#timeline.push(at, PHASE.io, EVENT.probeAnswer, answer);
  }

  /** Sends out what a worker did and re-arms its event. */
  #settle(member: Member): void {
    this.#sendOut(member);
    if (member.membership === 'draining') this.#faults.leaveIfEmpty(member);
    const { worker } = member;
    const at = worker.nextAt();
    const phase = worker.nextPhase();
    if (at === member.armedAt && phase === member.armedPhase) return;
    this.#timeline.cancel(member.event);
    member.armedAt = at;
    member.armedPhase = phase;
    member.event =
      at === Infinity ? NO_EVENT : this.#timeline.push(at, phase, EVENT.worker, member.index, member.index + 1);
  }

  #sendOut({ worker }: Member): void {
    for (let event = worker.take(); event !== undefined; event = worker.take()) {
      const attempt = event.job.init.owner;
      if (event.kind === 'first-token') {
        attempt.hasSpoken = true;
        this.#timeline.push(this.#network.fromWorkerAt(attempt, LEG.firstToken), PHASE.io, EVENT.firstToken, attempt);
        continue;
      }
      attempt.job = event.job;
      if (event.kind === 'failed') {
        this.#peers.lost(attempt, 'failed');
        this.#end(attempt, event.status === 0 ? RESET : { ...RESET, status: event.status });
        continue;
      }
      const isCut = event.job.generated >= attempt.cutAfter;
      if (isCut) this.#peers.lost(attempt, 'failed');
      this.#end(attempt, isCut ? RESET : OK);
    }
  }

  #refuse(attempt: SimAttempt, status: number, retryAfterUs: number): void {
    const outcome = REFUSALS.includes(status) ? 'refused' : 'failed';
    this.#end(attempt, { outcome, status, retryAfterUs, bytesSent: false });
  }

  #end(attempt: SimAttempt, result: AttemptResult): void {
    attempt.result = result;
    attempt.isServed = false;
    this.#timeline.push(this.#network.fromWorkerAt(attempt, LEG.end), PHASE.io, EVENT.end, attempt);
  }

  #member(index: number): Member {
    return this.#members[index] as Member;
  }
}

function makeWorker(worker: WorkerConfig, config: WorldConfig, observer: TokenObserver): SimWorker<SimAttempt> {
  switch (worker.model) {
    case 'endpoint':
      return new Endpoint(worker, config.seed, 'endpoint/service');
    case 'dynamo':
      return new DynamoEngine(worker, observer);
    case 'sglang':
      return new SglangEngine(worker, observer, config.fastForward);
    case 'disaggregated':
      return new DisaggregatedEngine(worker, observer, config.fastForward);
    case 'engine': {
      const Model = (worker.ranks ?? 1) > 1 ? RankedEngine : Engine;
      return new Model(worker, observer, config.fastForward);
    }
    default:
      return worker satisfies never;
  }
}

function jobOf(attempt: SimAttempt): JobInit<SimAttempt> {
  const { request } = attempt.lease;
  const { arrival } = request.init;
  return {
    owner: attempt,
    drawKey: request.init.drawKey,
    drawTry: attempt.drawTry,
    promptTokens: arrival.promptTokens,
    // A connection that will be cut wants no token more: the job ends with its last one, at the instant of the cut.
    outputTokens: Math.min(arrival.outputTokens, attempt.cutAfter),
    hashIds: arrival.hashIds,
    hashBlockTokens: arrival.hashBlockTokens,
    priority: arrival.priority,
  };
}

function factsOf(index: number, worker: SimWorker<SimAttempt>, runUs: number): WorkerFacts {
  const per = (integral: number): number => (runUs > 0 ? integral / runUs : 0);
  const { totals } = worker;
  const kvTotalBlocks = Math.max(0, worker.gauges().kvTotalBlocks);
  return {
    index,
    kvTotalBlocks,
    kvUtilizationMean: kvTotalBlocks === 0 ? 0 : per(totals.kvBlockUs) / kvTotalBlocks,
    kvUtilizationMax: kvTotalBlocks === 0 ? 0 : totals.kvBlocksMax / kvTotalBlocks,
    runningMean: per(totals.runningUs),
    waitingMean: per(totals.waitingUs),
    busyRatio: per(totals.busyUs),
    iterations: totals.iterations,
    preemptions: totals.preemptions,
    prefixHitTokens: totals.prefixHitTokens,
    promptTokens: totals.promptTokens,
    generatedTokens: totals.generatedTokens,
    recomputedTokens: totals.recomputedTokens,
  };
}

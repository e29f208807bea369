/**
 * The fleet's half of the world: simulated workers, the messages that reach them and leave them, load reports, faults
 * and the health check that notices a crash late.
 *
 * A crash loses every job at once; the gateway sees connections reset (failed, no status) one network hop later, and
 * connections refused until the worker is back. Its health check takes the worker out of the ready set `detectionUs`
 * after the crash and puts it back as long after the return.
 */
import type { AttemptResult } from '../../policies/types.ts';
import { type EventHandle, NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import { Keyed } from '../kernel/rng.ts';
import type { WorkerFacts } from '../results/run-facts.ts';
import { Endpoint } from '../worker/endpoint.ts';
import { Engine } from '../worker/engine.ts';
import type { JobInit, SimWorker, TokenObserver, WorkerHeld } from '../worker/worker.ts';
import type { FaultConfig, WorldConfig } from './config.ts';
import type { LoadMessage, SimAttempt, StatusMessage } from './messages.ts';
import { EVENT, type Timeline } from './timeline.ts';

type ErrorsFault = Extract<FaultConfig, { kind: 'errors' }>;
type WorkerFault = Exclude<FaultConfig, { kind: 'stall' }>;

const OK = { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: false } as const;
const RESET = { outcome: 'failed', status: 0, retryAfterUs: -1, bytesSent: false } as const;
const UNREACHABLE = { outcome: 'refused', status: 0, retryAfterUs: -1, bytesSent: false } as const;

/** One worker of the fleet with what the world does to it. */
class Member {
  readonly index: number;
  readonly worker: SimWorker<SimAttempt>;
  event: EventHandle = NO_EVENT;
  armedAt = Infinity;
  armedPhase = -1;
  /** Crashes in force. */
  down = 0;
  slow: number[] = [];
  errors: ErrorsFault[] = [];
  reportedTokens = 0;

  constructor(index: number, worker: SimWorker<SimAttempt>) {
    this.index = index;
    this.worker = worker;
  }
}

/** What the fleet tells the gateway's side. */
export interface WorkerPeers {
  /** An attempt has left its worker by cancellation: no end will follow. */
  cancelled(attempt: SimAttempt): void;
  crashed(attempt: SimAttempt): void;
}

export class WorkerSide {
  readonly #config: WorldConfig;
  readonly #timeline: Timeline;
  readonly #peers: WorkerPeers;
  readonly #members: Member[];
  /** Draws of each error fault: windows that overlap strike independently. */
  readonly #errorDraws = new Map<FaultConfig, Keyed>();

  constructor(config: WorldConfig, timeline: Timeline, observer: TokenObserver, peers: WorkerPeers) {
    this.#config = config;
    this.#timeline = timeline;
    this.#peers = peers;
    config.faults.forEach((fault, i) => {
      if (fault.kind === 'errors') this.#errorDraws.set(fault, new Keyed(config.seed, `faults/${i}`));
    });
    this.#members = config.workers.map((worker, index) => {
      const made: SimWorker<SimAttempt> =
        worker.model === 'engine'
          ? new Engine(worker, observer, config.fastForward)
          : new Endpoint(worker, config.seed, 'endpoint/service');
      return new Member(index, made);
    });
  }

  /** An attempt reaches its worker. */
  submit(attempt: SimAttempt): void {
    const member = this.#member(attempt.worker);
    const fault = member.down > 0 ? undefined : this.#drawnError(member, attempt);
    if (member.down > 0) this.#end(attempt, UNREACHABLE);
    else if (fault !== undefined) {
      const { status, retryAfterUs } = fault;
      this.#end(attempt, { outcome: 'failed', status, retryAfterUs, bytesSent: false });
    } else {
      const status = member.worker.submit(this.#timeline.now, jobOf(attempt));
      if (status !== 0) {
        const outcome = status === 503 ? 'refused' : 'failed';
        this.#end(attempt, { outcome, status, retryAfterUs: -1, bytesSent: false });
      }
      this.#settle(member);
    }
  }

  /** A cancellation reaches the worker. */
  cancel(attempt: SimAttempt): void {
    const member = this.#member(attempt.worker);
    const job = member.worker.cancel(this.#timeline.now, attempt);
    if (job !== undefined) {
      attempt.job = job;
      this.#peers.cancelled(attempt);
    }
    this.#settle(member);
  }

  /** A worker's own event. */
  act(index: number): void {
    const member = this.#member(index);
    member.event = NO_EVENT;
    member.armedAt = Infinity;
    member.worker.advance(this.#timeline.now);
    this.#settle(member);
  }

  /** Every worker that is up reports its load. */
  report(): void {
    const { now } = this.#timeline;
    for (const member of this.#members) {
      if (member.down > 0) continue;
      const { worker } = member;
      worker.catchUp(now);
      const gauges = worker.gauges();
      const generated = worker.totals.generatedTokens;
      const message: LoadMessage = {
        worker: member.index,
        report: {
          running: gauges.running,
          waiting: gauges.waiting,
          kvUsedBlocks: gauges.kvUsedBlocks,
          kvTotalBlocks: gauges.kvTotalBlocks,
          decodeBlocks: gauges.decodeBlocks,
          prefillTokens: gauges.waitingPromptTokens,
          maxBatchedTokens: gauges.maxBatchedTokens,
          maxRunning: gauges.maxRunning,
          generatedTokensPerSec: ((generated - member.reportedTokens) * 1e6) / this.#config.reportEveryUs,
        },
      };
      member.reportedTokens = generated;
      this.#timeline.send(this.#config.network.workerUs, EVENT.loadReport, message);
    }
  }

  faultBegins(fault: WorkerFault): void {
    const member = this.#member(fault.worker);
    switch (fault.kind) {
      case 'crash':
        member.down++;
        this.#crash(member);
        this.#noticeLater(member);
        break;
      case 'slow':
        member.slow.push(fault.factor);
        this.#applySlow(member);
        break;
      case 'errors':
        member.errors.push(fault);
        break;
      default:
        fault satisfies never;
    }
  }

  faultEnds(fault: WorkerFault): void {
    const member = this.#member(fault.worker);
    switch (fault.kind) {
      case 'crash':
        member.down--;
        this.#noticeLater(member);
        break;
      case 'slow':
        member.slow.splice(member.slow.indexOf(fault.factor), 1);
        this.#applySlow(member);
        break;
      case 'errors':
        member.errors.splice(member.errors.indexOf(fault), 1);
        break;
      default:
        fault satisfies never;
    }
  }

  /** The health check looks at a worker `detectionUs` after something happened to it. */
  probe(index: number): StatusMessage {
    return { worker: index, status: this.#member(index).down > 0 ? 'not-ready' : 'ready' };
  }

  held(): WorkerHeld[] {
    return this.#members.map((member) => member.worker.held());
  }

  checkInvariants(): void {
    for (const member of this.#members) member.worker.checkInvariants();
  }

  /** Totals of each worker over a run of `runUs`. */
  facts(runUs: number): WorkerFacts[] {
    const per = (integral: number): number => (runUs > 0 ? integral / runUs : 0);
    return this.#members.map(({ index, worker }) => {
      worker.catchUp(this.#timeline.now);
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
    });
  }

  #crash(member: Member): void {
    for (const job of member.worker.crash(this.#timeline.now)) {
      const attempt = job.init.owner;
      attempt.job = job;
      this.#peers.crashed(attempt);
      this.#end(attempt, RESET);
    }
    this.#settle(member);
  }

  #applySlow(member: Member): void {
    const factor = member.slow.reduce((product, each) => product * each, 1);
    member.worker.slowDown(this.#timeline.now, factor);
    this.#settle(member);
  }

  #noticeLater(member: Member): void {
    const { detectionUs } = this.#config;
    if (detectionUs === Infinity) return;
    this.#timeline.push(this.#timeline.now + detectionUs, PHASE.io, EVENT.status, member.index);
  }

  #drawnError(member: Member, attempt: SimAttempt): ErrorsFault | undefined {
    for (const fault of member.errors) {
      const draws = this.#errorDraws.get(fault) as Keyed;
      if (draws.at(attempt.lease.request.init.drawKey, attempt.drawTry).draw() < fault.ratio) return fault;
    }
    return undefined;
  }

  /** Sends out what a worker did and re-arms its event. */
  #settle(member: Member): void {
    const { worker } = member;
    for (let event = worker.take(); event !== undefined; event = worker.take()) {
      const attempt = event.job.init.owner;
      if (event.kind === 'first-token') {
        this.#timeline.send(this.#config.network.workerUs, EVENT.firstToken, attempt);
      } else {
        attempt.job = event.job;
        this.#end(attempt, OK);
      }
    }
    const at = worker.nextAt();
    const phase = worker.nextPhase();
    if (at === member.armedAt && phase === member.armedPhase) return;
    this.#timeline.cancel(member.event);
    member.armedAt = at;
    member.armedPhase = phase;
    member.event =
      at === Infinity ? NO_EVENT : this.#timeline.push(at, phase, EVENT.worker, member.index, member.index + 1);
  }

  #end(attempt: SimAttempt, result: AttemptResult): void {
    attempt.result = result;
    this.#timeline.send(this.#config.network.workerUs, EVENT.end, attempt);
  }

  #member(index: number): Member {
    return this.#members[index] as Member;
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
    outputTokens: arrival.outputTokens,
    hashIds: arrival.hashIds,
    hashBlockTokens: arrival.hashBlockTokens,
  };
}

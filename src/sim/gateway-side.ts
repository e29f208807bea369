/**
 * The gateway's half of the world: the core on its host CPU, the effects it asks for, and the clients' records. It
 * turns events into inputs of the core, performs its effects as messages, and journals both.
 */
import type { FinishCause, FinishReason, PolicySet } from '../../policies/types.ts';
import type { Work } from '../gateway/counts.ts';
import { Gateway } from '../gateway/gateway.ts';
import { drain, type Host } from '../gateway/host.ts';
import type { Attempt, GatewayRequest } from '../gateway/request.ts';
import { NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import type { RequestRecord } from '../results/record.ts';
import type { Recorder } from '../results/recorder.ts';
import type { JobView } from '../worker/worker.ts';
import type { WorldConfig } from './config.ts';
import { HostCpu, type HostWork } from './host-cpu.ts';
import { entryCode, type Journal } from './journal.ts';
import { type FleetMessage, type LoadMessage, SimAttempt, type SimRequest, type StatusMessage } from './messages.ts';
import { LEG, type Network } from './network.ts';
import { Lateness } from './test-mode.ts';
import { EVENT, type EventKind, type Timeline } from './timeline.ts';

const NOTE = {
  arrive: entryCode('gateway.arrive'),
  firstToken: entryCode('gateway.firstToken'),
  end: entryCode('gateway.end'),
  abandon: entryCode('gateway.abandon'),
  wake: entryCode('gateway.wake'),
  report: entryCode('gateway.report'),
  status: entryCode('gateway.workerStatus'),
  discovered: entryCode('gateway.discovered'),
  stamp: entryCode('gateway.reportStamp'),
  start: entryCode('effect.start'),
  cancel: entryCode('effect.cancel'),
  finish: entryCode('effect.finish'),
  tokens: entryCode('attempt.tokens'),
} as const;
const OUTCOMES = ['ok', 'refused', 'failed', 'timeout', 'cancelled'] as const;
const REASONS = ['ok', 'failed', 'timeout', 'cancelled', 'shed'] as const;
const STATUSES = ['pending', 'ready', 'not-ready', 'failed', 'draining'] as const;

/** What the gateway side needs of the rest of the world. */
export interface GatewayPeers {
  /** The client of `request` knows its end at `at`; `retryAfterUs` is what its answer asked for, or -1. */
  finished(request: SimRequest, at: number, retryAfterUs: number): void;
}

export class GatewaySide implements Host<SimRequest>, HostWork {
  readonly cpu: HostCpu;
  readonly gateway: Gateway<SimRequest>;
  readonly #config: WorldConfig;
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #journal: Journal;
  readonly #recorder: Recorder;
  readonly #peers: GatewayPeers;
  readonly #running = new Map<number, SimAttempt>();
  readonly #wakeLateness: Lateness;
  readonly #cancelLateness: Lateness;
  #wakeEvent = NO_EVENT;
  #wakeAt = Infinity;
  #requests = 0;

  constructor(
    config: WorldConfig,
    policies: PolicySet,
    timeline: Timeline,
    network: Network,
    journal: Journal,
    recorder: Recorder,
    peers: GatewayPeers,
  ) {
    this.#config = config;
    this.#timeline = timeline;
    this.#network = network;
    this.#journal = journal;
    this.#recorder = recorder;
    this.#peers = peers;
    this.#wakeLateness = new Lateness(config.testMode?.wakeDelayUs ?? 0, config.seed, 'gateway-wakes');
    this.#cancelLateness = new Lateness(config.testMode?.cancelDelayUs ?? 0, config.seed, 'cancels');
    this.gateway = new Gateway(policies);
    this.cpu = new HostCpu(config.host, timeline, this);
  }

  /** What the gateway knows of its fleet before the run begins. Takes no host time. */
  told(kind: EventKind, message: FleetMessage | StatusMessage): void {
    this.handle(kind, message);
    this.drain();
  }

  /** The next request's id, for one made outside. */
  nextId(): number {
    return this.#requests++;
  }

  /** A request reaches the host. */
  reached(request: SimRequest): void {
    const { clientTimeoutUs } = this.#config;
    if (clientTimeoutUs !== Infinity) {
      request.leavesAt = request.record.sentAt + clientTimeoutUs;
      const at = Math.max(this.#timeline.now, request.leavesAt);
      request.patience = this.#timeline.push(at, PHASE.io, EVENT.leave, request);
    }
    this.cpu.offer(EVENT.arrive, request);
  }

  /** A request reaches the host whose client has left on the way; the news of that is behind it. */
  reachedAlone(request: SimRequest): void {
    request.leavesAt = request.record.sentAt + this.#config.clientTimeoutUs;
    this.#leave(request);
    this.cpu.offer(EVENT.arrive, request);
  }

  /** A client's patience ran out: it is gone at once, and the gateway hears of it one hop later. */
  left(request: SimRequest): void {
    request.patience = NO_EVENT;
    this.#leave(request);
    this.#peers.finished(request, request.leavesAt, -1);
  }

  /** Its client is no longer interested, and asks for no answer. */
  givenUp(request: SimRequest): void {
    this.#timeline.cancel(request.patience);
    request.patience = NO_EVENT;
    request.leavesAt = this.#timeline.now;
    this.#leave(request);
  }

  handle(kind: EventKind, data: unknown): Readonly<Work> {
    const now = this.#timeline.now;
    switch (kind) {
      case EVENT.arrive:
        this.#arrive(now, data as SimRequest);
        break;
      case EVENT.firstToken:
        this.#firstToken(now, data as SimAttempt);
        break;
      case EVENT.end:
        this.#end(now, data as SimAttempt);
        break;
      case EVENT.abandon:
        this.#journal.note(NOTE.abandon, now, (data as SimRequest).id, 0, (data as SimRequest).id);
        this.gateway.abandon(now, (data as SimRequest).id);
        break;
      case EVENT.gatewayWake:
        this.#journal.note(NOTE.wake, now, 0, 0);
        this.gateway.wake(now);
        break;
      case EVENT.loadReport: {
        const { worker, report } = data as LoadMessage;
        this.#journal.note(NOTE.report, now, worker, report.running * 65536 + report.waiting);
        if (report.stampedAt !== undefined) this.#journal.note(NOTE.stamp, now, worker, report.stampedAt | 0);
        this.gateway.report(now, worker, 0, report);
        break;
      }
      case EVENT.status: {
        const { worker, status } = data as StatusMessage;
        this.#journal.note(NOTE.status, now, worker, STATUSES.indexOf(status));
        this.gateway.workerStatus(now, worker, status);
        break;
      }
      case EVENT.fleet: {
        const { workers, changed } = data as FleetMessage;
        this.#journal.note(NOTE.discovered, now, workers.length, changed + 1);
        this.gateway.discovered(now, workers);
        break;
      }
      default:
        throw new Error(`no input of the gateway: event kind ${kind}`);
    }
    return this.gateway.work();
  }

  drain(): void {
    drain(this.gateway, this);
  }

  overdueTimer(now: number): { readonly kind: EventKind; readonly at: number } | undefined {
    const at = this.gateway.nextWakeAt();
    return at < now ? { kind: EVENT.gatewayWake, at } : undefined;
  }

  start(lease: Attempt<SimRequest>): void {
    const now = this.#timeline.now;
    const request = lease.request.init;
    const attempt = new SimAttempt(lease);
    this.#journal.note(NOTE.start, now, lease.id, lease.worker.index, lease.request.id);
    this.#running.set(lease.id, attempt);
    request.attempt = attempt;
    request.record.worker = attempt.worker;
    if (request.record.startedAt < 0) request.record.startedAt = now;
    this.#timeline.push(this.#network.toWorkerAt(attempt, LEG.out), PHASE.io, EVENT.submit, attempt);
  }

  cancel(lease: Attempt<SimRequest>): void {
    const attempt = this.#running.get(lease.id) as SimAttempt;
    this.#journal.note(NOTE.cancel, this.#timeline.now, lease.id, 0, lease.request.id);
    this.#recorder.attempt(lease.result?.outcome ?? 'cancelled');
    const at = this.#network.toWorkerAt(attempt, LEG.giveUp) + this.#cancelLateness.us();
    this.#timeline.push(at, PHASE.io, EVENT.cancel, attempt);
  }

  finish(request: GatewayRequest<SimRequest>, reason: FinishReason, cause: FinishCause): void {
    const now = this.#timeline.now;
    const sim = request.init;
    const record = sim.record;
    this.#journal.note(NOTE.finish, now, request.id, REASONS.indexOf(reason), request.id);
    this.#timeline.cancel(sim.patience);
    sim.patience = NO_EVENT;
    const answeredAt = this.#network.toClientAt(sim, LEG.end);
    // An answer that was still on its way finds nobody.
    const gone = cause === 'client' || answeredAt > sim.leavesAt;
    record.reason = gone ? 'cancelled' : reason;
    record.cause = gone ? 'client' : cause;
    record.finishedAt = gone ? sim.leavesAt : answeredAt;
    record.attempts = request.attemptCount;
    record.status = request.lastFailure?.status ?? 0;
    if (reason === 'ok') this.#answered(record, sim.attempt as SimAttempt, gone);
    sim.attempt = undefined;
    this.#recorder.request(record, sim.origin?.deferred === true);
    if (!sim.left) this.#peers.finished(sim, record.finishedAt, request.lastFailure?.retryAfterUs ?? -1);
  }

  wakeAt(at: number): void {
    if (at === this.#wakeAt) return;
    this.#wakeAt = at;
    this.#timeline.cancel(this.#wakeEvent);
    // Late by when it was due, however often it is set anew. Policies may name an instant between two microseconds.
    const pushedAt = Math.max(Math.ceil(at) + (at === Infinity ? 0 : this.#wakeLateness.us()), this.#timeline.now);
    this.#wakeEvent =
      at === Infinity ? NO_EVENT : this.#timeline.push(pushedAt, PHASE.wake, EVENT.gatewayWake, undefined);
  }

  /** The wake event fired: the host runs the timer now, or finds it due when it is free. */
  woken(): void {
    this.#wakeAt = Infinity;
    this.#wakeEvent = NO_EVENT;
    this.cpu.timer(EVENT.gatewayWake);
  }

  /** What an attempt that ended badly or late has cost in tokens. */
  wasted(attempt: SimAttempt, cause: 'timeout' | 'failed' | 'cancelled' | 'crash'): void {
    const job = attempt.job;
    if (job === undefined) return;
    const again = job.recomputedTokens;
    const fresh = job.computedTokens - again;
    const prefill = Math.min(fresh, job.init.promptTokens - job.cachedTokens);
    this.#recorder.wasted(cause, prefill, fresh - prefill);
    if (again > 0) this.#recorder.wasted('preempt', again, 0);
  }

  #lateCause(attempt: SimAttempt): 'timeout' | 'cancelled' {
    return attempt.lease.result?.outcome === 'timeout' ? 'timeout' : 'cancelled';
  }

  held(): Readonly<Record<string, number>> {
    const held: Record<string, number> = {};
    const ofGateway: Readonly<Record<string, number>> = { ...this.gateway.held() };
    for (const [name, count] of Object.entries(ofGateway)) held[`gateway.${name}`] = count;
    held['host.inputs'] = this.cpu.waiting;
    held['attempts'] = this.#running.size;
    return held;
  }

  checkInvariants(): void {
    this.gateway.checkInvariants();
  }

  #leave(request: SimRequest): void {
    request.left = true;
    if (this.#config.leavesUnheard === true) return;
    this.#timeline.push(this.#network.toGatewayAt(request, LEG.giveUp), PHASE.io, EVENT.abandon, request);
  }

  #arrive(now: number, request: SimRequest): void {
    request.record.arrivedAt = now;
    this.#journal.note(NOTE.arrive, now, request.id, request.promptTokens, request.id);
    this.gateway.arrive(now, request);
  }

  #firstToken(now: number, attempt: SimAttempt): void {
    const { lease } = attempt;
    this.#journal.note(NOTE.firstToken, now, lease.id, 0, lease.request.id);
    if (lease.state === 'running') {
      const request = lease.request.init;
      const at = this.#network.toClientAt(request, LEG.firstToken);
      if (at <= request.leavesAt) request.record.firstTokenAt = at;
    }
    this.gateway.firstToken(now, lease);
  }

  #end(now: number, attempt: SimAttempt): void {
    const { lease, result } = attempt;
    this.#running.delete(lease.id);
    const code = OUTCOMES.indexOf(result.outcome) * 65536 + result.status;
    this.#journal.note(NOTE.tokens, now, lease.id, attempt.job?.tokenHash ?? 0, lease.request.id);
    this.#journal.note(NOTE.end, now, lease.id, code, lease.request.id);
    const late = lease.state === 'settled';
    if (!late) this.#recorder.attempt(result.outcome);
    if (late && result.outcome === 'ok') this.wasted(attempt, this.#lateCause(attempt));
    const { outcome, status, retryAfterUs } = result;
    const { bytesSent } = lease;
    this.gateway.end(now, lease, { outcome, status, retryAfterUs, bytesSent, usedTokens: usedTokens(attempt) });
  }

  /** The attempt that succeeded: its client has the tokens, or is gone and they were for nothing. */
  #answered(record: RequestRecord, attempt: SimAttempt, gone: boolean): void {
    const job = attempt.job as JobView<SimAttempt>;
    if (gone) {
      this.wasted(attempt, 'cancelled');
      return;
    }
    record.outputTokens = job.generated;
    record.cachedTokens = job.cachedTokens;
    if (job.recomputedTokens > 0) this.#recorder.wasted('preempt', job.recomputedTokens, 0);
  }

  /** A cancelled attempt has left its worker. */
  cancelled(attempt: SimAttempt): void {
    this.#running.delete(attempt.lease.id);
    this.wasted(attempt, this.#lateCause(attempt));
  }
}

/** What a worker says of the reply it gave; of a failure it says nothing. */
function usedTokens({ result, job }: SimAttempt): number | undefined {
  return result.outcome === 'ok' && job !== undefined ? job.init.promptTokens + job.generated : undefined;
}

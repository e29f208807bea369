/**
 * The gateway's half of the world: both cores on one host CPU, the effects they ask for, and the clients' records. It
 * turns events into inputs of the cores, performs their effects as messages, and journals both.
 */
import type { FinishCause, FinishReason, PolicySet, Salvage } from '../../policies/types.ts';
import type { Work } from '../gateway/counts.ts';
import { Gateway } from '../gateway/gateway.ts';
import { drain, type Host } from '../gateway/host.ts';
import type { Attempt, GatewayRequest } from '../gateway/request.ts';
import { NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import type { RequestRecord } from '../results/record.ts';
import type { Recorder } from '../results/recorder.ts';
import type { JobView } from '../worker/worker.ts';
import { BatchSide } from './batch-side.ts';
import type { WorldConfig } from './config.ts';
import { HostCpu, type HostWork } from './host-cpu.ts';
import { entryCode, type Journal } from './journal.ts';
import { type LoadMessage, SimAttempt, type SimRequest, type StatusMessage } from './messages.ts';
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
  /** The client of `request` knows its end at `at`. */
  finished(request: SimRequest, at: number): void;
}

export class GatewaySide implements Host<SimRequest>, HostWork {
  readonly cpu: HostCpu;
  readonly gateway: Gateway<SimRequest>;
  readonly batch: BatchSide | undefined;
  readonly #config: WorldConfig;
  readonly #timeline: Timeline;
  readonly #journal: Journal;
  readonly #recorder: Recorder;
  readonly #peers: GatewayPeers;
  readonly #running = new Map<number, SimAttempt>();
  #wakeEvent = NO_EVENT;
  #wakeAt = Infinity;
  #requests = 0;

  constructor(
    config: WorldConfig,
    policies: PolicySet,
    salvage: Salvage,
    timeline: Timeline,
    journal: Journal,
    recorder: Recorder,
    peers: GatewayPeers,
  ) {
    this.#config = config;
    this.#timeline = timeline;
    this.#journal = journal;
    this.#recorder = recorder;
    this.#peers = peers;
    this.gateway = new Gateway(policies);
    this.cpu = new HostCpu(config.host, timeline, this);
    if (config.dataset !== undefined) {
      this.batch = new BatchSide(config.dataset, config.seed, salvage, timeline, journal, () => this.#requests++);
    }
  }

  /** Tells the gateway of its fleet, all ready, and begins the dataset. Takes no host time. */
  begin(): void {
    const workers = this.#config.workers.map((_, index) => index);
    this.#journal.note(NOTE.discovered, 0, workers.length, 0);
    this.gateway.discovered(0, workers);
    drain(this.gateway, this);
    for (const worker of workers) {
      this.handle(EVENT.status, { worker, status: 'ready' });
      drain(this.gateway, this);
    }
    this.batch?.begin();
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

  /** A client's patience ran out: it is gone at once, and the gateway hears of it one hop later. */
  left(request: SimRequest): void {
    request.patience = NO_EVENT;
    request.left = true;
    if (request.task === undefined) this.#peers.finished(request, request.leavesAt);
    this.#timeline.send(this.#clientUs(request), EVENT.abandon, request);
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
        this.#journal.note(NOTE.abandon, now, (data as SimRequest).id, 0);
        this.gateway.abandon(now, (data as SimRequest).id);
        break;
      case EVENT.gatewayWake:
        this.#journal.note(NOTE.wake, now, 0, 0);
        this.gateway.wake(now);
        break;
      case EVENT.loadReport: {
        const { worker, report } = data as LoadMessage;
        this.#journal.note(NOTE.report, now, worker, report.running * 65536 + report.waiting);
        this.gateway.report(now, worker, 0, report);
        break;
      }
      case EVENT.status: {
        const { worker, status } = data as StatusMessage;
        this.#journal.note(NOTE.status, now, worker, STATUSES.indexOf(status));
        this.gateway.workerStatus(now, worker, status);
        break;
      }
      default:
        return (this.batch as BatchSide).handle(kind, data);
    }
    return this.gateway.work();
  }

  drain(kind: EventKind): void {
    if (kind === EVENT.taskEnd || kind === EVENT.datasetWake) this.batch?.drain();
    else drain(this.gateway, this);
  }

  overdueTimer(now: number): { readonly kind: EventKind; readonly at: number } | undefined {
    const gatewayAt = this.gateway.nextWakeAt();
    const datasetAt = this.batch?.nextWakeAt() ?? Infinity;
    if (datasetAt < now && datasetAt < gatewayAt) return { kind: EVENT.datasetWake, at: datasetAt };
    return gatewayAt < now ? { kind: EVENT.gatewayWake, at: gatewayAt } : undefined;
  }

  start(lease: Attempt<SimRequest>): void {
    const now = this.#timeline.now;
    const request = lease.request.init;
    const attempt = new SimAttempt(lease);
    this.#journal.note(NOTE.start, now, lease.id, lease.worker.index);
    this.#running.set(lease.id, attempt);
    request.attempt = attempt;
    request.record.worker = attempt.worker;
    if (request.record.startedAt < 0) request.record.startedAt = now;
    this.#timeline.send(this.#config.network.workerUs, EVENT.submit, attempt);
  }

  cancel(lease: Attempt<SimRequest>): void {
    const attempt = this.#running.get(lease.id) as SimAttempt;
    this.#journal.note(NOTE.cancel, this.#timeline.now, lease.id, 0);
    this.#recorder.attempt(lease.result?.outcome ?? 'cancelled');
    this.#timeline.send(this.#config.network.workerUs, EVENT.cancel, attempt);
  }

  finish(request: GatewayRequest<SimRequest>, reason: FinishReason, cause: FinishCause): void {
    const now = this.#timeline.now;
    const sim = request.init;
    const record = sim.record;
    this.#journal.note(NOTE.finish, now, request.id, REASONS.indexOf(reason));
    this.#timeline.cancel(sim.patience);
    sim.patience = NO_EVENT;
    const answeredAt = now + this.#clientUs(sim);
    // An answer that was still on its way finds nobody. A dataset waits on this very host: it has what the host has.
    const gone = cause === 'client' || (sim.task === undefined && answeredAt > sim.leavesAt);
    record.reason = gone ? 'cancelled' : reason;
    record.cause = gone ? 'client' : cause;
    record.finishedAt = gone ? sim.leavesAt : answeredAt;
    record.attempts = request.attemptCount;
    record.status = request.lastFailure?.status ?? 0;
    if (reason === 'ok') this.#answered(record, sim.attempt as SimAttempt, gone);
    sim.attempt = undefined;
    this.#recorder.request(record, sim.task !== undefined && sim.task.deferrals > 0);
    if (sim.task === undefined) {
      if (!sim.left) this.#peers.finished(sim, record.finishedAt);
    } else this.batch?.callEnded(sim.task, { reason, cause, status: record.status });
  }

  wakeAt(at: number): void {
    if (at === this.#wakeAt) return;
    this.#wakeAt = at;
    this.#timeline.cancel(this.#wakeEvent);
    const pushedAt = Math.max(at, this.#timeline.now);
    this.#wakeEvent =
      at === Infinity ? NO_EVENT : this.#timeline.push(pushedAt, PHASE.wake, EVENT.gatewayWake, undefined);
  }

  /** The wake event fired: the host runs the timer now, or finds it due when it is free. */
  woken(): void {
    this.#wakeAt = Infinity;
    this.#wakeEvent = NO_EVENT;
    this.cpu.timer(EVENT.gatewayWake);
  }

  batchWoken(): void {
    this.batch?.woken();
    this.cpu.timer(EVENT.datasetWake);
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
    const ofBatch: Readonly<Record<string, number>> = { ...this.batch?.held() };
    for (const [name, count] of Object.entries(ofGateway)) held[`gateway.${name}`] = count;
    for (const [name, count] of Object.entries(ofBatch)) held[`dataset.${name}`] = count;
    held['host.inputs'] = this.cpu.waiting;
    held['attempts'] = this.#running.size;
    return held;
  }

  checkInvariants(): void {
    this.gateway.checkInvariants();
    this.batch?.checkInvariants();
  }

  #clientUs(request: SimRequest): number {
    return request.task === undefined ? this.#config.network.clientUs : 0;
  }

  #arrive(now: number, request: SimRequest): void {
    request.record.arrivedAt = now;
    if (request.task !== undefined) this.#recorder.sent(request.record.sentAt);
    this.#journal.note(NOTE.arrive, now, request.id, request.promptTokens);
    this.gateway.arrive(now, request);
  }

  #firstToken(now: number, attempt: SimAttempt): void {
    const { lease } = attempt;
    this.#journal.note(NOTE.firstToken, now, lease.id, 0);
    if (lease.state === 'running') {
      const request = lease.request.init;
      const at = now + this.#clientUs(request);
      if (at <= request.leavesAt) request.record.firstTokenAt = at;
    }
    this.gateway.firstToken(now, lease);
  }

  #end(now: number, attempt: SimAttempt): void {
    const { lease, result } = attempt;
    this.#running.delete(lease.id);
    const code = OUTCOMES.indexOf(result.outcome) * 65536 + result.status;
    this.#journal.note(NOTE.tokens, now, lease.id, attempt.job?.tokenHash ?? 0);
    this.#journal.note(NOTE.end, now, lease.id, code);
    const late = lease.state === 'settled';
    if (!late) this.#recorder.attempt(result.outcome);
    if (late && result.outcome === 'ok') this.wasted(attempt, this.#lateCause(attempt));
    this.gateway.end(now, lease, { ...result, bytesSent: lease.bytesSent });
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

/**
 * A whole run in virtual time: workload → (dataset core →) gateway core ⇄ network ⇄ workers, with faults and load
 * reports, on one timeline. `advance` is synchronous and does a bounded number of events; what happens between two
 * slices (reading on in a trace, drawing a progress bar) alters nothing.
 *
 * A run ends when its workload has ended and no work is pending or held. It never cuts with work in flight: after the
 * last arrival it drains for `limits.drainUs` at most, then, or when nothing is left to happen, it ends unfinished
 * and says what is held.
 */
import type { PolicySet, Salvage } from '../../policies/types.ts';
import { type EventHandle, NO_EVENT, PHASE, type TieBreak } from '../kernel/event-queue.ts';
import type { Recorder } from '../results/recorder.ts';
import type { RowFacts, WorkerFacts } from '../results/run-facts.ts';
import type { Workload } from '../workload/arrival.ts';
import type { FaultConfig, WorldConfig } from './config.ts';
import { GatewaySide } from './gateway-side.ts';
import { type EntryTap, Journal } from './journal.ts';
import { type SimAttempt, SimRequest } from './messages.ts';
import { EVENT, Timeline } from './timeline.ts';
import { WorkerSide } from './worker-side.ts';

/** `starved`: refill the workload and go on. `unfinished`: work was left; see `held`. */
export type WorldState = 'running' | 'starved' | 'done' | 'unfinished';

/** What a world is made of besides its configuration. */
export interface WorldParts {
  readonly policies: PolicySet;
  readonly salvage: Salvage;
  /** Undefined when a dataset is the workload. */
  readonly workload: Workload | undefined;
  readonly recorder: Recorder;
  readonly tap?: EntryTap | undefined;
  /** Test mode: permutes events of one (instant, phase, key). */
  readonly tieBreak?: TieBreak | undefined;
}

export class World {
  readonly journal: Journal;
  readonly #config: WorldConfig;
  readonly #workload: Workload | undefined;
  readonly #recorder: Recorder;
  readonly #timeline: Timeline;
  readonly #gatewaySide: GatewaySide;
  readonly #workerSide: WorkerSide;
  #state: WorldState = 'running';
  #arrivalEvent: EventHandle = NO_EVENT;
  #arrivalAt = Infinity;
  #lastArrivalAt = 0;
  /** Of the last foreground event. */
  #workedAt = 0;

  constructor(config: WorldConfig, parts: WorldParts) {
    this.#config = config;
    this.#workload = parts.workload;
    this.#recorder = parts.recorder;
    this.#timeline = new Timeline(parts.tieBreak);
    this.journal = new Journal(parts.tap);
    this.#gatewaySide = new GatewaySide(
      config,
      parts.policies,
      parts.salvage,
      this.#timeline,
      this.journal,
      parts.recorder,
      { finished: (request, at) => this.#clientFinished(request, at) },
    );
    const observer = { tokenGaps: (gapUs: number, jobs: number) => parts.recorder.iteration(gapUs, jobs) };
    this.#workerSide = new WorkerSide(config, this.#timeline, observer, {
      cancelled: (attempt) => this.#gatewaySide.cancelled(attempt),
      crashed: (attempt) => this.#gatewaySide.wasted(attempt, 'crash'),
    });
    this.#scheduleBackground();
    this.#gatewaySide.begin();
  }

  /** Virtual time reached, microseconds. */
  get now(): number {
    return this.#timeline.now;
  }

  /** Instant of the last work done. */
  get endedAt(): number {
    return this.#workedAt;
  }

  /** Kernel events handled. */
  get events(): number {
    return this.#timeline.handled;
  }

  get state(): WorldState {
    return this.#state;
  }

  /** Handles up to `maxEvents` events. */
  advance(maxEvents: number): WorldState {
    const timeline = this.#timeline;
    const { check } = this.#config;
    const { eventsMax } = this.#config.limits;
    const sliceEnd = timeline.handled + maxEvents;
    this.#state = 'running';
    this.#armArrival();
    while (this.#state === 'running') {
      if (this.#workload?.starved() === true) this.#state = 'starved';
      else if (timeline.foreground === 0 && this.#over()) this.#state = 'done';
      else if (timeline.empty || timeline.nextAt() > this.#drainsUntil()) this.#state = 'unfinished';
      else if (timeline.handled >= eventsMax) this.#state = 'unfinished';
      else if (timeline.handled >= sliceEnd) break;
      else {
        this.#handleNext();
        if (check) this.#checkInvariants();
      }
    }
    return this.#state;
  }

  /** What every keeper, worker and pool still holds; all zero after a run that is done. */
  held(): Readonly<Record<string, number>> {
    const held: Record<string, number> = { ...this.#gatewaySide.held() };
    held['workers.running'] = held['workers.waiting'] = held['workers.kv_blocks'] = 0;
    for (const worker of this.#workerSide.held()) {
      held['workers.running'] += worker.running;
      held['workers.waiting'] += worker.waiting;
      held['workers.kv_blocks'] += worker.kvBlocks;
    }
    return held;
  }

  workerFacts(): WorkerFacts[] {
    return this.#workerSide.facts(this.#workedAt);
  }

  rowFacts(): RowFacts | undefined {
    return this.#gatewaySide.batch?.facts();
  }

  #handleNext(): void {
    const timeline = this.#timeline;
    timeline.pop();
    const { data } = timeline;
    if (timeline.kind < EVENT.report) this.#workedAt = timeline.now;
    switch (timeline.kind) {
      case EVENT.arrival:
        this.#arrive();
        break;
      case EVENT.submit:
        this.#workerSide.submit(data as SimAttempt);
        break;
      case EVENT.cancel:
        this.#workerSide.cancel(data as SimAttempt);
        break;
      case EVENT.worker:
        this.#workerSide.act(data as number);
        break;
      case EVENT.gatewayWake:
        this.#gatewaySide.woken();
        break;
      case EVENT.datasetWake:
        this.#gatewaySide.batchWoken();
        break;
      case EVENT.hostFree:
        this.#gatewaySide.cpu.freed();
        break;
      case EVENT.report:
        this.#workerSide.report();
        timeline.push(timeline.now + this.#config.reportEveryUs, PHASE.io, EVENT.report, undefined);
        break;
      case EVENT.status:
        this.#gatewaySide.cpu.offer(EVENT.status, this.#workerSide.probe(data as number));
        break;
      case EVENT.fault:
        this.#faultBegins(data as FaultConfig);
        break;
      case EVENT.faultOver:
        this.#workerSide.faultEnds(data as Exclude<FaultConfig, { kind: 'stall' }>);
        break;
      case EVENT.arrive:
        this.#gatewaySide.reached(data as SimRequest);
        break;
      case EVENT.leave:
        this.#gatewaySide.left(data as SimRequest);
        break;
      case EVENT.firstToken:
      case EVENT.end:
      case EVENT.abandon:
      case EVENT.taskEnd:
      case EVENT.loadReport:
        this.#gatewaySide.cpu.offer(timeline.kind, data);
        break;
      default:
        throw new Error(`unknown event kind ${timeline.kind}`);
    }
  }

  /** A client's request reaches the gateway; it left the client one hop earlier. */
  #arrive(): void {
    const workload = this.#workload as Workload;
    this.#arrivalEvent = NO_EVENT;
    this.#arrivalAt = Infinity;
    const arrival = workload.take();
    this.#recorder.sent(arrival.at);
    this.#lastArrivalAt = this.#timeline.now;
    this.#armArrival();
    this.#gatewaySide.reached(new SimRequest(this.#gatewaySide.nextId(), arrival));
  }

  #clientFinished(request: SimRequest, at: number): void {
    if (this.#workload?.completed === undefined) return;
    this.#workload.completed(at, request.arrival);
    this.#armArrival();
  }

  /** Keeps the event of the next known arrival pending. */
  #armArrival(): void {
    const nextAt = this.#workload?.nextAt() ?? Infinity;
    if (nextAt === this.#arrivalAt) return;
    this.#timeline.cancel(this.#arrivalEvent);
    this.#arrivalAt = nextAt;
    const at = Math.max(this.#timeline.now, nextAt + this.#config.network.clientUs);
    this.#arrivalEvent =
      nextAt === Infinity ? NO_EVENT : this.#timeline.push(at, PHASE.arrival, EVENT.arrival, undefined);
  }

  #scheduleBackground(): void {
    const timeline = this.#timeline;
    const { reportEveryUs, faults } = this.#config;
    if (reportEveryUs !== Infinity) timeline.push(reportEveryUs, PHASE.io, EVENT.report, undefined);
    for (const fault of faults) timeline.push(fault.at, PHASE.fault, EVENT.fault, fault);
  }

  #faultBegins(fault: FaultConfig): void {
    const timeline = this.#timeline;
    if (fault.kind === 'stall') {
      this.#gatewaySide.cpu.stall(fault.forUs);
      const again = { ...fault, at: fault.at + fault.everyUs, times: fault.times - 1 };
      if (again.times > 0 && again.at !== Infinity) timeline.push(again.at, PHASE.fault, EVENT.fault, again);
      return;
    }
    this.#workerSide.faultBegins(fault);
    if (fault.forUs !== Infinity) timeline.push(timeline.now + fault.forUs, PHASE.fault, EVENT.faultOver, fault);
  }

  /** Nothing more will come and nothing is held. */
  #over(): boolean {
    if (this.#workload?.ended() === false) return false;
    const { batch } = this.#gatewaySide;
    if (batch !== undefined && !batch.done) return false;
    return Object.values(this.held()).every((count) => count === 0);
  }

  #drainsUntil(): number {
    const arriving = this.#workload !== undefined && !this.#workload.ended();
    if (arriving && this.#timeline.foreground > 0) return Infinity;
    return Math.max(this.#lastArrivalAt, this.#gatewaySide.batch?.progressAt ?? 0) + this.#config.limits.drainUs;
  }

  #checkInvariants(): void {
    this.#gatewaySide.checkInvariants();
    this.#workerSide.checkInvariants();
  }
}

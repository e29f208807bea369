/**
 * A whole run in virtual time: workload → (dataset core ⇄) gateway core ⇄ network ⇄ workers, with faults and load
 * reports, on one timeline. `advance` is synchronous and does a bounded number of events; what happens between two
 * slices (reading on in a trace, drawing a progress bar) alters nothing.
 *
 * A run ends when its workload has ended and no work is pending or held. It never cuts with work in flight: after the
 * last arrival it drains for `limits.drainUs` at most, then, or when nothing is left to happen, it ends unfinished
 * and says what is held.
 */
import type { Probe } from '../../policies/health/types.ts';
import type { PolicySet } from '../../policies/types.ts';
import type { DatasetPolicies } from '../dataset/types.ts';
import { type EventHandle, NO_EVENT, PHASE, type TieBreak } from '../kernel/event-queue.ts';
import type { Recorder } from '../results/recorder.ts';
import type { RowFacts, WorkerFacts } from '../results/run-facts.ts';
import type { RunSeries } from '../results/run-series.ts';
import type { TokenObserver } from '../worker/worker.ts';
import type { Arrival, Workload } from '../workload/arrival.ts';
import { BuilderSide } from './builder-side.ts';
import type { WorldConfig } from './config.ts';
import type { FaultConfig } from './fault-config.ts';
import { GatewaySide } from './gateway-side.ts';
import type { HostCpu } from './host-cpu.ts';
import { type EntryTap, Journal } from './journal.ts';
import type { CellOrigin, FleetNews, LoadMessage, ProbeAnswer, SimAttempt } from './messages.ts';
import { answerOf, SimRequest, UNANSWERED } from './messages.ts';
import { LEG, Network } from './network.ts';
import { Registrar } from './registrar.ts';
import { Lateness } from './test-mode.ts';
import { EVENT, Timeline } from './timeline.ts';
import type { FaultStep } from './worker-faults.ts';
import { type DueCut, WorkerSide } from './worker-side.ts';

/** `starved`: refill the workload and go on. `unfinished`: work was left; see `held`. */
export type WorldState = 'running' | 'starved' | 'done' | 'unfinished';

/** What a world is made of besides its configuration. */
export interface WorldParts {
  readonly policies: PolicySet;
  /** Of the dataset core; undefined when the workload is no dataset. */
  readonly batch?: DatasetPolicies | undefined;
  /** Undefined when a dataset is the workload. */
  readonly workload: Workload | undefined;
  readonly recorder: Recorder;
  readonly tap?: EntryTap | undefined;
  /** Gets the levels of the run, for charts; alters nothing. */
  readonly series?: RunSeries | undefined;
  /** Test mode: permutes events of one (instant, phase, key). */
  readonly tieBreak?: TieBreak | undefined;
}

/** A request between its client and the gateway; the client may leave before it arrives. */
interface OnItsWay {
  readonly arrival: Arrival;
  readonly isGone: boolean;
}

export class World {
  readonly journal: Journal;
  readonly #config: WorldConfig;
  readonly #workload: Workload | undefined;
  readonly #recorder: Recorder;
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #registrar: Registrar;
  readonly #gatewaySide: GatewaySide;
  /** Undefined: the workload is no dataset. */
  readonly #builderSide: BuilderSide | undefined;
  readonly #workerSide: WorkerSide;
  #state: WorldState = 'running';
  #arrivalEvent: EventHandle = NO_EVENT;
  #arrivalAt = Infinity;
  #lastArrivalAt = 0;
  /** Requests taken from the workload. */
  #arrivals = 0;
  /** Of the last foreground event. */
  #workedAt = 0;

  constructor(config: WorldConfig, parts: WorldParts) {
    this.#config = config;
    this.#workload = parts.workload;
    this.#recorder = parts.recorder;
    this.#timeline = new Timeline(parts.tieBreak);
    this.journal = new Journal(parts.tap);
    const timeline = this.#timeline;
    const partitions = config.faults.filter((fault) => fault.kind === 'partition');
    this.#network = new Network(config.network, config.seed, partitions, timeline);
    const network = this.#network;
    this.#gatewaySide = new GatewaySide(config, parts.policies, timeline, network, this.journal, parts.recorder, {
      finished: (request, at, retryAfterUs) => this.#clientFinished(request, at, retryAfterUs),
    });
    this.#builderSide = this.#makeBuilder(parts.batch);
    const observer = observerOf(parts.recorder);
    const { health } = parts.policies;
    this.#workerSide = new WorkerSide(config, timeline, network, observer, health !== undefined, {
      cancelled: (attempt) => this.#gatewaySide.cancelled(attempt),
      lost: (attempt, cause) => this.#gatewaySide.wasted(attempt, cause),
    });
    this.#scheduleBackground(parts.series);
    this.#registrar = new Registrar(health, timeline, network, (kind, message) => {
      this.#gatewaySide.cpu.offer(kind, message);
    });
    this.#registrar.begin(this.#workerSide.present, (kind, message) => this.#gatewaySide.told(kind, message));
    this.#builderSide?.begin();
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
    const ofBuilder = Object.entries(this.#builderSide?.held() ?? {});
    for (const [name, count] of ofBuilder) held[`dataset.${name}`] = count;
    held['workers.running'] = held['workers.waiting'] = held['workers.kv_blocks'] = 0;
    for (const worker of this.#workerSide.held()) {
      held['workers.running'] += worker.running;
      held['workers.waiting'] += worker.waiting;
      held['workers.kv_blocks'] += worker.kvBlocks;
    }
    return held;
  }

  workerFacts(): WorkerFacts[] {
    // A hang that a later fault ends holds its jobs until then, though no work was done meanwhile.
    return this.#workerSide.facts(this.#timeline.now);
  }

  rowFacts(): RowFacts | undefined {
    return this.#builderSide?.facts();
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
        this.#builderSide?.woken();
        break;
      case EVENT.hostFree:
        (data as HostCpu).freed();
        break;
      case EVENT.reach:
        this.#reach(data as OnItsWay);
        break;
      case EVENT.quit:
        this.#workload?.completed?.(timeline.now, data as Arrival, UNANSWERED);
        this.#armArrival();
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
        this.#gatewaySide.cpu.offer(timeline.kind, data);
        break;
      case EVENT.callEnd:
        this.#builderSide?.cpu.offer(timeline.kind, data);
        break;
      default:
        this.#handleBackground(data);
    }
  }

  /** What goes on beside the work: load reports, faults, and what the gateway is told of its fleet. */
  #handleBackground(data: unknown): void {
    const timeline = this.#timeline;
    switch (timeline.kind) {
      case EVENT.report:
        this.#workerSide.report();
        timeline.push(timeline.now + this.#config.reports.everyUs, PHASE.io, EVENT.report, undefined);
        break;
      case EVENT.loadReport:
        // One of a worker that has not joined, or has left, is nobody's business.
        if (this.#registrar.knows((data as LoadMessage).worker)) this.#gatewaySide.cpu.offer(timeline.kind, data);
        break;
      case EVENT.detect:
        this.#registrar.detected(this.#workerSide.statusOf(data as number));
        break;
      case EVENT.sample:
        this.#sample(data as RunSeries);
        break;
      case EVENT.timedCut:
        this.#workerSide.cutDue(data as DueCut);
        break;
      case EVENT.fault:
        this.#faultBegins(data as FaultConfig);
        break;
      case EVENT.faultStep:
        this.#workerSide.faultStep(data as FaultStep);
        break;
      case EVENT.news:
        this.#registrar.heard(data as FleetNews);
        break;
      case EVENT.drained:
        this.#registrar.drained(data as number);
        break;
      case EVENT.probeDue:
        this.#registrar.probesDue();
        break;
      case EVENT.probe:
        this.#workerSide.probed(data as Probe);
        break;
      case EVENT.probeAnswer:
        this.#registrar.probeSettled(data as ProbeAnswer);
        break;
      case EVENT.probeOver:
        this.#registrar.probeSettled({ probe: data as Probe, isOk: false });
        break;
      default:
        throw new Error(`unknown event kind ${timeline.kind}`);
    }
  }

  /**
   * The workload's next request: it left its client one hop earlier and reaches the gateway now, or, where latency is
   * drawn, leaves its client now. Ids are given in the order of arrival at the gateway.
   */
  #arrive(): void {
    const workload = this.#workload as Workload;
    this.#arrivalEvent = NO_EVENT;
    this.#arrivalAt = Infinity;
    const arrival = workload.take();
    this.#recorder.sent(arrival.at);
    this.#lastArrivalAt = this.#timeline.now;
    const ordinal = this.#arrivals++;
    this.#armArrival();
    if (this.#network.fixedArrivalUs >= 0) {
      this.#gatewaySide.reached(new SimRequest(this.#gatewaySide.nextId(), arrival));
      return;
    }
    const { now } = this.#timeline;
    const { clientTimeoutUs } = this.#config;
    const us = this.#network.arrivalUs(ordinal);
    const isGone = us > clientTimeoutUs;
    this.#timeline.push(now + us, PHASE.arrival, EVENT.reach, { arrival, isGone } satisfies OnItsWay);
    if (isGone) this.#timeline.push(now + clientTimeoutUs, PHASE.io, EVENT.quit, arrival);
  }

  #reach({ arrival, isGone }: OnItsWay): void {
    const request = new SimRequest(this.#gatewaySide.nextId(), arrival);
    if (isGone) this.#gatewaySide.reachedAlone(request);
    else this.#gatewaySide.reached(request);
  }

  #makeBuilder(policies: DatasetPolicies | undefined): BuilderSide | undefined {
    const { dataset, seed } = this.#config;
    if (dataset === undefined) return undefined;
    if (policies === undefined) throw new Error('a dataset needs the policies of its core');
    const peers = {
      send: (arrival: Arrival, origin: CellOrigin) => this.#send(arrival, origin),
      giveUp: (request: SimRequest) => this.#gatewaySide.givenUp(request),
    };
    const late = new Lateness(this.#config.testMode?.wakeDelayUs ?? 0, seed, 'dataset-wakes');
    return new BuilderSide(dataset, seed, policies, this.#timeline, this.journal, peers, late);
  }

  #send(arrival: Arrival, origin: CellOrigin): SimRequest {
    const request = new SimRequest(this.#gatewaySide.nextId(), arrival, origin);
    this.#recorder.sent(arrival.at);
    this.#timeline.push(this.#network.toGatewayAt(request, LEG.out), PHASE.io, EVENT.arrive, request);
    return request;
  }

  #clientFinished(request: SimRequest, at: number, retryAfterUs: number): void {
    if (request.origin !== undefined) this.#builderSide?.finished(request, at, retryAfterUs);
    if (this.#workload?.completed === undefined) return;
    this.#workload.completed(at, request.arrival, answerOf(request, retryAfterUs));
    this.#armArrival();
  }

  /** Keeps the event of the next known arrival pending. */
  #armArrival(): void {
    const nextAt = this.#workload?.nextAt() ?? Infinity;
    if (nextAt === this.#arrivalAt) return;
    this.#timeline.cancel(this.#arrivalEvent);
    this.#arrivalAt = nextAt;
    const at = Math.max(this.#timeline.now, nextAt + Math.max(0, this.#network.fixedArrivalUs));
    this.#arrivalEvent =
      nextAt === Infinity ? NO_EVENT : this.#timeline.push(at, PHASE.arrival, EVENT.arrival, undefined);
  }

  #scheduleBackground(series: RunSeries | undefined): void {
    const timeline = this.#timeline;
    if (series !== undefined) timeline.push(0, PHASE.fault, EVENT.sample, series);
    const { reports, faults } = this.#config;
    if (reports.everyUs !== Infinity) timeline.push(reports.everyUs, PHASE.io, EVENT.report, undefined);
    for (const fault of faults) {
      // The network knows its partitions from the start.
      if (fault.kind !== 'partition') timeline.push(fault.at, PHASE.fault, EVENT.fault, fault);
    }
  }

  #sample(series: RunSeries): void {
    const { now } = this.#timeline;
    const levels: Record<string, number> = { ...this.#gatewaySide.held() };
    for (const [name, count] of Object.entries(this.#builderSide?.held() ?? {})) levels[`dataset.${name}`] = count;
    this.#workerSide.levels(now, levels);
    series.add(now, levels);
    this.#timeline.push(now + series.everyUs, PHASE.fault, EVENT.sample, series);
  }

  #faultBegins(fault: FaultConfig): void {
    if (fault.kind === 'stall') {
      const cpu = fault.host === 'builder' ? this.#builderSide?.cpu : this.#gatewaySide.cpu;
      cpu?.stall(fault.forUs);
    } else if (fault.kind !== 'partition') this.#workerSide.faultBegins(fault);
  }

  /** Nothing more will come and nothing is held. */
  #over(): boolean {
    if (this.#workload?.ended() === false) return false;
    if (this.#builderSide?.done === false) return false;
    return Object.values(this.held()).every((count) => count === 0);
  }

  #drainsUntil(): number {
    const arriving = this.#workload !== undefined && !this.#workload.ended();
    if (arriving && this.#timeline.foreground > 0) return Infinity;
    return Math.max(this.#lastArrivalAt, this.#builderSide?.progressAt ?? 0) + this.#config.limits.drainUs;
  }

  #checkInvariants(): void {
    this.#gatewaySide.checkInvariants();
    this.#builderSide?.checkInvariants();
    this.#workerSide.checkInvariants();
  }
}

/** Tells the recorder of the gaps between tokens. */
function observerOf(recorder: Recorder): TokenObserver {
  return {
    tokenGaps: (gapUs, jobs) => recorder.iteration(gapUs, jobs),
    tokenStretch: (ends, from, to, before, jobs) => recorder.iterations(ends, from, to, before, jobs),
  };
}

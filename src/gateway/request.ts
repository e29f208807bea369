/** The core's own objects: a request in the gateway, an attempt (the lease), a worker as the gateway sees it. */
import type {
  AttemptResult,
  AttemptView,
  LoadReport,
  Micros,
  RequestView,
  WorkerStatus,
  WorkerView,
} from '../../policies/types.ts';

/** What a host hands in with `arrive`. The host's own object; the core only reads these fields. */
export interface RequestInit {
  /** Unique in the run, rising in order of arrival. */
  readonly id: number;
  readonly tenant: string;
  readonly promptTokens: number;
  readonly maxOutputTokens: number;
  readonly prefixKey: number;
  readonly blockHashes: readonly number[];
  readonly priority: number;
  readonly routingKey: string;
}

export type RequestState = 'queued' | 'parked' | 'running' | 'backing-off' | 'finished';

/** One request in the core. `init` is the host's object, handed back in every effect. */
export class GatewayRequest<Init extends RequestInit = RequestInit> implements RequestView {
  readonly init: Init;
  readonly id: number;
  readonly arrivedAt: Micros;
  readonly deadlineAt: Micros;
  attemptCount = 0;
  readonly triedWorkers: number[] = [];

  state: RequestState = 'queued';
  /** The lease while running. */
  attempt: Attempt<Init> | undefined = undefined;
  /** Result of the last attempt that ended badly. */
  lastFailure: AttemptResult | undefined = undefined;
  waitAt: Micros = Infinity;
  waitIndex = -1;
  /** Neighbours among the parked. */
  ahead: GatewayRequest<Init> | undefined = undefined;
  behind: GatewayRequest<Init> | undefined = undefined;

  constructor(init: Init, arrivedAt: Micros, deadlineAt: Micros) {
    this.init = init;
    this.id = init.id;
    this.arrivedAt = arrivedAt;
    this.deadlineAt = deadlineAt;
  }

  get tenant(): string {
    return this.init.tenant;
  }
  get promptTokens(): number {
    return this.init.promptTokens;
  }
  get maxOutputTokens(): number {
    return this.init.maxOutputTokens;
  }
  get prefixKey(): number {
    return this.init.prefixKey;
  }
  get blockHashes(): readonly number[] {
    return this.init.blockHashes;
  }
  get priority(): number {
    return this.init.priority;
  }
  get routingKey(): string {
    return this.init.routingKey;
  }
}

/** A lease on one slot of one worker. The object is the token: it is settled once, whoever holds it. */
export class Attempt<Init extends RequestInit = RequestInit> implements AttemptView {
  readonly id: number;
  readonly request: GatewayRequest<Init>;
  readonly worker: GatewayWorker;
  readonly startedAt: Micros;
  state: 'running' | 'settled' = 'running';
  /** How it ended, once settled. */
  result: AttemptResult | undefined = undefined;
  /** A byte of the reply went to the client: never retried from here on. */
  bytesSent = false;

  constructor(id: number, request: GatewayRequest<Init>, worker: GatewayWorker, startedAt: Micros) {
    this.id = id;
    this.request = request;
    this.worker = worker;
    this.startedAt = startedAt;
  }
}

/** A worker as the gateway knows it: counted exactly, reported late. */
export class GatewayWorker implements WorkerView {
  readonly index: number;
  status: WorkerStatus = 'pending';
  inFlight = 0;
  inFlightTokens = 0;
  reportedAt: Micros = -Infinity;
  reportedRunning = -1;
  reportedWaiting = -1;
  reportedKvUsageRatio = -1;

  constructor(index: number) {
    this.index = index;
  }

  /** One lease more (1) or less (-1) for `request`. */
  count(request: RequestView, leases: 1 | -1): void {
    this.inFlight += leases;
    this.inFlightTokens += leases * (request.promptTokens + request.maxOutputTokens);
  }

  /** Takes over what one load report says. */
  noteReport(now: Micros, report: LoadReport): void {
    this.reportedAt = now;
    this.reportedRunning = report.running;
    this.reportedWaiting = report.waiting;
    const known = report.kvTotalBlocks > 0 && report.kvUsedBlocks >= 0;
    this.reportedKvUsageRatio = known ? report.kvUsedBlocks / report.kvTotalBlocks : -1;
  }
}

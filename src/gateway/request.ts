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

/** What a host hands in with `arrive`: its own object, of which the core only reads what policies may know. */
export type RequestInit = Omit<RequestView, 'arrivedAt' | 'deadlineAt' | 'attemptCount' | 'triedWorkers'>;

/** `starting`: its worker is being chosen; never between two inputs. */
export type RequestState = 'queued' | 'starting' | 'parked' | 'running' | 'backing-off' | 'finished';

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
  /** What the worker of the last settled attempt says it used; -1 when it did not. */
  usedTokens = -1;
  /** When a rate limit refused it, how long its client is to wait; -1 otherwise, Infinity: asking again is no use. */
  retryAfterUs: Micros = -1;
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
  get blockTokens(): number {
    return this.init.blockTokens;
  }
  get priority(): number {
    return this.init.priority;
  }
  get routingKey(): string {
    return this.init.routingKey;
  }
  get targetWorker(): string {
    return this.init.targetWorker;
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
  name: string;
  inFlight = 0;
  inFlightTokens = 0;
  reportedAt: Micros = -Infinity;
  reportedRunning = -1;
  reportedWaiting = -1;
  reportedKvUsageRatio = -1;
  /** By rank: the stamp of its newest report. */
  readonly #stamps: number[] = [];

  constructor(index: number) {
    this.index = index;
    this.name = `worker-${index}`;
  }

  /** By rank, for snapshots; a rank without a stamp is absent. */
  get stamps(): number[] {
    return this.#stamps;
  }

  /** One lease more (1) or less (-1) for `request`. */
  count(request: RequestView, leases: 1 | -1): void {
    this.inFlight += leases;
    this.inFlightTokens += leases * (request.promptTokens + request.maxOutputTokens);
  }

  /**
   * Takes over what one load report says; false when its stamp is not newer than that of the rank's newest: a late one,
   * a copy, or a clock that was set back. Without stamps the last to arrive is the newest.
   */
  noteReport(now: Micros, rank: number, report: LoadReport): boolean {
    const { stampedAt } = report;
    if (stampedAt !== undefined && stampedAt <= (this.#stamps[rank] ?? -Infinity)) return false;
    if (stampedAt !== undefined) this.#stamps[rank] = stampedAt;
    this.reportedAt = stampedAt ?? now;
    this.reportedRunning = report.running;
    this.reportedWaiting = report.waiting;
    const known = report.kvTotalBlocks > 0 && report.kvUsedBlocks >= 0;
    this.reportedKvUsageRatio = known ? report.kvUsedBlocks / report.kvTotalBlocks : -1;
    return true;
  }
}

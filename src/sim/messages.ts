/** What travels through the world: a request with its record, an attempt on its way to a worker and back. */
import type { Probe } from '../../policies/health/types.ts';
import type { AttemptResult, LoadReport, WorkerStatus } from '../../policies/types.ts';
import type { Call } from '../dataset/types.ts';
import type { Attempt } from '../gateway/request.ts';
import type { RequestInit } from '../gateway/request.ts';
import { type EventHandle, NO_EVENT } from '../kernel/event-queue.ts';
import { mix32 } from '../kernel/rng.ts';
import type { RequestRecord } from '../results/record.ts';
import type { Answer, Arrival } from '../workload/arrival.ts';
import type { JobView } from '../worker/worker.ts';

/**
 * More than any dataset has columns, any request has attempts at the gateway, and any task has calls in one start: they
 * keep draw keys apart.
 */
const COLUMNS_MAX = 65_536;
const ATTEMPTS_MAX = 1024;
const CALLS_MAX = 1024;

/** The call of a dataset that a request was sent for. */
export class CellOrigin {
  readonly call: Call;
  /** In the whole dataset; the first of its group for a task of a whole row group. */
  readonly row: number;
  readonly column: string;
  /** Key of the world's draws: the cell, and how often it was started and called. */
  readonly drawKey: number;
  readonly drawTry: number;
  /** Its task failed before. */
  readonly deferred: boolean;

  constructor(call: Call, row: number, column: string) {
    const { task, attempt } = call;
    this.call = call;
    this.row = row;
    this.column = column;
    this.drawKey = row * COLUMNS_MAX + task.column;
    this.drawTry = ((task.starts - 1) * CALLS_MAX + attempt - 1) * ATTEMPTS_MAX;
    this.deferred = task.deferrals > 0;
  }
}

/** A logical request: what the gateway may see of it, and what only the world knows. */
export class SimRequest implements RequestInit {
  readonly id: number;
  readonly arrival: Arrival;
  /** The dataset's call it was sent for, or undefined. */
  readonly origin: CellOrigin | undefined;
  readonly prefixKey: number;
  readonly record: RequestRecord;
  /** When its client leaves unless it has its answer by then; Infinity: never. */
  leavesAt = Infinity;
  /** The end of the client's patience, while it may come. */
  patience: EventHandle = NO_EVENT;
  /** When the last of its messages arrives: from the client at the gateway, and the other way. */
  gatewayAt = 0;
  clientAt = 0;
  /** Its client has left. */
  left = false;
  attempt: SimAttempt | undefined = undefined;

  constructor(id: number, arrival: Arrival, origin?: CellOrigin) {
    this.id = id;
    this.arrival = arrival;
    this.origin = origin;
    this.prefixKey = arrival.hashIds.length === 0 ? 0 : mix32((arrival.hashIds[0] as number) ^ 0x51ed270b) + 1;
    this.record = {
      id,
      tenant: arrival.tenant,
      row: origin?.row ?? -1,
      column: origin?.column ?? '',
      promptTokens: arrival.promptTokens,
      maxOutputTokens: arrival.maxOutputTokens,
      outputTokens: 0,
      cachedTokens: 0,
      sentAt: arrival.at,
      arrivedAt: -1,
      startedAt: -1,
      firstTokenAt: -1,
      finishedAt: -1,
      attempts: 0,
      worker: -1,
      reason: 'failed',
      cause: 'none',
      status: 0,
    };
  }

  /**
   * Key of the world's draws for it: the cell of a dataset's call, else what its client asked, else the id. It does not
   * depend on what a policy did to other requests.
   */
  get drawKey(): number {
    return this.origin?.drawKey ?? this.arrival.drawKey ?? this.id;
  }
  get drawTry(): number {
    return this.origin?.drawTry ?? this.arrival.drawTry ?? 0;
  }

  get tenant(): string {
    return this.arrival.tenant;
  }
  get promptTokens(): number {
    return this.arrival.promptTokens;
  }
  get maxOutputTokens(): number {
    return this.arrival.maxOutputTokens;
  }
  get blockHashes(): readonly number[] {
    return this.arrival.hashIds;
  }
  get blockTokens(): number {
    return this.arrival.hashBlockTokens;
  }
  get priority(): number {
    return this.arrival.priority;
  }
  get routingKey(): string {
    return this.arrival.routingKey;
  }
  /** No workload addresses a worker. */
  get targetWorker(): string {
    return '';
  }
}

/** Of a client that left. */
export const UNANSWERED: Answer = { ok: false, cause: 'client', isLate: false, status: 0, retryAfterUs: -1 };

/** What the client of a request that is over for it knows. */
export function answerOf({ left, record }: SimRequest, retryAfterUs: number): Answer {
  if (left) return UNANSWERED;
  const { reason, cause, status } = record;
  return { ok: reason === 'ok', cause, isLate: reason === 'timeout', status, retryAfterUs };
}

/** One attempt in the world; the workers' jobs are owned by it. */
export class SimAttempt {
  readonly lease: Attempt<SimRequest>;
  readonly worker: number;
  /** Second key of the world's draws for it; no other attempt of the same `drawKey` has it. */
  readonly drawTry: number;
  /** Its job, once a worker ended it. */
  job: JobView<SimAttempt> | undefined = undefined;
  /** When the last of its messages arrives: from the gateway at the worker, and the other way. */
  workerAt = 0;
  gatewayAt = 0;
  /** Output tokens after which its connection is cut; Infinity: never. */
  cutAfter = Infinity;
  /** From its acceptance by a worker until its end has been sent, or its cancellation has come. */
  isServed = false;
  /** Whether a token has left its worker. */
  hasSpoken = false;
  /** How it ended at the worker, once it did. */
  result: AttemptResult = RUNNING;

  constructor(lease: Attempt<SimRequest>) {
    this.lease = lease;
    this.worker = lease.worker.index;
    this.drawTry = lease.request.init.drawTry + lease.request.attemptCount;
  }
}

const RUNNING: AttemptResult = { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: false };

export interface LoadMessage {
  readonly worker: number;
  readonly report: LoadReport;
}

export interface StatusMessage {
  readonly worker: number;
  readonly status: WorkerStatus;
}

/** Who belongs to the fleet from now on. */
export interface FleetMessage {
  /** Ascending. */
  readonly workers: readonly number[];
  /** The worker that joined or left; -1: none, the run begins. */
  readonly changed: number;
}

/** What whoever runs the fleet tells the gateway of a worker. `returned`: up again after a crash. */
export interface FleetNews {
  readonly worker: number;
  readonly event: 'joined' | 'ready' | 'restarted' | 'returned' | 'draining' | 'left';
}

export interface ProbeAnswer {
  readonly probe: Probe;
  readonly isOk: boolean;
}

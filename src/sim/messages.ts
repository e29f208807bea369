/** What travels through the world: a request with its record, an attempt on its way to a worker and back. */
import type { AttemptResult, LoadReport, WorkerStatus } from '../../policies/types.ts';
import type { Task } from '../dataset/dataset.ts';
import type { Attempt } from '../gateway/request.ts';
import type { RequestInit } from '../gateway/request.ts';
import { type EventHandle, NO_EVENT } from '../kernel/event-queue.ts';
import { mix32 } from '../kernel/rng.ts';
import type { RequestRecord } from '../results/record.ts';
import type { Arrival } from '../workload/arrival.ts';
import type { JobView } from '../worker/worker.ts';

/** More than any dataset has columns, and more than any request has attempts: they keep draw keys apart. */
const COLUMNS_MAX = 65_536;
const ATTEMPTS_MAX = 1024;

/** A logical request: what the gateway may see of it, and what only the world knows. */
export class SimRequest implements RequestInit {
  readonly id: number;
  readonly arrival: Arrival;
  /** The cell it was sent for, or undefined. */
  readonly task: Task | undefined;
  readonly prefixKey: number;
  readonly record: RequestRecord;
  /** When its client leaves unless it has its answer by then; Infinity: never. */
  leavesAt = Infinity;
  /** The end of the client's patience, while it may come. */
  patience: EventHandle = NO_EVENT;
  /** Its client has left. */
  left = false;
  attempt: SimAttempt | undefined = undefined;

  constructor(id: number, arrival: Arrival, task?: Task, column = '') {
    this.id = id;
    this.arrival = arrival;
    this.task = task;
    this.prefixKey = arrival.hashIds.length === 0 ? 0 : mix32((arrival.hashIds[0] as number) ^ 0x51ed270b) + 1;
    this.record = {
      id,
      tenant: arrival.tenant,
      row: task === undefined ? -1 : task.row,
      column,
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
   * Key of the world's draws for it: the cell and how often it was deferred for a dataset's call, else the id. Neither
   * depends on what a policy did to other requests.
   */
  get drawKey(): number {
    return this.task === undefined ? this.id : this.task.row * COLUMNS_MAX + this.task.column;
  }
  get drawTry(): number {
    return this.task === undefined ? 0 : this.task.deferrals * ATTEMPTS_MAX;
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
  get priority(): number {
    return this.arrival.priority;
  }
  get routingKey(): string {
    return this.arrival.routingKey;
  }
}

/** One attempt in the world; the workers' jobs are owned by it. */
export class SimAttempt {
  readonly lease: Attempt<SimRequest>;
  readonly worker: number;
  /** Second key of the world's draws for it; no other attempt of the same `drawKey` has it. */
  readonly drawTry: number;
  /** Its job, once a worker ended it. */
  job: JobView<SimAttempt> | undefined = undefined;
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

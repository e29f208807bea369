/**
 * A gateway with its effects written out: each input is entered, everything it asks for is taken and answered as text,
 * such as `start r0 a2 w1` (request 0, attempt 2, worker 1), `cancel a2` and `finish r0 shed queue-full`.
 */
import { NoRetry } from '../../policies/retry/none.ts';
import { Fifo } from '../../policies/queue/fifo.ts';
import { NoRateLimit } from '../../policies/rate/none.ts';
import { RoundRobin } from '../../policies/router/round-robin.ts';
import type { AttemptResult, Micros, PolicySet, Timeouts, WorkerStatus } from '../../policies/types.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { Effect } from '../../src/gateway/host.ts';
import type { Attempt, RequestInit } from '../../src/gateway/request.ts';
import { loadReport } from '../policies/views.ts';
import { Knob } from './gateway-policies.ts';

export const OK: AttemptResult = { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: false };
export const FAILED: AttemptResult = { outcome: 'failed', status: 500, retryAfterUs: -1, bytesSent: false };
export const REFUSED: AttemptResult = { outcome: 'refused', status: 429, retryAfterUs: -1, bytesSent: false };
/** The connection broke: what a crashed worker leaves behind. */
export const BROKEN: AttemptResult = { outcome: 'failed', status: 0, retryAfterUs: -1, bytesSent: false };

export function requestInit(id: number, fields: Partial<RequestInit> = {}): RequestInit {
  return {
    id,
    tenant: '',
    promptTokens: 100,
    maxOutputTokens: 10,
    prefixKey: 0,
    blockHashes: [],
    blockTokens: 0,
    priority: 0,
    routingKey: '',
    targetWorker: '',
    ...fields,
  };
}

export interface GatewaySettings extends Partial<Omit<PolicySet, 'timeouts' | 'capacity'>> {
  /** Ready from the start; default 1. */
  readonly workers?: number;
  /** Permits; default no limit. */
  readonly permits?: number;
  /** Waiters of the queue; default 10. */
  readonly waiters?: number;
  /** Of the queue; default no limit. */
  readonly queueUs?: Micros;
  readonly timeouts?: Partial<Timeouts>;
}

function fifo(size: number, timeout: Micros): Fifo {
  return new Fifo({ name: 'fifo', size, timeout });
}

function written(effect: Effect): string {
  switch (effect.kind) {
    case 'start':
      return `start r${effect.attempt.request.id} a${effect.attempt.id} w${effect.attempt.worker.index}`;
    case 'cancel':
      return `cancel a${effect.attempt.id}`;
    case 'finish': {
      const cause = effect.cause === 'none' ? '' : ` ${effect.cause}`;
      return `finish r${effect.request.id} ${effect.reason}${cause}`;
    }
  }
}

export class GatewayDriver {
  readonly gateway: Gateway;
  readonly permits: Knob;
  readonly attempts: Attempt[] = [];

  constructor(settings: GatewaySettings = {}) {
    this.permits = new Knob(settings.permits ?? Infinity);
    this.gateway = new Gateway({
      capacity: this.permits,
      rate: settings.rate ?? new NoRateLimit(),
      queue: settings.queue ?? fifo(settings.waiters ?? 10, settings.queueUs ?? Infinity),
      router: settings.router ?? new RoundRobin(),
      gates: settings.gates ?? [],
      retry: settings.retry ?? new NoRetry(),
      excludeFailedWorkers: settings.excludeFailedWorkers ?? true,
      timeouts: { requestUs: Infinity, attemptUs: Infinity, workerUs: Infinity, ...settings.timeouts },
    });
    const count = settings.workers ?? 1;
    this.discover(0, ...Array(count).keys());
    for (let worker = 0; worker < count; worker++) this.status(0, worker, 'ready');
  }

  takeAll(): string[] {
    const lines: string[] = [];
    for (let effect = this.gateway.take(); effect !== undefined; effect = this.gateway.take()) {
      lines.push(written(effect));
      if (effect.kind === 'start') this.attempts[effect.attempt.id] = effect.attempt;
    }
    this.gateway.checkInvariants();
    return lines;
  }

  attempt(id: number): Attempt {
    const attempt = this.attempts[id];
    if (attempt === undefined) throw new Error(`attempt ${id} was never started`);
    return attempt;
  }

  arrive(now: Micros, id: number, fields: Partial<RequestInit> = {}): string[] {
    this.gateway.arrive(now, requestInit(id, fields));
    return this.takeAll();
  }

  end(now: Micros, attempt: number, result: AttemptResult): string[] {
    this.gateway.end(now, this.attempt(attempt), result);
    return this.takeAll();
  }

  firstToken(now: Micros, attempt: number): string[] {
    this.gateway.firstToken(now, this.attempt(attempt));
    return this.takeAll();
  }

  abandon(now: Micros, request: number): string[] {
    this.gateway.abandon(now, request);
    return this.takeAll();
  }

  wake(now: Micros): string[] {
    this.gateway.wake(now);
    return this.takeAll();
  }

  reconsider(now: Micros): string[] {
    this.gateway.reconsider(now);
    return this.takeAll();
  }

  status(now: Micros, worker: number, status: WorkerStatus): string[] {
    this.gateway.workerStatus(now, worker, status);
    return this.takeAll();
  }

  discover(now: Micros, ...workers: number[]): string[] {
    this.gateway.discovered(now, workers);
    return this.takeAll();
  }

  report(now: Micros, worker: number): string[] {
    this.gateway.report(now, worker, 0, loadReport({ running: 3, kvUsedBlocks: 1, kvTotalBlocks: 4 }));
    return this.takeAll();
  }
}

/** What an empty gateway holds. */
export const NOTHING = { leases: 0, waiting: 0, admitted: 0, charges: 0, parked: 0, backingOff: 0, deadlines: 0 };

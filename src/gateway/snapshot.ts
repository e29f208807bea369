/**
 * The state of a gateway core as plain data, taken between two inputs, and a fresh core filled with it. Policies write
 * down their own; a core and policies restored together answer every later input as the first ones would have.
 */
import type { AttemptResult, Micros, WorkerStatus } from '../../policies/types.ts';
import { assert } from '../kernel/assert.ts';
import type { GatewayCounts } from './counts.ts';
import type { Entrance } from './entrance.ts';
import type { Fleet } from './fleet.ts';
import type { Line } from './line.ts';
import { Attempt, GatewayRequest, GatewayWorker, type RequestInit, type RequestState } from './request.ts';
import type { Roster } from './roster.ts';
import type { WaitHeap } from './wait-heap.ts';

/** The parts of a gateway core. */
export interface GatewayParts<Init extends RequestInit> {
  readonly counts: GatewayCounts;
  readonly fleet: Fleet;
  readonly entrance: Entrance;
  readonly roster: Roster<Init>;
  readonly waits: WaitHeap<GatewayRequest<Init>>;
  readonly parked: Line<GatewayRequest<Init>>;
  readonly sums: { running: number; backingOff: number; now: Micros; reconsiderAt: Micros };
}

interface WorkerState {
  readonly status: WorkerStatus;
  readonly name: string;
  readonly inFlight: number;
  readonly inFlightTokens: number;
  readonly reportedAt: Micros;
  readonly reportedRunning: number;
  readonly reportedWaiting: number;
  readonly reportedKvUsageRatio: number;
  readonly stamps: readonly number[];
}

interface AttemptState {
  readonly id: number;
  readonly worker: number;
  readonly startedAt: Micros;
  readonly bytesSent: boolean;
}

interface RequestSnapshot {
  readonly init: RequestInit;
  readonly arrivedAt: Micros;
  readonly deadlineAt: Micros;
  readonly attemptCount: number;
  readonly triedWorkers: readonly number[];
  readonly state: RequestState;
  readonly attempt: AttemptState | null;
  readonly lastFailure: AttemptResult | null;
  readonly usedTokens: number;
  readonly retryAfterUs: Micros;
  /** Infinity: it waits for nothing that ends by time. */
  readonly waitAt: Micros;
}

export interface GatewaySnapshot {
  readonly counts: GatewayCounts;
  readonly sums: GatewayParts<RequestInit>['sums'];
  readonly permits: number;
  readonly known: readonly number[];
  readonly workers: readonly WorkerState[];
  /** Oldest first. */
  readonly requests: readonly RequestSnapshot[];
  /** In their order. */
  readonly parked: readonly number[];
}

export function gatewaySnapshot<Init extends RequestInit>(parts: GatewayParts<Init>): GatewaySnapshot {
  const { counts, sums, entrance, fleet, roster, parked } = parts;
  return {
    counts: { ...counts },
    sums: { ...sums },
    permits: entrance.permits,
    known: [...fleet.known],
    workers: fleet.workers.map(workerState),
    requests: [...roster.values()].map(requestState),
    parked: [...parked.values()].map(({ id }) => id),
  };
}

/** Fills a core that has had no input. Its policies are restored by who made them. */
export function restoreGateway(parts: GatewayParts<RequestInit>, snapshot: GatewaySnapshot): void {
  const { counts, sums, entrance, fleet, roster, waits, parked } = parts;
  assert(counts.arrived === 0 && fleet.workers.length === 0, 'a core is restored that had inputs');
  Object.assign(counts, snapshot.counts);
  Object.assign(sums, snapshot.sums);
  entrance.restore(snapshot.permits);
  for (const [index, state] of snapshot.workers.entries()) fleet.workers.push(workerOf(index, state));
  fleet.restore(new Set(snapshot.known));
  for (const state of snapshot.requests) {
    const request = requestOf(state, fleet);
    roster.enter(request);
    waits.set(request, state.waitAt);
  }
  for (const id of snapshot.parked) parked.join(roster.known(id));
}

function workerState(worker: GatewayWorker): WorkerState {
  const { status, name, inFlight, inFlightTokens, reportedAt, stamps } = worker;
  const { reportedRunning, reportedWaiting, reportedKvUsageRatio } = worker;
  const reported = { reportedAt, reportedRunning, reportedWaiting, reportedKvUsageRatio };
  return { status, name, inFlight, inFlightTokens, ...reported, stamps: [...stamps] };
}

function workerOf(index: number, { stamps, ...state }: WorkerState): GatewayWorker {
  const worker = Object.assign(new GatewayWorker(index), state);
  for (const [rank, stamp] of stamps.entries()) worker.stamps[rank] = stamp;
  return worker;
}

function requestState(request: GatewayRequest): RequestSnapshot {
  const { arrivedAt, deadlineAt, attemptCount, triedWorkers, state, attempt, lastFailure } = request;
  return {
    init: initOf(request),
    ...{ arrivedAt, deadlineAt, attemptCount, triedWorkers: [...triedWorkers], state },
    attempt: attempt === undefined ? null : attemptState(attempt),
    lastFailure: lastFailure ?? null,
    usedTokens: request.usedTokens,
    retryAfterUs: request.retryAfterUs,
    waitAt: request.waitIndex < 0 ? Infinity : request.waitAt,
  };
}

/** What policies may know of it, as data of its own. */
function initOf({ init }: GatewayRequest): RequestInit {
  const { id, tenant, promptTokens, maxOutputTokens, prefixKey, blockHashes, blockTokens } = init;
  const { priority, routingKey, targetWorker } = init;
  const prompt = { promptTokens, maxOutputTokens, prefixKey, blockHashes: [...blockHashes], blockTokens };
  return { id, tenant, ...prompt, priority, routingKey, targetWorker };
}

function attemptState({ id, worker, startedAt, bytesSent }: Attempt): AttemptState {
  return { id, worker: worker.index, startedAt, bytesSent };
}

function requestOf(snapshot: RequestSnapshot, fleet: Fleet): GatewayRequest {
  const { init, arrivedAt, deadlineAt, attempt } = snapshot;
  const request = new GatewayRequest(init, arrivedAt, deadlineAt);
  request.attemptCount = snapshot.attemptCount;
  request.triedWorkers.push(...snapshot.triedWorkers);
  request.state = snapshot.state;
  request.lastFailure = snapshot.lastFailure ?? undefined;
  request.usedTokens = snapshot.usedTokens;
  request.retryAfterUs = snapshot.retryAfterUs;
  if (attempt === null) return request;
  const { id, worker, startedAt, bytesSent } = attempt;
  request.attempt = new Attempt(id, request, fleet.workers[worker] as GatewayWorker, startedAt);
  request.attempt.bytesSent = bytesSent;
  return request;
}

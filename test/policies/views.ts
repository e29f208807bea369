/** What policies are shown, with every field defaulted, for the tests of policies. */
import type { AttemptResult, LoadReport, RequestView, WorkerView } from '../../policies/types.ts';

export function requestView(fields: Partial<RequestView> = {}): RequestView {
  return {
    id: 0,
    tenant: '',
    arrivedAt: 0,
    deadlineAt: Infinity,
    promptTokens: 100,
    maxOutputTokens: 100,
    prefixKey: 0,
    blockHashes: [],
    blockTokens: 0,
    priority: 0,
    routingKey: '',
    targetWorker: '',
    attemptCount: 1,
    triedWorkers: [],
    ...fields,
  };
}

export function workerView(fields: Partial<WorkerView> = {}): WorkerView {
  return {
    index: 0,
    name: `worker-${fields.index ?? 0}`,
    status: 'ready',
    inFlight: 0,
    inFlightTokens: 0,
    reportedAt: -Infinity,
    reportedRunning: -1,
    reportedWaiting: -1,
    reportedKvUsageRatio: -1,
    ...fields,
  };
}

export function loadReport(fields: Partial<LoadReport> = {}): LoadReport {
  return {
    running: -1,
    waiting: -1,
    kvUsedBlocks: -1,
    kvTotalBlocks: -1,
    decodeBlocks: -1,
    prefillTokens: -1,
    maxBatchedTokens: -1,
    maxRunning: -1,
    generatedTokensPerSec: -1,
    ...fields,
  };
}

export function attemptResult(fields: Partial<AttemptResult> = {}): AttemptResult {
  return { outcome: 'failed', status: 500, retryAfterUs: -1, bytesSent: false, ...fields };
}

/** A stream that answers the given draws, then fails. */
export function scripted(...draws: number[]): () => number {
  return () => {
    const draw = draws.shift();
    if (draw === undefined) throw new Error('no draw left');
    return draw;
  };
}

/** Hand-made records, facts and results for the tests of results and reports. */
import type { RequestRecord } from '../../src/results/record.ts';
import { Recorder } from '../../src/results/recorder.ts';
import { buildResult } from '../../src/results/result.ts';
import type { RunResult } from '../../src/results/result.ts';
import type { RunFacts, WorkerFacts } from '../../src/results/run-facts.ts';
import { WindowTallies } from '../../src/results/windows.ts';

/** Sent at 0, arrived at 1 ms, started at 3 ms, first token at 101 ms, 11 tokens until 201 ms. */
export function recordOf(fields: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: 0,
    tenant: '',
    row: -1,
    column: '',
    promptTokens: 100,
    maxOutputTokens: 16,
    outputTokens: 11,
    cachedTokens: 0,
    sentAt: 0,
    arrivedAt: 1_000,
    startedAt: 3_000,
    firstTokenAt: 101_000,
    finishedAt: 201_000,
    attempts: 1,
    worker: 0,
    reason: 'ok',
    cause: 'none',
    status: 0,
    ...fields,
  };
}

export const WORKER: WorkerFacts = {
  index: 0,
  kvTotalBlocks: 100,
  kvUtilizationMean: 0.25,
  kvUtilizationMax: 0.75,
  runningMean: 1.5,
  waitingMean: 0.125,
  busyRatio: 0.5,
  iterations: 4000,
  preemptions: 3,
  prefixHitTokens: 40,
  promptTokens: 160,
  generatedTokens: 70,
  recomputedTokens: 9,
};

export const FACTS: RunFacts = {
  scenario: 'example',
  scenarioHash: 'c0ffee00c0ffee00',
  variant: 'baseline',
  seed: 42,
  digest: '0123456789abcdef',
  digestEntries: 12_345,
  events: 67_890,
  simulatedUs: 2_500_000,
  held: { 'gateway.waiting': 0, 'gateway.leases': 0 },
  workers: [WORKER],
  faults: [{ name: 'flapping', kind: 'crash', active: true, windows: 7 }],
  policies: { router: { kind: 'p2c' }, timeouts: { requestUs: 5_000_000, workerUs: Infinity }, gates: [{ max: 3 }] },
};

/** A run of everything: ok, retried, salvaged and failed requests, a dataset, waste. */
export function richResult(facts: Partial<RunFacts> = {}): RunResult {
  const recorder = new Recorder({ ttftUs: 200_000, tpotUs: 20_000, e2eUs: Infinity });
  for (let request = 0; request < 5; request++) recorder.sent(request * 1_000);
  recorder.request(recordOf(), false);
  recorder.request(recordOf({ id: 1, attempts: 2, firstTokenAt: 301_000, finishedAt: 401_000 }), false);
  recorder.request(recordOf({ id: 2, attempts: 1 }), true);
  recorder.request(recordOf({ id: 3, startedAt: -1, firstTokenAt: -1, reason: 'shed', cause: 'queue-timeout' }), false);
  recorder.request(recordOf({ id: 4, reason: 'failed', cause: 'upstream', status: 503 }), false);
  for (const outcome of ['ok', 'failed', 'ok', 'ok', 'refused'] as const) recorder.attempt(outcome);
  recorder.wasted('failed', 100, 3);
  recorder.iteration(10_000, 30);
  const rows = {
    total: 10,
    completed: 9,
    dropped: 1,
    deferredCount: 4,
    preservedCount: 1,
    salvageRounds: 2,
    tasksStarted: 22,
    admissionTimeouts: 3,
    waitersMax: 5,
    reasons: { upstream: 1 },
  };
  const windows = new WindowTallies([{ name: 'all', from: 0, to: 1e6 }], recorder.slo);
  windows.request(recordOf());
  const clients = { asked: 5, sends: 5, ok: 3, gaveUp: 2 };
  const levels = { levelBefore: 1, levelAfter: 1, amplificationAfter: 1 };
  const recovery = { verdict: 'recovered', clearedAt: 1e6, recoveredUs: 2e6, ...levels } as const;
  return buildResult(recorder, { ...FACTS, rows, clients, windows: windows.results(), recovery, ...facts });
}

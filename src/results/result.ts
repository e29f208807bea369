/**
 * The result document of one run: `result.json`, and what reports, comparisons and a scenario's `expect` read.
 * Plain JSON in a fixed order of keys, so that equal runs give equal bytes; `host`, which the command line adds
 * last, is the only part that may differ between them. `result-fields.ts` says what each field means; names shared
 * with `vllm bench serve` mean the same there. Null is a number that does not exist: a mean of nothing, a rate over
 * no time.
 */
import { ATTEMPT_OUTCOMES, REQUEST_OUTCOMES, WASTE_CAUSES } from './outcome.ts';
import type { RequestOutcome, WasteCause } from './outcome.ts';
import type { AttemptOutcome } from '../../policies/types.ts';
import { byName, plainObject } from './plain-json.ts';
import type { JsonObject } from './plain-json.ts';
import type { Recorder, Slo } from './recorder.ts';
import type { FaultSiteFacts, RecoveryFacts, RowFacts, RunFacts, WorkerFacts } from './run-facts.ts';
import { STATISTIC_NAMES, statistic } from './statistics.ts';
import type { PercentileMethod, StatisticName, Statistics } from './statistics.ts';
import type { WindowResult } from './windows.ts';

/** Latencies of which every statistic is a field of its own, as in vLLM. */
export const LATENCY_NAMES = ['ttft', 'tpot', 'itl', 'e2el'] as const;
export type LatencyName = (typeof LATENCY_NAMES)[number];
export type LatencyField = `${StatisticName}_${LatencyName}_ms`;

export interface WorkerResult {
  readonly index: number;
  readonly kv_utilization_mean: number | null;
  readonly kv_utilization_max: number | null;
  readonly running_mean: number;
  readonly waiting_mean: number;
  readonly busy_fraction: number;
  readonly iterations: number;
  readonly preemptions: number;
  readonly prefix_hit_tokens: number;
  readonly prompt_tokens: number;
  readonly generated_tokens: number;
  readonly recomputed_tokens: number;
}

export interface RowsResult {
  readonly total: number;
  readonly completed: number;
  readonly dropped: number;
  readonly deferred_count: number;
  readonly preserved_count: number;
  readonly salvage_rounds: number;
  readonly tasks_started: number;
  readonly admission_timeouts: number;
  readonly waiters_max: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export interface ClientsResult {
  readonly asked: number;
  readonly sends: number;
  readonly ok: number;
  readonly gave_up: number;
  readonly ok_fraction: number | null;
  readonly amplification: number | null;
}

export interface TargetResult {
  readonly url: string;
  readonly late_p99_ms: number | null;
  readonly late_max_ms: number | null;
}

export interface RecoveryResult {
  readonly verdict: RecoveryFacts['verdict'];
  readonly cleared_seconds: number;
  readonly recovered_seconds: number | null;
  readonly level_before: number;
  readonly level_after: number;
  readonly amplification_after: number;
}

/** Of the machine that ran it; added by the command line, left out when results are compared byte by byte. */
export interface HostResult {
  readonly nodeVersion: string;
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

export interface RunResult extends Readonly<Record<LatencyField, number | null>> {
  readonly scenario: string;
  readonly scenario_hash: string;
  readonly variant: string;
  readonly seed: number;
  readonly digest: string;
  readonly digest_entries: number;
  readonly events: number;
  readonly simulated_seconds: number;
  /** Absent: a simulated run. */
  readonly target?: TargetResult;
  readonly slo: { readonly ttft_ms: number | null; readonly tpot_ms: number | null; readonly e2el_ms: number | null };
  readonly percentile_method: Readonly<Record<LatencyName | 'gateway_queue', PercentileMethod>>;
  readonly offered: number;
  readonly completed: number;
  readonly failed: number;
  readonly outcomes: Readonly<Record<RequestOutcome, number>>;
  readonly attempts: number;
  readonly amplification: number | null;
  readonly attempt_outcomes: Readonly<Record<AttemptOutcome, number>>;
  readonly good_request_fraction: number | null;
  readonly duration: number | null;
  readonly total_input_tokens: number;
  readonly total_output_tokens: number;
  readonly request_throughput: number | null;
  readonly request_goodput: number | null;
  readonly output_throughput: number | null;
  readonly total_token_throughput: number | null;
  readonly gateway_queue_ms: Readonly<Record<StatisticName, number | null>>;
  readonly wasted_tokens: Readonly<Record<WasteCause | 'prefill' | 'decode' | 'total', number>>;
  readonly rows?: RowsResult;
  /** Absent when clients send once. */
  readonly clients?: ClientsResult;
  /** By name; absent when the scenario has none. */
  readonly windows?: Readonly<Record<string, WindowResult>>;
  /** Absent when the scenario does not ask for it. */
  readonly recovery?: RecoveryResult;
  readonly held: Readonly<Record<string, number>>;
  readonly kv_utilization: number | null;
  readonly preemptions: number;
  readonly prefix_hit_tokens: number;
  readonly prefix_hit_ratio: number | null;
  readonly workers: readonly WorkerResult[];
  /** Absent when the scenario has none. */
  readonly faults?: readonly FaultSiteFacts[];
  readonly policies: JsonObject;
  readonly host?: HostResult;
}

const US_PER_MS = 1_000;
const US_PER_SEC = 1_000_000;

/** The document of the run that `recorder` counted. `host` is left to the command line. */
export function buildResult(recorder: Recorder, facts: RunFacts): RunResult {
  return {
    scenario: facts.scenario,
    scenario_hash: facts.scenarioHash,
    variant: facts.variant,
    seed: facts.seed,
    digest: facts.digest,
    digest_entries: facts.digestEntries,
    events: facts.events,
    simulated_seconds: facts.simulatedUs / US_PER_SEC,
    ...targetFields(facts),
    slo: sloFields(recorder.slo),
    percentile_method: methodFields(recorder),
    ...requestFields(recorder),
    ...rateFields(recorder),
    ...latencyFields(recorder),
    gateway_queue_ms: statisticsInMs(recorder.latencies.gatewayQueue),
    wasted_tokens: ordered([...WASTE_CAUSES, 'prefill', 'decode', 'total'], recorder.wastedTokens()),
    ...(facts.rows === undefined ? {} : { rows: rowFields(facts.rows) }),
    ...clientFields(recorder, facts),
    ...windowFields(facts),
    ...(facts.recovery === undefined ? {} : { recovery: recoveryFields(facts.recovery) }),
    held: byName(facts.held),
    ...fleetFields(facts.workers),
    workers: facts.workers.map(workerFields),
    ...faultFields(facts.faults ?? []),
    policies: plainObject(facts.policies),
  };
}

function targetFields({ target }: RunFacts): Pick<RunResult, 'target'> {
  if (target === undefined) return {};
  const inMs = (us: number | null): number | null => (us === null ? null : us / US_PER_MS);
  return { target: { url: target.url, late_p99_ms: inMs(target.lateP99Us), late_max_ms: inMs(target.lateMaxUs) } };
}

function sloFields(slo: Slo): RunResult['slo'] {
  const inMs = (us: number): number | null => (us === Infinity ? null : us / US_PER_MS);
  return { ttft_ms: inMs(slo.ttftUs), tpot_ms: inMs(slo.tpotUs), e2el_ms: inMs(slo.e2eUs) };
}

function methodFields({ latencies }: Recorder): RunResult['percentile_method'] {
  return {
    ttft: latencies.ttft.method,
    tpot: latencies.tpot.method,
    itl: latencies.itl.method,
    e2el: latencies.e2el.method,
    gateway_queue: latencies.gatewayQueue.method,
  };
}

function requestFields(recorder: Recorder) {
  return {
    offered: recorder.offered,
    completed: recorder.completed,
    failed: recorder.finished - recorder.completed,
    outcomes: ordered(REQUEST_OUTCOMES, recorder.outcomes()),
    attempts: recorder.attempts,
    amplification: ratio(recorder.attempts, recorder.offered),
    attempt_outcomes: ordered(ATTEMPT_OUTCOMES, recorder.attemptOutcomes()),
    good_request_fraction: ratio(recorder.good, recorder.offered),
  };
}

function rateFields(recorder: Recorder) {
  const { inputTokens, outputTokens, durationUs } = recorder;
  const seconds = durationUs === null ? null : durationUs / US_PER_SEC;
  return {
    duration: seconds,
    total_input_tokens: inputTokens,
    total_output_tokens: outputTokens,
    request_throughput: ratio(recorder.completed, seconds),
    request_goodput: ratio(recorder.good, seconds),
    output_throughput: ratio(outputTokens, seconds),
    total_token_throughput: ratio(inputTokens + outputTokens, seconds),
  };
}

function latencyFields({ latencies }: Recorder): Record<LatencyField, number | null> {
  const fields: Partial<Record<LatencyField, number | null>> = {};
  for (const latency of LATENCY_NAMES) {
    const inMs = statisticsInMs(latencies[latency]);
    for (const name of STATISTIC_NAMES) fields[`${name}_${latency}_ms`] = inMs[name];
  }
  return fields as Record<LatencyField, number | null>;
}

function statisticsInMs(of: Statistics): Record<StatisticName, number | null> {
  const fields: Partial<Record<StatisticName, number | null>> = {};
  for (const name of STATISTIC_NAMES) {
    const us = statistic(of, name);
    fields[name] = us === null ? null : us / US_PER_MS;
  }
  return fields as Record<StatisticName, number | null>;
}

function rowFields(rows: RowFacts): RowsResult {
  return {
    total: rows.total,
    completed: rows.completed,
    dropped: rows.dropped,
    deferred_count: rows.deferredCount,
    preserved_count: rows.preservedCount,
    salvage_rounds: rows.salvageRounds,
    tasks_started: rows.tasksStarted,
    admission_timeouts: rows.admissionTimeouts,
    waiters_max: rows.waitersMax,
    reasons: byName(rows.reasons),
  };
}

function clientFields(recorder: Recorder, { clients }: RunFacts): Pick<RunResult, 'clients'> {
  if (clients === undefined) return {};
  const { asked, sends, ok, gaveUp } = clients;
  const fractions = { ok_fraction: ratio(ok, asked), amplification: ratio(recorder.attempts, asked) };
  return { clients: { asked, sends, ok, gave_up: gaveUp, ...fractions } };
}

function windowFields({ windows = {} }: RunFacts): Pick<RunResult, 'windows'> {
  return Object.keys(windows).length === 0 ? {} : { windows };
}

function recoveryFields(facts: RecoveryFacts): RecoveryResult {
  return {
    verdict: facts.verdict,
    cleared_seconds: facts.clearedAt / US_PER_SEC,
    recovered_seconds: facts.recoveredUs === Infinity ? null : facts.recoveredUs / US_PER_SEC,
    level_before: facts.levelBefore,
    level_after: facts.levelAfter,
    amplification_after: facts.amplificationAfter,
  };
}

function workerFields(worker: WorkerFacts): WorkerResult {
  const hasKv = worker.kvTotalBlocks > 0;
  return {
    index: worker.index,
    kv_utilization_mean: hasKv ? worker.kvUtilizationMean : null,
    kv_utilization_max: hasKv ? worker.kvUtilizationMax : null,
    running_mean: worker.runningMean,
    waiting_mean: worker.waitingMean,
    busy_fraction: worker.busyRatio,
    iterations: worker.iterations,
    preemptions: worker.preemptions,
    prefix_hit_tokens: worker.prefixHitTokens,
    prompt_tokens: worker.promptTokens,
    generated_tokens: worker.generatedTokens,
    recomputed_tokens: worker.recomputedTokens,
  };
}

function faultFields(faults: readonly FaultSiteFacts[]): Pick<RunResult, 'faults'> {
  if (faults.length === 0) return {};
  return { faults: faults.map(({ name, kind, active, windows }) => ({ name, kind, active, windows })) };
}

function fleetFields(workers: readonly WorkerFacts[]) {
  const total = (of: (worker: WorkerFacts) => number): number => workers.reduce((sum, it) => sum + of(it), 0);
  const blocks = total((worker) => worker.kvTotalBlocks);
  const hits = total((worker) => worker.prefixHitTokens);
  return {
    kv_utilization: ratio(
      total((worker) => worker.kvUtilizationMean * worker.kvTotalBlocks),
      blocks,
    ),
    preemptions: total((worker) => worker.preemptions),
    prefix_hit_tokens: hits,
    prefix_hit_ratio: ratio(
      hits,
      total((worker) => worker.promptTokens),
    ),
  };
}

/** Null over nothing and over no time. */
function ratio(part: number, whole: number | null): number | null {
  return whole === null || whole === 0 ? null : part / whole;
}

function ordered<K extends string>(names: readonly K[], counts: Readonly<Record<K, number>>): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, counts[name]])) as Record<K, number>;
}

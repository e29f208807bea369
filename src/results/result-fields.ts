/**
 * What every field of the result document means, by its path: `[]` stands for any index, `*` for any name.
 * A test holds this table and the document to each other; the reference page is made from it.
 */
import type { RequestOutcome } from './outcome.ts';
import { LATENCY_NAMES } from './result.ts';
import type { LatencyName } from './result.ts';
import { STATISTIC_NAMES } from './statistics.ts';
import type { StatisticName } from './statistics.ts';

export interface FieldDoc {
  /** Empty for text. */
  readonly unit: string;
  readonly meaning: string;
}

const STATISTIC_MEANING: Record<StatisticName, string> = {
  mean: 'mean',
  median: 'median (numpy linear interpolation, as all percentiles)',
  std: 'standard deviation of the population',
  min: 'smallest',
  max: 'largest',
  p75: '75th percentile',
  p90: '90th percentile',
  p95: '95th percentile',
  p99: '99th percentile',
  p99_9: '99.9th percentile',
};

const LATENCY_MEANING: Record<LatencyName, string> = {
  ttft: 'TTFT of ok requests: from leaving the client, once, to the first token there',
  tpot: 'TPOT of ok requests of 2 or more output tokens: (E2E − TTFT) ÷ (tokens − 1)',
  itl: 'gap between successive tokens, pooled over all gaps of all requests at the engines',
  e2el: 'E2E of ok requests: from leaving the client to the last token there',
};

const OUTCOME_MEANING: Record<RequestOutcome, string> = {
  ok: 'ok at the first attempt',
  ok_after_retry: 'ok after more than one attempt of the gateway',
  ok_salvaged: "ok when a dataset's deferred call was tried again",
  shed_queue_full: 'turned away by a full gateway queue',
  queue_timeout: 'waited in the gateway queue until its wait expired',
  shed_other: 'turned away by the gateway for another cause: no worker, all busy, rate limit, preempted',
  client_timeout: 'the client left before the end',
  deadline: 'the deadline of the request passed',
  failed: 'the last attempt failed or timed out and there was no other',
  cancelled: 'cancelled, not by its client',
  unfinished: 'still in flight when the run ended early',
};

function field(unit: string, meaning: string): FieldDoc {
  return { unit, meaning };
}

function prefixed(prefix: string, docs: Readonly<Record<string, FieldDoc>>): Record<string, FieldDoc> {
  return Object.fromEntries(Object.entries(docs).map(([name, doc]) => [prefix + name, doc]));
}

const RUN: Record<string, FieldDoc> = {
  scenario: field('', 'name of the scenario'),
  scenario_hash: field('', 'hash of the scenario as checked'),
  variant: field('', 'name of the variant of policies'),
  seed: field('', 'root of every random stream'),
  digest: field('', 'fingerprint of core inputs, effects and token times, in order'),
  digest_entries: field('count', 'entries that the digest holds'),
  events: field('count', 'kernel events handled'),
  simulated_seconds: field('s', 'virtual time at which the run ended; of a load on a real endpoint, real time'),
  'target.url': field('', 'the endpoint that was driven; target is absent in simulated runs'),
  'target.late_p99_ms': field('ms', '99th percentile of how much later than intended requests left the client'),
  'target.late_max_ms': field('ms', 'largest of these: how far the client itself fell behind'),
  'slo.ttft_ms': field('ms', 'TTFT that a good request may have; null: not asked'),
  'slo.tpot_ms': field('ms', 'TPOT that a good request may have; null: not asked'),
  'slo.e2el_ms': field('ms', 'E2E that a good request may have; null: not asked'),
  'percentile_method.*': field('', '`exact`: of all values; `histogram`: within 2^-11 of the value'),
};

const REQUESTS: Record<string, FieldDoc> = {
  offered: field('requests', 'logical requests that left a client; retries are none'),
  completed: field('requests', 'requests that ended ok'),
  failed: field('requests', 'requests that ended otherwise than ok; all of them, unlike outcomes.failed'),
  ...prefixed(
    'outcomes.',
    Object.fromEntries(
      Object.entries(OUTCOME_MEANING).map(([name, meaning]) => [
        name,
        field('requests', `${meaning}; outcomes sum to offered`),
      ]),
    ),
  ),
  attempts: field('attempts', 'attempts that ended'),
  amplification: field('ratio', 'attempts ÷ offered'),
  'attempt_outcomes.ok': field('attempts', 'the reply came whole'),
  'attempt_outcomes.refused': field('attempts', 'the worker turned it away (429, 503)'),
  'attempt_outcomes.failed': field('attempts', 'the worker failed or the connection broke'),
  'attempt_outcomes.timeout': field('attempts', 'the attempt passed its own time limit'),
  'attempt_outcomes.cancelled': field('attempts', 'the gateway gave it up; no evidence about the worker'),
  good_request_fraction: field('ratio', 'ok requests within every objective ÷ offered; errors count against'),
  duration: field('s', 'first request sent to last request over, ok or not'),
  total_input_tokens: field('tokens', 'prompt tokens of ok requests'),
  total_output_tokens: field('tokens', 'tokens that clients of ok requests got'),
  request_throughput: field('requests/s', 'completed ÷ duration'),
  request_goodput: field('requests/s', 'ok requests within every objective ÷ duration (a 1-token reply: TPOT 0)'),
  output_throughput: field('tokens/s', 'total_output_tokens ÷ duration'),
  total_token_throughput: field('tokens/s', '(total_input_tokens + total_output_tokens) ÷ duration'),
};

const QUEUE_MEANING = 'arrival at the gateway to first attempt, of requests that got one, ok or not';

const LATENCIES: Record<string, FieldDoc> = {
  ...Object.fromEntries(
    LATENCY_NAMES.flatMap((latency) =>
      STATISTIC_NAMES.map((name) => [
        `${name}_${latency}_ms`,
        field('ms', `${STATISTIC_MEANING[name]}: ${LATENCY_MEANING[latency]}`),
      ]),
    ),
  ),
  ...Object.fromEntries(
    STATISTIC_NAMES.map((name) => [
      `gateway_queue_ms.${name}`,
      field('ms', `${STATISTIC_MEANING[name]}: ${QUEUE_MEANING}`),
    ]),
  ),
};

const WASTE: Record<string, FieldDoc> = {
  timeout: field('tokens', 'computed in attempts that timed out, prefill and decode'),
  failed: field('tokens', 'computed in attempts that failed, prefill and decode'),
  cancelled: field('tokens', 'computed in attempts that were cancelled, prefill and decode'),
  crash: field('tokens', 'computed in attempts that a crash of the worker ended, prefill and decode'),
  preempt: field('tokens', 'computed again after the engine evicted a running sequence'),
  prefill: field('tokens', 'prefill share of the total'),
  decode: field('tokens', 'decode share of the total'),
  total: field('tokens', 'sum over the causes; computed for nobody'),
};

const ROWS: Record<string, FieldDoc> = {
  total: field('rows', 'rows of the dataset'),
  completed: field('rows', 'rows of which every column was generated'),
  dropped: field('rows', 'rows lost'),
  deferred_count: field('tasks', 'times a task was deferred after a failure'),
  preserved_count: field('tasks', 'times a deferred task was kept for another cycle'),
  salvage_rounds: field('count', 'salvage rounds run'),
  tasks_started: field('tasks', 'starts of tasks, again after a deferral included'),
  admission_timeouts: field('calls', 'calls that waited too long for request admission and were never sent'),
  waiters_max: field('calls', 'most that waited for request admission at once, as the scheduler samples it'),
  'reasons.*': field('rows', 'rows lost, by reason; a reason that never came is absent and counts 0'),
};

const CLIENTS: Record<string, FieldDoc> = {
  asked: field('requests', 'different things that clients asked; clients are absent where each sends once'),
  sends: field('requests', 'how often they sent them: offered'),
  ok: field('requests', 'asks that ended ok, at whichever send'),
  gave_up: field('requests', 'asks that their client gave up'),
  ok_fraction: field('ratio', 'ok ÷ asked'),
  amplification: field('ratio', 'attempts at workers ÷ asked: all layers of retries together'),
};

const WINDOW: Record<string, FieldDoc> = {
  offered: field('requests', 'sent in the window'),
  completed: field('requests', 'of these, ended ok'),
  failed: field('requests', 'of these, ended otherwise'),
  good_request_fraction: field('ratio', 'of these, ok within every objective'),
  request_goodput: field('requests/s', 'of these, ok within every objective ÷ length of the window'),
  attempts: field('attempts', 'of these'),
  amplification: field('ratio', 'attempts ÷ offered'),
  in_flight_mean: field('requests', 'sent and not over for their client, time-weighted over the window, whenever sent'),
  granted_mean: field('requests', 'of in_flight_mean, those whose first attempt had been granted'),
  median_ttft_ms: field('ms', 'median TTFT of those that ended ok'),
  p99_ttft_ms: field('ms', '99th percentile TTFT of those that ended ok'),
  median_e2el_ms: field('ms', 'median E2E of those that ended ok'),
  p99_e2el_ms: field('ms', '99th percentile E2E of those that ended ok'),
  max_e2el_ms: field('ms', 'largest E2E of those that ended ok'),
};

const RECOVERY: Record<string, FieldDoc> = {
  verdict: field('', 'recovered, metastable, or undecided; absent where the scenario does not ask'),
  cleared_seconds: field('s', 'when the last trouble was over'),
  recovered_seconds: field('s', 'from then until goodput was back for good; null: not by the end'),
  level_before: field('ratio', 'good requests of those sent before the trouble'),
  level_after: field('ratio', 'good requests of those sent after it'),
  amplification_after: field('ratio', 'attempts per request sent after it'),
};

const WORKER: Record<string, FieldDoc> = {
  index: field('', 'the worker'),
  kv_utilization_mean: field('ratio', 'KV blocks used ÷ all, time-weighted; null: it has no KV cache'),
  kv_utilization_max: field('ratio', 'largest KV blocks used ÷ all; null: it has no KV cache'),
  running_mean: field('requests', 'in the batch, time-weighted'),
  waiting_mean: field('requests', "in the engine's queue, time-weighted"),
  busy_fraction: field('ratio', 'share of the run in which a step was under way'),
  iterations: field('count', 'engine steps'),
  preemptions: field('count', 'running sequences evicted to be computed again'),
  prefix_hit_tokens: field('tokens', 'prompt tokens found in the prefix cache'),
  prompt_tokens: field('tokens', 'prompt tokens scheduled, hits too'),
  generated_tokens: field('tokens', 'output tokens generated, whoever got them'),
  recomputed_tokens: field('tokens', 'tokens computed again after preemptions'),
};

const FAULT: Record<string, FieldDoc> = {
  name: field(
    '',
    'name of the fault, or its kind and place in the list; faults are absent where the scenario has none',
  ),
  kind: field('', 'its kind'),
  active: field('', 'whether it is there in this run'),
  windows: field('count', 'windows planned for the seed, one for each begin and worker'),
};

/** In the order of the document. `scenarios/README.md` lists them. */
export const RESULT_FIELDS: Readonly<Record<string, FieldDoc>> = {
  ...RUN,
  ...REQUESTS,
  ...LATENCIES,
  ...prefixed('wasted_tokens.', WASTE),
  ...prefixed('rows.', ROWS),
  ...prefixed('clients.', CLIENTS),
  ...prefixed('windows.*.', WINDOW),
  ...prefixed('recovery.', RECOVERY),
  'held.*': field('count', 'what a keeper, worker or KV pool still holds at the end; 0 after a drained run'),
  kv_utilization: field('ratio', 'mean of the workers’ time-weighted means, weighted by their KV blocks'),
  preemptions: field('count', 'running sequences evicted, all workers'),
  prefix_hit_tokens: field('tokens', 'prompt tokens found in prefix caches, all workers'),
  prefix_hit_ratio: field('ratio', 'prefix_hit_tokens ÷ prompt tokens scheduled, all workers'),
  ...prefixed('workers[].', WORKER),
  ...prefixed('faults[].', FAULT),
  'policies.*': field('', 'parameters of the policies as configured; null: no bound; instants and durations as named'),
  'host.nodeVersion': field('', 'Node that ran it; not compared'),
  'host.cpuSeconds': field('s', 'processor time of the run; not compared'),
  'host.rssMb': field('MB', 'largest resident memory so far; not compared'),
};

const WILD = Object.keys(RESULT_FIELDS).filter((name) => name.endsWith('.*'));

/** The name under which the table may have `path`. */
export function fieldName(path: string): string {
  return path.replace(/\[\d+\]/g, '[]').replace(/^windows\.[^.]+\./, 'windows.*.');
}

/** What the value at `path` means; undefined for a path that no result can have. */
export function fieldDoc(path: string): FieldDoc | undefined {
  const name = fieldName(path);
  if (Object.hasOwn(RESULT_FIELDS, name)) return RESULT_FIELDS[name];
  const wild = WILD.find((it) => name.startsWith(it.slice(0, -1)) && name.length >= it.length);
  return wild === undefined ? undefined : RESULT_FIELDS[wild];
}

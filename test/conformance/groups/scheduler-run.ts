/** Replays one recorded run of upstream's scheduler on the dataset core with the policies of its variant. */
import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import { requestAdmission } from '../../../policies/admission/request-admission.ts';
import type { AdmissionEvent, Resource } from '../../../policies/admission/types.ts';
import { datadesigner } from '../../../policies/retry/datadesigner.ts';
import { type ErrorKind, failureOfKind, releaseOutcomeOfKind } from '../../../policies/salvage/classify.ts';
import { rounds } from '../../../policies/salvage/rounds.ts';
import { boundedBorrow } from '../../../policies/task/task-scheduling.ts';
import { DatasetCore } from '../../../src/dataset/dataset-core.ts';
import type { DatasetEventKind } from '../../../src/dataset/events.ts';
import { DATASET_SETTINGS } from '../../../src/dataset/settings.ts';
import type { Call, CallResult, DatasetEffect, DatasetPlan, Task } from '../../../src/dataset/types.ts';
import { DatasetHost } from '../../harness/dataset-host.ts';
import type { Outcome, RunLine, Scenario, Step } from './scheduler-records.ts';

const US = 1e6;
const TICK = 1 / 65536;
const POLL_US = 50_000;
const snake = (text: string) => text.replaceAll('-', '_');

/** Upstream's exception of each failure. */
const ERROR_OF: Readonly<Record<string, string>> = {
  rate_limit: 'ModelRateLimitError',
  api_connection: 'ModelAPIConnectionError',
  not_found: 'ModelNotFoundError',
  quota_exceeded: 'ModelQuotaExceededError',
  timeout: 'ModelTimeoutError',
  internal_server: 'ModelInternalServerError',
  api_error: 'ModelAPIError',
  authentication: 'ModelAuthenticationError',
  bad_request: 'ModelBadRequestError',
  unprocessable_entity: 'ModelUnprocessableEntityError',
  user: 'DataDesignerError',
};

const WAIT_ENDS = new Set(['wait-completed', 'wait-timeout', 'wait-cancelled']);

type Attempt = readonly [from: number, to: number, column: string, group: number, row: number, n: number, how: string];

export class SchedulerRun {
  readonly #line: RunLine;
  readonly #scenario: Scenario;
  readonly #admission: AdaptiveAdmission;
  readonly #core: DatasetCore;
  readonly #host: DatasetHost;
  /** Rows of the groups before, by group. */
  readonly #rowsBefore = new Map<number, number>();
  readonly #rows: unknown[] = [];
  readonly #attempts: Attempt[] = [];
  readonly #dispatches: unknown[] = [];
  readonly #startedAt = new Map<number, number>();
  readonly #providerCalls = new Map<number, number>();
  readonly #endings = new Map<number, string>();
  readonly #waiting = new Map<string, number>();
  /** Of those who wait at request admission, by number of task. */
  readonly #deadlines = new Map<number, number>();
  readonly #unpolled: (readonly [item: number, resource: Resource])[] = [];
  readonly #requestEvents: Record<string, number> = {};
  #counts = { waitersMax: 0, active: 0, activeMax: 0, ok: 0, requests: 0 };
  #reason = 'none';
  #endedAt = 0;

  constructor(line: RunLine) {
    this.#line = line;
    this.#scenario = line.scenario;
    const { scheduler } = line.scenario;
    let before = 0;
    for (const [id, rows] of line.scenario.row_groups) {
      this.#rowsBefore.set(id, before);
      before += rows;
    }
    const { policies, admission } = policiesOf(line, (event) => this.#requestEvent(event));
    this.#admission = admission;
    const shutdown = { errorRatio: scheduler.shutdown_error_rate, window: scheduler.shutdown_error_window };
    const settings = {
      ...DATASET_SETTINGS[line.variant],
      rowGroupsMax: scheduler.max_concurrent_row_groups,
      shutdown: scheduler.disable_early_shutdown ? undefined : shutdown,
    };
    const sink = (kind: DatasetEventKind, at: number, task: Task | undefined) => this.#note(kind, at, task);
    this.#core = new DatasetCore(planOf(line.scenario), settings, policies, sink);
    this.#host = new DatasetHost(
      this.#core,
      (effect) => this.#perform(effect),
      () => {
        for (const [item, resource] of this.#unpolled.splice(0)) this.#poll(item, resource);
      },
    );
  }

  run(): Outcome {
    this.#host.begin();
    this.#host.run();
    return {
      result: this.#result(),
      rows: this.#rows,
      attempts: this.#orderedAttempts(),
      dispatch_order: this.#dispatches,
      scheduler_event_counts: this.#schedulerEvents(),
      request_event_counts: this.#requestEventCounts(),
      final_request_state: this.#finalState(),
      retryable_outcome_counts: this.#outcomes(),
    };
  }

  #perform(effect: DatasetEffect): void {
    switch (effect.kind) {
      case 'startTask': {
        const { task } = effect;
        const delay = this.#index(task, task.starts - 1) * TICK;
        this.#host.after(delay * US, () => this.#core.ready(this.#host.now, task));
        return;
      }
      case 'call':
        this.#call(effect.call);
        return;
      case 'row':
        this.#rows.push([effect.group, effect.row, effect.result === 'completed' ? 'kept' : 'dropped']);
        return;
      case 'cancel':
        if (effect.call !== undefined) this.#counts.active--;
        return;
      case 'checkpoint':
        return;
      case 'done':
        this.#reason = effect.reason;
        this.#endedAt = this.#host.now;
        return;
      default:
        effect satisfies never;
    }
  }

  /** Upstream's waiters look again every 50 ms, at their deadline and when their resource's rest is over. */
  #poll(item: number, resource: Resource): void {
    const deadline = this.#deadlines.get(item);
    if (deadline === undefined) return;
    const { now } = this.#host;
    const resting = this.#admission.snapshot(now, resource)?.cooldownRemainingUs ?? 0;
    const delay = Math.min(POLL_US, deadline - now, resting > 0 ? resting : Infinity);
    const again = () => {
      if (this.#core.nextWakeAt() <= this.#host.now) this.#core.wake(this.#host.now);
      this.#poll(item, resource);
    };
    this.#host.after(delay, again, () => this.#deadlines.has(item));
  }

  #call(call: Call): void {
    const { task } = call;
    const column = this.#column(task);
    const j = this.#providerCalls.get(task.number) ?? 0;
    this.#providerCalls.set(task.number, j + 1);
    this.#counts.requests++;
    this.#counts.active++;
    this.#counts.activeMax = Math.max(this.#counts.activeMax, this.#counts.active);
    const latency = (this.#scenario.base_latency[column] ?? 0) + this.#index(task, j) * TICK;
    const step = this.#scenario.script[`${column}/${task.group}/${task.row}`]?.[j];
    this.#host.after(latency * US, () => {
      if (task.state === 'cancelled') return;
      this.#counts.active--;
      if (step === undefined) this.#counts.ok++;
      this.#endings.set(task.number, step === undefined ? 'ok' : errorOf(step));
      this.#core.end(this.#host.now, call, resultOf(step));
    });
  }

  #note(kind: DatasetEventKind, at: number, task: Task | undefined): void {
    if (task === undefined) return;
    if (kind === 'worker-spawned') this.#dispatches.push([at / US, this.#column(task), task.group, task.row]);
    if (kind === 'task-started') {
      this.#startedAt.set(task.number, at);
      this.#endings.delete(task.number);
    }
    const startedAt = this.#startedAt.get(task.number);
    if (startedAt === undefined || (kind !== 'task-completed' && kind !== 'cancelled')) return;
    this.#startedAt.delete(task.number);
    const how = kind === 'cancelled' ? 'cancelled' : (this.#endings.get(task.number) ?? 'admission_timeout');
    const { group, row, starts } = task;
    this.#attempts.push([startedAt / US, at / US, this.#column(task), group, row, starts - 1, how]);
  }

  #requestEvent({ kind, resource, item, at }: AdmissionEvent): void {
    if (kind === 'wait-started') {
      const timeout = this.#scenario.queue_wait_timeout;
      this.#deadlines.set(item, timeout === null ? Infinity : at + timeout * US);
      this.#unpolled.push([item, resource]);
    } else if (WAIT_ENDS.has(kind)) this.#deadlines.delete(item);
    const name = `request_${snake(kind)}`;
    this.#requestEvents[name] = (this.#requestEvents[name] ?? 0) + 1;
    const step = kind === 'wait-started' ? 1 : WAIT_ENDS.has(kind) ? -1 : 0;
    const waiting = (this.#waiting.get(resource.model) ?? 0) + step;
    this.#waiting.set(resource.model, waiting);
    this.#counts.waitersMax = Math.max(this.#counts.waitersMax, waiting);
  }

  #result(): Readonly<Record<string, unknown>> {
    const counts = this.#core.counts();
    const { events, maxima } = this.#core.observed();
    const { taskLeases, requestWaiters } = maxima;
    const leases = [...taskLeases].map(([resource, most]) => [resource.replace('llm-wait', 'llm_wait'), most]);
    const rows = this.#scenario.row_groups.reduce((sum, [, size]) => sum + size, 0);
    const timeouts = this.#attempts.filter(([, , , , , , how]) => how === 'admission_timeout').length;
    return {
      rows,
      completed: counts.rowsCompleted,
      dropped: counts.rowsDropped,
      unfinished: rows - counts.rowsCompleted - counts.rowsDropped,
      wait_timeouts: this.#requestEvents['request_wait_timeout'] ?? 0,
      admission_timeout_errors: timeouts,
      max_waiters_events: this.#counts.waitersMax,
      max_waiters_scheduler_observed: requestWaiters,
      max_task_leases: Object.fromEntries(leases),
      dispatches: events['worker-spawned'],
      model_calls: this.#counts.requests,
      ok_calls: this.#counts.ok,
      max_active_calls: this.#counts.activeMax,
      salvage_cycles: counts.salvageCycles,
      resalvage_waits: counts.pauses,
      early_shutdown: this.#reason === 'early-shutdown',
      elapsed: this.#endedAt / US,
      error: this.#reason === 'none' ? 'the run never ended' : null,
    };
  }

  /** Cancelled ones all end at one instant in arbitrary order: last, sorted. */
  #orderedAttempts(): readonly Attempt[] {
    const cancelled = this.#attempts.filter(([, , , , , , how]) => how === 'cancelled');
    const sorted = cancelled.sort((a, b) => a[0] - b[0] || (keyOf(a) < keyOf(b) ? -1 : 1));
    return [...this.#attempts.filter(([, , , , , , how]) => how !== 'cancelled'), ...sorted];
  }

  #schedulerEvents(): Readonly<Record<string, number>> {
    const counts = Object.entries(this.#core.observed().events).filter(([kind, n]) => n > 0 && kind !== 'task-started');
    return Object.fromEntries(counts.map(([kind, n]) => [snake(kind), n]));
  }

  /** The host's own events too: each call is one started and one completed. */
  #requestEventCounts(): Readonly<Record<string, number>> {
    const { requests } = this.#counts;
    return { ...this.#requestEvents, model_request_started: requests, model_request_completed: requests };
  }

  #finalState(): Readonly<Record<string, unknown>> {
    const state: Record<string, unknown> = {};
    for (const snapshot of this.#admission.snapshots(this.#host.now)) {
      const { resource, limit, inFlight, waiting, rateLimitCeiling, consecutiveRateLimits, lastOutcome } = snapshot;
      const last = lastOutcome === 'none' ? null : snake(lastOutcome);
      const fields = [limit, inFlight, waiting, rateLimitCeiling, consecutiveRateLimits, last];
      state[`${resource.provider}/${resource.model}`] = fields;
    }
    return state;
  }

  #outcomes(): Readonly<Record<string, number>> {
    if (this.#line.variant !== 'head') return {};
    return Object.fromEntries([...this.#core.observed().outcomes].map(([kind, n]) => [snake(kind), n]));
  }

  #column({ column }: Task): string {
    return this.#scenario.columns[column]?.name ?? `column ${column}`;
  }

  #index({ group, row, column }: Task, j: number): number {
    const globalRow = (this.#rowsBefore.get(group) ?? 0) + row;
    return (globalRow * this.#scenario.columns.length + column) * 16 + Math.min(j, 15);
  }
}

function keyOf([, , column, group, row]: Attempt): string {
  return [column, group, row].join(' ');
}

function errorOf([kind]: Step): string {
  return ERROR_OF[kind] ?? `unknown kind ${kind}`;
}

function resultOf(step: Step | undefined): CallResult {
  if (step === undefined) return { failure: undefined, outcome: 'success', retryAfterUs: -1 };
  const [name, status, retryAfter] = step;
  const retryAfterUs = (retryAfter ?? -1 / US) * US;
  if (name === 'user') {
    const failure = { reason: 'failed', cause: 'upstream', status: 400 } as const;
    return { failure, outcome: 'unexpected-exception', retryAfterUs };
  }
  const kind = name.replaceAll('_', '-') as ErrorKind;
  const failure = failureOfKind(kind);
  const outcome = releaseOutcomeOfKind(kind);
  return { failure: { ...failure, status: status ?? failure.status }, outcome, retryAfterUs };
}

function planOf({ columns, row_groups, caps, queue_wait_timeout }: Scenario): DatasetPlan {
  return {
    columns: columns.map(({ name, provider, model, weight, deps }) => ({
      name,
      dependsOn: deps,
      generator: { kind: 'model', identity: [provider, model, 'chat'], weight, columns: [name] },
      extent: 'cells',
      prepares: queue_wait_timeout !== null,
    })),
    rowGroups: row_groups.map(([id, rows]) => ({ id, rows })),
    endpoints: caps.map(([provider, model, limit]) => ({ provider, model, alias: model, limit })),
  };
}

function policiesOf({ variant, scenario }: RunLine, sink: (event: AdmissionEvent) => void) {
  const { scheduler, queue_wait_timeout, cooldown_seconds, executor_max_retries } = scenario;
  const head = requestAdmission.config.parse({ name: 'aimd', ...requestAdmission.variants['datadesigner-head'] });
  const waitTimeout = queue_wait_timeout === null ? Infinity : queue_wait_timeout * US;
  const admission = new AdaptiveAdmission({ ...head, waitTimeout, cooldown: cooldown_seconds * US }, { sink });
  const limits = { submission: scheduler.max_in_flight_tasks, llmWait: scheduler.max_model_task_admission };
  const taskConfig = { name: 'bounded-borrow', ...boundedBorrow.variants[variant], ...limits };
  const tasks = boundedBorrow.make(boundedBorrow.config.parse(taskConfig), { rng: () => 0 });
  const initialBackoff = `${scenario.executor_backoff_factor}s`;
  const retryConfig = { name: 'datadesigner', maxAttempts: executor_max_retries + 1, initialBackoff };
  const retry = datadesigner.make(datadesigner.config.parse(retryConfig), { rng: () => 0 });
  const salvageConfig = { name: 'rounds', ...rounds.variants[variant], roundsMax: scheduler.salvage_max_rounds };
  const salvage = rounds.make(rounds.config.parse(salvageConfig), { rng: () => 0 });
  return { admission, policies: { admission, tasks, retry, salvage } };
}

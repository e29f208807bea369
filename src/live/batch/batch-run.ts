/**
 * The host of a batch: the dataset core live, its calls requests of a gateway core, their attempts on the wire, its
 * rows lines in the ledger. A batch is a dataset of one column, one row a line. Nothing is decided here; what starts,
 * what is called, what is tried again and what is given up is the policies' business.
 *
 * When results come faster than the disk takes them, calls wait here; so they do after an interrupt, until what runs
 * has ended or its time is over. A row that no policy gave up is still to do, whatever ends the run.
 */
import type { PolicyEntry } from '../../../policies/entry.ts';
import { makeBatchPolicies } from '../../../policies/index.ts';
import type { FinishCause, FinishReason } from '../../../policies/types.ts';
import { DatasetCore } from '../../dataset/dataset-core.ts';
import { DATASET_SETTINGS } from '../../dataset/settings.ts';
import type { Call, DatasetEffect, DatasetPlan, DoneReason } from '../../dataset/types.ts';
import { stream } from '../../kernel/rng.ts';
import type { Deadline } from '../agenda.ts';
import { LiveClock } from '../clock.ts';
import { GatewayHost } from '../core/gateway-host.ts';
import { GatewayMachine } from '../core/gateway-machine.ts';
import { Upstreams } from '../proxy/upstreams.ts';
import { BatchPerformer } from './batch-performer.ts';
import { BatchRequest } from './batch-request.ts';
import { callResultOf } from './call-result.ts';
import type { Ledger } from './ledger.ts';
import type { RowError, RowReply } from './output-line.ts';
import type { ExchangeEnd } from './row-exchange.ts';
import { rowFailure } from './row-failure.ts';
import type { BatchSettings } from './settings.ts';

export interface BatchRunInit {
  readonly settings: BatchSettings;
  readonly entries: readonly PolicyEntry[];
  readonly ledger: Ledger;
  /** Root of the policies' streams. */
  readonly seed: string;
}

/** How far it is. */
export interface BatchProgress {
  readonly completed: number;
  readonly failed: number;
  readonly total: number;
  readonly running: number;
  /** Calls that request admission allows at once now. */
  readonly limit: number;
  readonly calls: number;
}

/** Of the one endpoint that request admission knows. */
const PROVIDER = 'batch';
const MODEL = 'default';
const ENDPOINT = { provider: PROVIDER, model: MODEL, domain: 'chat' } as const;
/** Rows on their way to the disk, in characters; beyond it no call is begun. */
const PENDING_MAX = 32 << 20;
const DISK_LOOK_US = 20_000;

export class BatchRun {
  readonly #init: BatchRunInit;
  readonly #core: DatasetCore;
  readonly #policies: ReturnType<typeof makeBatchPolicies>;
  readonly #host: GatewayHost<BatchRequest>;
  readonly #performer: BatchPerformer;
  readonly #upstreams = new Upstreams();
  /** Rows to do, by their order in the plan. */
  readonly #rows: Uint32Array;
  readonly #rowGroup: number;
  readonly #wake: Deadline;
  readonly #diskLook: Deadline;
  readonly #stopTimeout: Deadline;
  /** By call, its request. */
  readonly #sent = new Map<Call, BatchRequest>();
  /** Not begun: the disk is behind, or the run is to stop. */
  readonly #waiting = new Set<Call>();
  /** By row: what its last call brought. */
  readonly #last = new Map<number, ExchangeEnd>();
  #requests = 0;
  #isStopping = false;
  #over: ((reason: DoneReason) => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;

  constructor(init: BatchRunInit) {
    this.#init = init;
    const { settings, entries, ledger, seed } = init;
    const { config } = settings;
    this.#rows = ledger.toDo();
    this.#rowGroup = config.row_group;
    this.#policies = makeBatchPolicies(config.policies, (name) => stream(seed, name), entries);
    const shutdown =
      config.shutdown && { errorRatio: config.shutdown.error_ratio, window: config.shutdown.window };
    const dataset = { ...DATASET_SETTINGS.spillway, rowGroupsMax: config.row_groups_max, shutdown };
    this.#core = new DatasetCore(planOf(this.#rows.length, config), dataset, this.#policies);
    this.#performer = new BatchPerformer({
      upstreams: this.#upstreams,
      key: settings.upstreamKey,
      replyBytesMax: config.reply,
      finished: (request, reason, cause, end) => this.#finished(request, reason, cause, end),
    });
    const policySettings = { config: config.policies, written: {}, retrySent: true };
    const machine = new GatewayMachine<BatchRequest>({ settings: policySettings, seed, entries });
    const onFatal = (error: unknown): void => this.#fail?.(error);
    this.#host = new GatewayHost(machine, new LiveClock(), this.#performer, onFatal);
    this.#performer.serve(this.#host);
    this.#wake = this.#host.agenda.deadline(() => this.#turn());
    this.#diskLook = this.#host.agenda.deadline(() => this.#callWaiting());
    this.#stopTimeout = this.#host.agenda.deadline(() => this.#stop());
    ledger.onFailure = () => this.#host.run(() => this.#stop());
  }

  /** Resolves when nothing runs any more, with why. Rejects when an invariant broke or the input changed. */
  async run(): Promise<DoneReason> {
    try {
      return await new Promise<DoneReason>((resolve, reject) => {
        [this.#over, this.#fail] = [resolve, reject];
        this.#host.run(() => this.#begin());
      });
    } finally {
      this.#host.agenda.close();
      await this.#upstreams.destroy();
    }
  }

  /** Begins no call any more and lets those that run end, for a time; the second time it cuts them off. */
  interrupt(): void {
    this.#host.run(() => {
      if (this.#isStopping) {
        this.#stop();
        return;
      }
      this.#isStopping = true;
      const { stop_timeout: timeoutUs } = this.#init.settings.config;
      this.#host.agenda.set(this.#stopTimeout, this.#host.now() + timeoutUs);
      this.#stopWhenIdle();
    });
  }

  progress(): BatchProgress {
    const { completed, failed, size } = this.#init.ledger;
    const limit = this.#policies.admission.snapshot(this.#host.now(), ENDPOINT)?.limit ?? 0;
    return { completed, failed, total: size, running: this.#sent.size, limit, calls: this.#core.counts().calls };
  }

  /** What the cores and the wire still hold. */
  held(): Readonly<Record<string, number>> {
    const { gateway } = this.#host.machine;
    return { ...this.#core.held(), ...gateway.held(), wire: this.#performer.size, sent: this.#sent.size };
  }

  #begin(): void {
    const { settings } = this.#init;
    const { workers } = settings.config;
    const indexes = workers.map((_, index) => index);
    workers.forEach((url, index) => this.#upstreams.open(index, url, settings));
    this.#host.input({ kind: 'discovered', workers: indexes, names: workers });
    for (const worker of indexes) this.#host.input({ kind: 'status', worker, status: 'ready' });
    this.#core.begin(this.#host.now());
    this.#turn();
  }

  /** All that is due in the dataset core now. */
  #turn(): void {
    const core = this.#core;
    this.#perform();
    for (let now = this.#host.now(); core.nextWakeAt() <= now; now = this.#host.now()) {
      core.wake(now);
      this.#perform();
    }
    if (!core.done) this.#host.agenda.set(this.#wake, core.nextWakeAt());
  }

  #perform(): void {
    for (let effect = this.#core.take(); effect !== undefined; effect = this.#core.take()) this.#effect(effect);
  }

  #effect(effect: DatasetEffect): void {
    switch (effect.kind) {
      case 'call':
        this.#waiting.add(effect.call);
        this.#callWaiting();
        break;
      case 'cancel':
        this.#cancel(effect.call);
        break;
      case 'row':
        this.#rowOver(this.#rowOf(effect.group, effect.row), effect);
        break;
      case 'checkpoint':
        break;
      case 'done':
        this.#host.agenda.cancel(this.#wake);
        this.#over?.(effect.reason);
        break;
      case 'startTask':
        throw new Error('no row of a batch is prepared');
      default:
        effect satisfies never;
    }
  }

  #callWaiting(): void {
    if (this.#isStopping || this.#waiting.size === 0) return;
    if (this.#init.ledger.pendingChars > PENDING_MAX) {
      this.#host.agenda.set(this.#diskLook, this.#host.now() + DISK_LOOK_US);
      return;
    }
    for (const call of this.#waiting) {
      this.#waiting.delete(call);
      const row = this.#rowOf(call.task.group, call.task.row);
      const { ledger } = this.#init;
      const request = new BatchRequest(this.#requests++, call, row, ledger.idOf(row), ledger.read(row));
      this.#sent.set(call, request);
      this.#host.input({ kind: 'arrive', request });
    }
  }

  #cancel(call: Call | undefined): void {
    if (call === undefined) return;
    this.#waiting.delete(call);
    const request = this.#sent.get(call);
    if (request === undefined) return;
    this.#sent.delete(call);
    this.#host.input({ kind: 'abandon', request: request.id });
  }

  /** A call is over at the gateway. */
  #finished(request: BatchRequest, reason: FinishReason, cause: FinishCause, end: ExchangeEnd | undefined): void {
    if (!this.#sent.delete(request.call)) return;
    if (end === undefined) this.#last.delete(request.row);
    else this.#last.set(request.row, end);
    this.#core.end(this.#host.now(), request.call, callResultOf(reason, cause, end));
    this.#turn();
    this.#stopWhenIdle();
  }

  #rowOver(row: number, effect: Extract<DatasetEffect, { readonly kind: 'row' }>): void {
    const end = this.#last.get(row);
    this.#last.delete(row);
    const { ledger } = this.#init;
    if (effect.result === 'completed') {
      ledger.complete(row, end?.reply as RowReply);
    } else if (effect.rule !== 'stopped' && effect.rule !== 'shutdown') {
      const why: RowReply | RowError = end?.reply ?? rowFailure(end?.error, effect.reasons);
      ledger.fail(row, why);
    }
  }

  #stopWhenIdle(): void {
    if (this.#isStopping && this.#sent.size === 0) this.#stop();
  }

  #stop(): void {
    this.#isStopping = true;
    if (this.#core.done) return;
    this.#core.stop(this.#host.now());
    this.#turn();
  }

  #rowOf(group: number, row: number): number {
    return this.#rows[group * this.#rowGroup + row] as number;
  }
}

function planOf(rows: number, config: BatchSettings['config']): DatasetPlan {
  const { concurrency, row_group: size } = config;
  const identity = [PROVIDER, MODEL, ENDPOINT.domain];
  const generator = { kind: 'model', identity, weight: concurrency, columns: ['reply'] } as const;
  const groups = Math.ceil(rows / size);
  return {
    columns: [{ name: 'reply', dependsOn: [], generator, extent: 'cells', prepares: false }],
    rowGroups: Array.from({ length: groups }, (_, id) => ({ id, rows: Math.min(size, rows - id * size) })),
    endpoints: [{ provider: PROVIDER, model: MODEL, alias: MODEL, limit: concurrency }],
  };
}

/**
 * The dataset core in the world. It runs on a host CPU of its own, as a batch builder does; its calls are requests of
 * the gateway one network hop away, and their ends its inputs.
 */
import type { ReleaseOutcome } from '../../policies/admission/types.ts';
import type { TaskFailure } from '../../policies/types.ts';
import { DatasetCore } from '../dataset/dataset-core.ts';
import type { DatasetEventSink } from '../dataset/events.ts';
import type { Call, CallResult, DatasetEffect, DatasetPolicies, DropRule, FailureLink } from '../dataset/types.ts';
import type { Work } from '../gateway/counts.ts';
import { sampler } from '../kernel/distribution.ts';
import { NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import { Keyed } from '../kernel/rng.ts';
import type { RowFacts } from '../results/run-facts.ts';
import type { Arrival } from '../workload/arrival.ts';
import type { DatasetConfig } from './config.ts';
import { HostCpu, type HostWork } from './host-cpu.ts';
import { entryCode, type Journal } from './journal.ts';
import { CellOrigin, type SimRequest } from './messages.ts';
import type { Lateness } from './test-mode.ts';
import { EVENT, type EventKind, type Timeline } from './timeline.ts';

const NOTE = {
  begin: entryCode('dataset.begin'),
  end: entryCode('dataset.end'),
  wake: entryCode('dataset.wake'),
  call: entryCode('effect.call'),
  cancel: entryCode('effect.cancelCall'),
  row: entryCode('effect.row'),
  checkpoint: entryCode('effect.checkpoint'),
  done: entryCode('effect.done'),
} as const;

/** What the builder needs of the rest of the world. */
export interface BuilderPeers {
  /** The builder sends a request now. */
  send(arrival: Arrival, origin: CellOrigin): SimRequest;
  /** The builder gives a request up now and hears no more of it. */
  giveUp(request: SimRequest): void;
}

/** Who stops waiting holds the provider for slow. */
const NOT_WAITED_FOR: TaskFailure = { reason: 'timeout', cause: 'upstream', status: 0 };

/** Starts of a cell that count as progress at most, whatever its salvage policy says of its rounds. */
const STARTS_MAX = 16;

interface CallEnd {
  readonly call: Call;
  readonly result: CallResult;
  /** Id of its request. */
  readonly request: number;
}

export class BuilderSide implements HostWork {
  readonly cpu: HostCpu;
  readonly #config: DatasetConfig;
  readonly #core: DatasetCore;
  readonly #policies: DatasetPolicies;
  readonly #timeline: Timeline;
  readonly #journal: Journal;
  readonly #peers: BuilderPeers;
  readonly #keyed: Keyed;
  readonly #lengths: readonly { readonly promptTokens: () => number; readonly outputTokens: () => number }[];
  /** Rows of the groups before each group. */
  readonly #firstRows: readonly number[];
  readonly #sent = new Map<Call, SimRequest>();
  readonly #reasons: Record<string, number> = {};
  /**
   * When the dataset last came nearer to its end: a row ended, a call was answered, or a cell was called in one of the
   * starts that every cell has before its row is given up. Cells that only fail and are kept are no progress.
   */
  progressAt = 0;
  readonly #startsMax: number;
  readonly #wakeLateness: Lateness;
  #wakeEvent = NO_EVENT;
  #wakeAt = Infinity;

  constructor(
    config: DatasetConfig,
    seed: number,
    policies: DatasetPolicies,
    timeline: Timeline,
    journal: Journal,
    peers: BuilderPeers,
    wakeLateness: Lateness,
  ) {
    this.#config = config;
    this.#policies = policies;
    this.#core = new DatasetCore(config.plan, config.settings, policies, this.#stepSink(journal));
    this.#timeline = timeline;
    this.#journal = journal;
    this.#peers = peers;
    this.#wakeLateness = wakeLateness;
    this.#startsMax = Math.min(1 + policies.salvage.roundsMax, STARTS_MAX);
    this.cpu = new HostCpu(config.host, timeline, this);
    this.#keyed = new Keyed(seed, 'dataset/lengths');
    this.#lengths = config.lengths.map(({ promptTokens, outputTokens }) => ({
      promptTokens: sampler(promptTokens, this.#keyed.draw),
      outputTokens: sampler(outputTokens, this.#keyed.draw),
    }));
    let before = 0;
    this.#firstRows = config.plan.rowGroups.map(({ rows }) => (before += rows) - rows);
  }

  /** Tells the journal's listener of steps of tasks; undefined when there is none. */
  #stepSink({ taskStep }: Journal): DatasetEventSink | undefined {
    return taskStep && ((kind, at, task) => {
      if (task === undefined) return;
      const { columns, rowGroups } = this.#config.plan;
      const isWhole = task.row < 0;
      taskStep({
        at,
        kind,
        task: task.number,
        column: columns[task.column]?.name ?? '',
        row: this.#rowOf(task.group, Math.max(0, task.row)),
        rows: isWhole ? (rowGroups[task.group]?.rows ?? 1) : 1,
        failure: task.failures.at(-1)?.failure,
      });
    });
  }

  get done(): boolean {
    return this.#core.done;
  }

  begin(): void {
    const { rowGroups, columns } = this.#config.plan;
    this.#journal.note(NOTE.begin, 0, rowGroups.length, columns.length);
    this.#core.begin(0);
    this.drain();
  }

  handle(kind: EventKind, data: unknown): Readonly<Work> {
    const now = this.#timeline.now;
    if (kind === EVENT.callEnd) {
      const { call, result, request } = data as CallEnd;
      this.#journal.note(NOTE.end, now, call.id, result.failure?.status ?? 200, request);
      this.#core.end(now, call, result);
    } else {
      this.#journal.note(NOTE.wake, now, 0, 0);
      this.#core.wake(now);
    }
    return this.#core.work();
  }

  drain(): void {
    for (let effect = this.#core.take(); effect !== undefined; effect = this.#core.take()) this.#perform(effect);
    this.#wake(this.#timerAt());
  }

  overdueTimer(now: number): { readonly kind: EventKind; readonly at: number } | undefined {
    const at = this.#timerAt();
    return at < now ? { kind: EVENT.datasetWake, at } : undefined;
  }

  /** The wake event fired: the host runs the timer now, or finds it due when it is free. */
  woken(): void {
    this.#wakeAt = Infinity;
    this.#wakeEvent = NO_EVENT;
    this.cpu.timer(EVENT.datasetWake);
  }

  /**
   * A request of ours is over; the builder's host learns it at `at`, or now when its patience was over before the
   * gateway even had it.
   */
  finished(request: SimRequest, at: number, retryAfterUs: number): void {
    const { call } = request.origin as CellOrigin;
    if (!this.#sent.delete(call)) return;
    const failure = request.left ? NOT_WAITED_FOR : failureOf(request.record);
    if (failure === undefined) this.progressAt = this.#timeline.now;
    const outcome = failure === undefined ? 'success' : outcomeOf(failure);
    const end: CallEnd = { call, result: { failure, outcome, retryAfterUs }, request: request.id };
    this.#timeline.push(Math.max(at, this.#timeline.now), PHASE.io, EVENT.callEnd, end);
  }

  held(): Readonly<Record<string, number>> {
    return { ...this.#core.held(), inputs: this.cpu.waiting };
  }

  facts(): RowFacts {
    const counts = this.#core.counts();
    const { maxima, events } = this.#core.observed();
    return {
      total: this.#config.plan.rowGroups.reduce((sum, { rows }) => sum + rows, 0),
      completed: counts.rowsCompleted,
      dropped: counts.rowsDropped,
      deferredCount: counts.deferrals,
      preservedCount: counts.preservations,
      salvageRounds: counts.salvageRounds,
      tasksStarted: events['worker-spawned'],
      admissionTimeouts: this.#policies.admission.eventCounts()['wait-timeout'],
      waitersMax: maxima.requestWaiters,
      reasons: this.#reasons,
    };
  }

  checkInvariants(): void {
    this.#core.checkInvariants();
  }

  #perform(effect: DatasetEffect): void {
    const now = this.#timeline.now;
    switch (effect.kind) {
      case 'call':
        this.#journal.note(NOTE.call, now, effect.call.id, effect.call.task.number, this.#call(effect.call));
        break;
      case 'cancel':
        this.#journal.note(NOTE.cancel, now, effect.task.number, effect.call?.id ?? -1);
        this.#cancel(effect.call);
        break;
      case 'row': {
        const completed = effect.result === 'completed';
        const row = this.#rowOf(effect.group, effect.row);
        this.progressAt = now;
        if (!completed) this.#dropped(row, effect.reasons.at(-1), effect.rule ?? 'stopped');
        this.#journal.note(NOTE.row, now, row, completed ? 1 : 0);
        break;
      }
      case 'checkpoint':
        this.#journal.note(NOTE.checkpoint, now, effect.group, effect.kept);
        break;
      case 'done':
        this.#journal.note(NOTE.done, now, 0, 0);
        break;
      case 'startTask':
        throw new Error('no generator of a simulated dataset prepares its tasks');
      default:
        effect satisfies never;
    }
  }

  /** Answers the id of its request. */
  #call(call: Call): number {
    const { task } = call;
    if (task.starts <= this.#startsMax) this.progressAt = this.#timeline.now;
    const row = this.#rowOf(task.group, Math.max(0, task.row));
    const column = this.#config.plan.columns[task.column];
    const lengths = this.#lengths[task.column];
    if (column === undefined || lengths === undefined) throw new Error('a task of a column that is not planned');
    this.#keyed.at(row, task.column);
    const promptTokens = lengths.promptTokens();
    const outputTokens = lengths.outputTokens();
    const arrival: Arrival = {
      at: this.#timeline.now,
      promptTokens,
      outputTokens,
      maxOutputTokens: outputTokens,
      hashIds: [],
      hashBlockTokens: 0,
      tenant: 'dataset',
      priority: 0,
      routingKey: call.resource?.model ?? '',
      user: -1,
    };
    const request = this.#peers.send(arrival, new CellOrigin(call, row, column.name));
    this.#sent.set(call, request);
    return request.id;
  }

  #cancel(call: Call | undefined): void {
    const request = call === undefined ? undefined : this.#sent.get(call);
    if (call === undefined || request === undefined) return;
    this.#sent.delete(call);
    this.#peers.giveUp(request);
  }

  /** In the whole dataset. */
  #rowOf(group: number, row: number): number {
    return (this.#firstRows[group] ?? 0) + row;
  }

  #dropped(row: number, last: FailureLink | undefined, rule: DropRule): void {
    this.#journal.rowDropped(this.#timeline.now, row, rule, last?.failure);
    const reason = last === undefined ? rule : nameOf(last.failure);
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
  }

  /**
   * When the core is to be woken, in whole µs: a limit that ramps up may grow between two of them, and is seen to at
   * the later one. A host whose clock has a resolution has ticks of its own, and rounds up to those.
   */
  #timerAt(): number {
    const at = this.#core.nextWakeAt();
    return this.#config.host.resolutionUs > 0 ? at : Math.ceil(at);
  }

  #wake(at: number): void {
    if (at === this.#wakeAt) return;
    this.#wakeAt = at;
    this.#timeline.cancel(this.#wakeEvent);
    // Late by when it was due, however often it is set anew.
    const pushedAt = Math.max(at + (at === Infinity ? 0 : this.#wakeLateness.us()), this.#timeline.now);
    this.#wakeEvent =
      at === Infinity ? NO_EVENT : this.#timeline.push(pushedAt, PHASE.wake, EVENT.datasetWake, undefined);
  }
}

function nameOf({ reason, cause, status }: TaskFailure): string {
  return `${reason}/${cause}/${status}`;
}

/** Undefined when it was answered; an answer that came too late is none. */
function failureOf({ reason, cause, status }: TaskFailure): TaskFailure | undefined {
  if (reason === 'ok') return undefined;
  return cause === 'client' ? NOT_WAITED_FOR : { reason, cause, status };
}

function outcomeOf({ reason, cause, status }: TaskFailure): ReleaseOutcome {
  if (status === 429 || cause === 'rate-limited') return 'rate-limited';
  return reason === 'timeout' && status === 0 ? 'provider-timeout' : 'provider-failure';
}

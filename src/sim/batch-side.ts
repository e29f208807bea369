/** The dataset core in the world: its calls become requests of the gateway on the same host, their ends its inputs. */
import type { Salvage, TaskFailure } from '../../policies/types.ts';
import type { DatasetConfig } from '../dataset/config.ts';
import { Dataset, type DatasetEffect, type Task } from '../dataset/dataset.ts';
import type { Work } from '../gateway/counts.ts';
import { sampler } from '../kernel/distribution.ts';
import { NO_EVENT, PHASE } from '../kernel/event-queue.ts';
import { Keyed } from '../kernel/rng.ts';
import type { RowFacts } from '../results/run-facts.ts';
import type { Arrival } from '../workload/arrival.ts';
import { entryCode, type Journal } from './journal.ts';
import { SimRequest } from './messages.ts';
import { EVENT, type EventKind, type Timeline } from './timeline.ts';

const NOTE = {
  begin: entryCode('dataset.begin'),
  end: entryCode('dataset.end'),
  wake: entryCode('dataset.wake'),
  call: entryCode('effect.call'),
  row: entryCode('effect.row'),
  done: entryCode('effect.done'),
} as const;

interface TaskEnd {
  readonly task: Task;
  readonly failure: TaskFailure;
}

export class BatchSide {
  readonly #config: DatasetConfig;
  readonly #dataset: Dataset;
  readonly #timeline: Timeline;
  readonly #journal: Journal;
  readonly #nextId: () => number;
  readonly #keyed: Keyed;
  readonly #promptTokens: () => number;
  readonly #outputTokens: () => number;
  readonly #reasons: Record<string, number> = {};
  /**
   * When a cell was last called for the first time, or last answered: cells that only fail and are kept are no
   * progress.
   */
  progressAt = 0;
  #wakeEvent = NO_EVENT;
  #wakeAt = Infinity;

  constructor(
    config: DatasetConfig,
    seed: number,
    salvage: Salvage,
    timeline: Timeline,
    journal: Journal,
    nextId: () => number,
  ) {
    this.#config = config;
    this.#dataset = new Dataset(config, salvage);
    this.#timeline = timeline;
    this.#journal = journal;
    this.#nextId = nextId;
    this.#keyed = new Keyed(seed, 'dataset/lengths');
    this.#promptTokens = sampler(config.promptTokens, this.#keyed.draw);
    this.#outputTokens = sampler(config.outputTokens, this.#keyed.draw);
  }

  get done(): boolean {
    return this.#dataset.done;
  }

  begin(): void {
    this.#journal.note(NOTE.begin, 0, this.#config.rows, this.#config.columns.length);
    this.#dataset.begin(0);
    this.drain();
  }

  handle(kind: EventKind, data: unknown): Readonly<Work> {
    const now = this.#timeline.now;
    if (kind === EVENT.taskEnd) {
      const { task, failure } = data as TaskEnd;
      this.#journal.note(NOTE.end, now, task.row, task.column);
      this.#dataset.end(now, task, failure.reason === 'ok' ? undefined : failure);
    } else {
      this.#journal.note(NOTE.wake, now, 0, 0);
      this.#dataset.wake(now);
    }
    return this.#dataset.work();
  }

  drain(): void {
    for (let effect = this.#dataset.take(); effect !== undefined; effect = this.#dataset.take()) this.#perform(effect);
    this.#wake(this.#dataset.nextWakeAt());
  }

  nextWakeAt(): number {
    return this.#dataset.nextWakeAt();
  }

  /** The wake event fired; the host runs the timer. */
  woken(): void {
    this.#wakeAt = Infinity;
    this.#wakeEvent = NO_EVENT;
  }

  /** A call's request has finished: the task ends at this instant. */
  callEnded(task: Task, failure: TaskFailure): void {
    if (failure.reason === 'ok') this.progressAt = this.#timeline.now;
    this.#timeline.send(0, EVENT.taskEnd, { task, failure } satisfies TaskEnd);
  }

  held() {
    return this.#dataset.held();
  }

  facts(): RowFacts {
    const { counts } = this.#dataset;
    return {
      total: this.#config.rows,
      completed: counts.rowsCompleted,
      dropped: counts.rowsDropped,
      deferredCount: counts.deferrals,
      preservedCount: counts.preservations,
      salvageRounds: counts.salvageRounds,
      reasons: this.#reasons,
    };
  }

  checkInvariants(): void {
    this.#dataset.checkInvariants();
  }

  #perform(effect: DatasetEffect): void {
    const now = this.#timeline.now;
    switch (effect.kind) {
      case 'call':
        this.#journal.note(NOTE.call, now, effect.task.row, effect.task.column);
        this.#call(effect.task);
        break;
      case 'row': {
        this.#journal.note(NOTE.row, now, effect.row, effect.result === 'completed' ? 1 : 0);
        const last = effect.reasons[effect.reasons.length - 1];
        if (effect.result === 'dropped' && last !== undefined) this.#reasons[last] = (this.#reasons[last] ?? 0) + 1;
        break;
      }
      case 'done':
        this.#journal.note(NOTE.done, now, 0, 0);
        break;
      default:
        effect satisfies never;
    }
  }

  #call(task: Task): void {
    if (task.deferrals === 0) this.progressAt = this.#timeline.now;
    this.#keyed.at(task.row, task.column);
    const promptTokens = this.#promptTokens();
    const outputTokens = this.#outputTokens();
    const arrival: Arrival = {
      at: this.#timeline.now,
      promptTokens,
      outputTokens,
      maxOutputTokens: outputTokens,
      hashIds: [],
      hashBlockTokens: 0,
      tenant: 'dataset',
      priority: 0,
      routingKey: '',
      user: -1,
    };
    const request = new SimRequest(this.#nextId(), arrival, task, this.#config.columns[task.column]);
    this.#timeline.send(0, EVENT.arrive, request);
  }

  #wake(at: number): void {
    if (at === this.#wakeAt) return;
    this.#wakeAt = at;
    this.#timeline.cancel(this.#wakeEvent);
    this.#wakeEvent =
      at === Infinity
        ? NO_EVENT
        : this.#timeline.push(Math.max(at, this.#timeline.now), PHASE.wake, EVENT.datasetWake, undefined);
  }
}

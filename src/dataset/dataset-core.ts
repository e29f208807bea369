/**
 * The dataset core: rows × columns with dependencies → tasks → calls, sans-io. It composes the policies: the fair
 * task queue and task leases say what starts (backlog.ts), request admission and the retry policy what is called
 * (calls.ts), the salvage policy what becomes of failures (workers.ts, main-loop.ts), and row groups bound how much
 * is open (row-groups.ts).
 *
 * Intuition: a row is worth keeping until its own failure says otherwise. Regimes: with room everywhere it is a
 * pipeline; at an endpoint's places tasks wait in the task queue, where nothing expires; when an endpoint fails for a
 * while, its tasks gather in deferral and return in rounds. Limits: there is no adaptive admission of row groups, no
 * hook before or after a batch and no skip rule; order-dependent generators are not serialized.
 *
 * Methods in, records out. Inputs and timers only queue what they lead to; all work is done by continuations that are
 * due at once (`nextWakeAt() <= now`), one per `wake`, so that a host whose CPU is busy runs them late. agenda.ts has
 * their order and says what a host must do to keep it.
 *
 * Source: NVIDIA-NeMo/DataDesigner async_scheduler.py, pull 730; test/conformance replays its runs. We differ: what a
 * run that is shut down or stopped never opened is reported as dropped, and no lease outlives its task.
 */
import { assert } from '../kernel/assert.ts';
import type { Micros, TaskFailure } from '../../policies/types.ts';
import { Agenda, type Continuation } from './agenda.ts';
import { Backlog } from './backlog.ts';
import { Books, type DatasetHeld } from './books.ts';
import { Calls } from './calls.ts';
import { Deferrals } from './deferrals.ts';
import { ErrorWindow } from './error-window.ts';
import { DatasetEvents, type DatasetEventSink } from './events.ts';
import { MainLoop } from './main-loop.ts';
import { type DatasetWork, Observed } from './observed.ts';
import { Preservation } from './preservation.ts';
import { RowGroups } from './row-groups.ts';
import type { DatasetSettings } from './settings.ts';
import { TaskCell } from './task-cell.ts';
import type { TimedWait, WaitStep } from './timed-wait.ts';
import type { Call, CallResult, DatasetEffect, DatasetPlan, DatasetPolicies, DoneReason, Task } from './types.ts';
import { Workers } from './workers.ts';

export class DatasetCore {
  readonly #plan: DatasetPlan;
  readonly #policies: DatasetPolicies;
  readonly #events: DatasetEvents;
  readonly #observed: Observed;
  readonly #window: ErrorWindow;
  readonly #groups: RowGroups;
  readonly #calls: Calls;
  readonly #workers: Workers;
  readonly #loop: MainLoop;
  readonly #agenda: Agenda;
  readonly #books: Books;
  /** The opening of row groups has stopped for want of room. */
  #openingWaits = false;
  readonly #outbox: DatasetEffect[] = [];
  #taken = 0;
  #now: Micros = -Infinity;
  #state: 'new' | 'running' | 'done' = 'new';
  #lateInputs = 0;

  constructor(plan: DatasetPlan, settings: DatasetSettings, policies: DatasetPolicies, sink?: DatasetEventSink) {
    const { admission, retry, salvage } = policies;
    const generators = plan.columns.map(({ generator }) => generator);
    const scheduler = policies.tasks.schedule<TaskCell>(generators, admission);
    const emit = (effect: DatasetEffect) => void this.#outbox.push(effect);
    const events = new DatasetEvents(sink);
    const observed = new Observed(scheduler, admission);
    const deferrals = new Deferrals();
    const window = new ErrorWindow(settings.shutdown);
    const pushStep = (wait: TimedWait, step: WaitStep) => this.#agenda.push({ kind: 'wait', wait, step });
    const calls = new Calls(admission, retry, salvage, emit, pushStep);
    const rowGroups = () => this.#groups.openCount;
    const spawn = (task: TaskCell) => this.#spawn(task);
    const backlog = new Backlog({ scheduler, settings, events, observed, rowGroups, spawn });
    const { rowGroupsMax } = settings;
    const groups = new RowGroups({ plan, taskPlans: scheduler.plans, rowGroupsMax, backlog, deferrals, events, emit });
    const wakeLoop = () => this.#loop.wake();
    const shared = { plan, salvage, settings, admission, backlog, groups, calls, deferrals, window, events, observed };
    const workers = new Workers({ ...shared, emit, wakeLoop });
    const preservation = new Preservation(shared);
    [this.#plan, this.#policies, this.#events, this.#observed] = [plan, policies, events, observed];
    [this.#window, this.#groups, this.#calls, this.#workers] = [window, groups, calls, workers];
    this.#loop = new MainLoop({
      ...{ backlog, deferrals, groups, workers, window, preservation, roundsMax: salvage.roundsMax },
      checkpoint: (now) => this.#checkpoint(now),
      resumeSoon: () => this.#agenda.push({ kind: 'loop' }),
      over: (now, reason) => this.#over(now, reason),
    });
    this.#agenda = new Agenda({
      calls,
      pausedUntil: () => this.#loop.pausedUntil,
      endPause: () => this.#loop.endPause(),
      perform: (now, continuation) => this.#perform(now, continuation),
    });
    this.#books = new Books({ plan, backlog, groups, calls, workers, deferrals, preservation, loop: this.#loop });
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  begin(now: Micros): void {
    this.#enter(now);
    assert(this.#state === 'new', 'a dataset began twice');
    this.#state = 'running';
    for (const { provider, model, alias, limit } of this.#plan.endpoints) {
      this.#policies.admission.register(now, provider, model, alias, limit);
    }
    this.#events.emit('scheduler-job-started', now);
    this.#events.emit('scheduler-health-snapshot', now);
    this.#agenda.hear(now, { kind: 'loop' });
    this.#agenda.hear(now, { kind: 'open-row-groups' });
  }

  /** The host has prepared a started task: it asks for admission. Ignored for one that was cancelled. */
  ready(now: Micros, task: Task): void {
    this.#enter(now);
    assert(task instanceof TaskCell, 'a task is ready that the core made');
    if (task.state === 'preparing') this.#agenda.hear(now, { kind: 'ask', task });
    else this.#late(task.state === 'cancelled', 'a task is ready once for each start');
  }

  /** A call ended. Ignored for one that was cancelled. */
  end(now: Micros, call: Call, result: CallResult): void {
    this.#enter(now);
    const { task } = call;
    assert(task instanceof TaskCell, 'a call ends that the core made');
    if (task.call === call) this.#agenda.hear(now, { kind: 'ended', call, result });
    else this.#late(task.state === 'cancelled', 'a call ends once');
  }

  /** Ends the run: calls are cancelled, complete rows kept, all others dropped. */
  stop(now: Micros): void {
    this.#enter(now);
    if (this.#state === 'running') this.#over(now, 'stopped');
  }

  /** One thing that is due; nothing when nothing is. */
  wake(now: Micros): void {
    this.#enter(now);
    if (this.#state === 'running') this.#agenda.wake(now);
  }

  take(): DatasetEffect | undefined {
    if (this.#taken < this.#outbox.length) return this.#outbox[this.#taken++];
    this.#outbox.length = 0;
    this.#taken = 0;
    return undefined;
  }

  /** When what comes next was due, which may be long before now on a busy host. Infinity when idle. */
  nextWakeAt(): Micros {
    return this.#state === 'running' ? this.#agenda.nextAt() : Infinity;
  }

  held(): DatasetHeld {
    return this.#books.held();
  }

  /** What the last input did, for the host CPU model. */
  work(): Readonly<DatasetWork> {
    return this.#observed.work;
  }

  counts() {
    return { ...this.#books.totals(), lateInputs: this.#lateInputs };
  }

  /** Most seen at once, counts of steps, and ends of tasks that call a model, by kind. */
  observed() {
    const [maxima, outcomes] = [this.#observed.maxima(), this.#workers.outcomes()];
    return { maxima, events: this.#events.counts(), outcomes };
  }

  checkInvariants(): void {
    this.#books.check(this.#state === 'done');
  }

  #enter(now: Micros): void {
    assert(now >= this.#now, 'now went backwards at the dataset');
    assert(this.#outbox.length === 0, 'the dataset was entered before its effects were taken');
    this.#now = now;
    this.#observed.restart();
  }

  #late(expected: boolean, message: string): void {
    assert(expected, message);
    this.#lateInputs++;
  }

  #spawn(task: TaskCell): void {
    this.#workers.spawned(task);
    this.#agenda.push({ kind: 'start', task });
  }

  #perform(now: Micros, next: Continuation): void {
    switch (next.kind) {
      case 'loop':
        this.#loop.run(now);
        return;
      case 'open-row-groups':
        this.#openRowGroups(now);
        return;
      case 'start':
        if (this.#workers.start(now, next.task)) this.#agenda.askNext(next.task);
        return;
      case 'ask':
        this.#unadmitted(now, next.task, this.#calls.ask(now, next.task));
        return;
      case 'wait':
        this.#unadmitted(now, next.wait.task, this.#calls.step(next.wait, next.step));
        return;
      case 'ended':
        this.#ended(now, next.call, next.result);
        return;
      default:
        next satisfies never;
    }
  }

  #unadmitted(now: Micros, task: TaskCell, failure: TaskFailure | undefined): void {
    if (failure !== undefined) this.#workers.fail(now, task, failure);
  }

  #ended(now: Micros, call: Call, result: CallResult): void {
    const task = call.task as TaskCell;
    if (this.#calls.end(now, call, task, result)) return;
    if (result.failure === undefined) this.#workers.succeed(now, task);
    else this.#workers.fail(now, task, result.failure);
  }

  #openRowGroups(now: Micros): void {
    if (this.#window.tripped) return;
    const opened = this.#groups.openNext(now);
    this.#openingWaits = !this.#groups.allOpened;
    if (opened || !this.#openingWaits) this.#loop.wake();
  }

  #checkpoint(now: Micros): void {
    if (this.#groups.checkpoint(now) === 0 || !this.#openingWaits) return;
    this.#openingWaits = false;
    this.#agenda.push({ kind: 'open-row-groups' });
  }

  #over(now: Micros, reason: DoneReason): void {
    this.#workers.cancelAll(now);
    this.#groups.abandon(now, reason === 'early-shutdown' ? 'shutdown' : 'stopped');
    this.#agenda.clear();
    this.#state = 'done';
    this.#events.emit('scheduler-health-snapshot', now);
    this.#events.emit('scheduler-job-completed', now);
    this.#outbox.push({ kind: 'done', reason });
  }
}

/**
 * A world of one worker: commands at given instants and phases, the worker's own event armed as `sim/worker-side.ts`
 * arms it (key 1, behind everything else of its phase). It logs every answer and event, and the instant of every token
 * that a step-by-step run shows. A view that was final must never change again.
 */
import { EventQueue, NO_EVENT, PHASE, type Phase } from '../../src/kernel/event-queue.ts';
import type { JobInit, JobView, Side, SimWorker, TokenObserver } from '../../src/worker/worker.ts';

/** Far more than any script here needs. */
const ADVANCES_MAX = 100_000;

export type WorkerCommand =
  | { readonly kind: 'submit'; readonly at: number; readonly phase: Phase; readonly job: JobInit<number> }
  | { readonly kind: 'cancel'; readonly at: number; readonly phase: Phase; readonly owner: number }
  | { readonly kind: 'slow'; readonly at: number; readonly factor: number }
  | { readonly kind: 'crash'; readonly at: number }
  /** Until it resumes, submissions and cancellations are held back; a crash ends it. */
  | { readonly kind: 'pause'; readonly at: number; readonly forUs: number }
  /** One half of a worker that has two is gone until it is restored. */
  | { readonly kind: 'half'; readonly at: number; readonly side: Side; readonly forUs: number }
  | { readonly kind: 'link'; readonly at: number; readonly factor: number }
  | { readonly kind: 'read'; readonly at: number };

interface Restore {
  readonly kind: 'restore';
  readonly side: Side;
}

interface Resume {
  readonly kind: 'resume';
  readonly pause: WorkerCommand;
}

/** Counts the gaps that a worker reports. */
export class GapCounter implements TokenObserver {
  readonly jobs = new Map<number, number>();

  tokenGaps(gapUs: number, jobs: number): void {
    this.jobs.set(gapUs, (this.jobs.get(gapUs) ?? 0) + jobs);
  }

  sorted(): [number, number][] {
    return [...this.jobs].sort((a, b) => a[0] - b[0]);
  }
}

export class WorkerDriver {
  readonly worker: SimWorker<number>;
  /** [kind, instant, owner or status, …] of all that was answered, in order. */
  readonly log: unknown[][] = [];
  /** Instants of each owner's tokens, as seen after each call; whole only when every pass is an event. */
  readonly tokens = new Map<number, number[]>();
  now = 0;
  /** Events of the worker itself. */
  advances = 0;
  /** Times a command moved the end of a planned stretch to an earlier instant. */
  cuts = 0;
  readonly #queue = new EventQueue<WorkerCommand | Resume | Restore | undefined>();
  readonly #pauses = new Set<WorkerCommand>();
  readonly #heldBack: WorkerCommand[] = [];
  readonly #views = new Map<number, JobView<number>>();
  readonly #final = new Map<JobView<number>, string>();
  #event = NO_EVENT;

  constructor(worker: SimWorker<number>) {
    this.worker = worker;
  }

  plan(...commands: readonly WorkerCommand[]): this {
    for (const command of commands) this.#queue.push(command.at, phaseOf(command), 0, 0, command);
    return this;
  }

  /** Handles everything pending, or everything up to `until`. */
  run(until = Infinity): this {
    while (this.#queue.peekAt() <= until && this.#queue.pop()) {
      this.now = this.#queue.at;
      const command = this.#queue.data;
      const endAt = this.worker.nextPhase() === PHASE.io ? this.worker.nextAt() : -1;
      if (command === undefined) this.#advance();
      else this.#perform(command);
      this.#settle();
      if (command !== undefined && endAt !== Infinity && this.worker.nextAt() < endAt) this.cuts++;
      this.worker.checkInvariants();
    }
    for (const [view, shown] of this.#final) {
      if (shownBy(view) !== shown) throw new Error(`a final view changed from ${shown} to ${shownBy(view)}`);
    }
    return this;
  }

  #advance(): void {
    this.#event = NO_EVENT;
    if (++this.advances > ADVANCES_MAX) throw new Error('the worker never comes to rest');
    this.worker.advance(this.now);
  }

  #perform(command: WorkerCommand | Resume | Restore): void {
    const { worker, now } = this;
    if (this.#pauses.size > 0 && (command.kind === 'submit' || command.kind === 'cancel')) {
      this.#heldBack.push(command);
      return;
    }
    switch (command.kind) {
      case 'submit':
        this.log.push(['submit', now, command.job.owner, worker.submit(now, command.job)]);
        break;
      case 'cancel': {
        const view = worker.cancel(now, command.owner);
        this.#settle();
        this.log.push(['cancel', now, command.owner, this.#ended(view)]);
        break;
      }
      case 'slow':
        worker.slowDown(now, command.factor);
        break;
      case 'crash':
        for (const view of worker.crash(now)) this.log.push(['crash', now, view.init.owner, this.#ended(view)]);
        this.#pauses.clear();
        for (const held of this.#heldBack.splice(0)) this.#perform(held);
        break;
      case 'pause':
        if (this.#pauses.size === 0) worker.pause(now);
        this.#pauses.add(command);
        this.#queue.push(now + command.forUs, PHASE.fault, 0, 0, { kind: 'resume', pause: command });
        break;
      case 'resume':
        if (!this.#pauses.delete(command.pause) || this.#pauses.size > 0) break;
        worker.resume(now);
        for (const held of this.#heldBack.splice(0)) this.#perform(held);
        break;
      case 'half':
        worker.halves?.lose(now, command.side);
        this.#queue.push(now + command.forUs, PHASE.fault, 0, 0, { kind: 'restore', side: command.side });
        break;
      case 'restore':
        worker.halves?.restore(now, command.side);
        break;
      case 'link':
        worker.halves?.throttle(now, command.factor);
        break;
      case 'read':
        worker.catchUp(now);
        this.log.push(['read', now, { ...worker.gauges(), ...worker.held(), ...worker.totals }]);
        break;
      default:
        command satisfies never;
    }
  }

  /** Takes the worker's events and re-arms its own, as the world does after each call. */
  #settle(): void {
    for (let event = this.worker.take(); event !== undefined; event = this.worker.take()) {
      const { owner } = event.job.init;
      this.#views.set(owner, event.job);
      if (event.kind === 'finished') checkComputed(event.job);
      const ended = event.kind === 'first-token' ? [] : [this.#ended(event.job)];
      this.log.push([event.kind, this.now, owner, ...ended, ...(event.kind === 'failed' ? [event.status] : [])]);
    }
    for (const [owner, view] of this.#views) {
      const seen = this.tokens.get(owner) ?? [];
      this.tokens.set(owner, seen);
      while (seen.length < view.generated) seen.push(this.now);
    }
    this.#queue.cancel(this.#event);
    const at = this.worker.nextAt();
    this.#event = at === Infinity ? NO_EVENT : this.#queue.push(at, this.worker.nextPhase(), 1, 0, undefined);
  }

  #ended(view: JobView<number> | undefined): string | undefined {
    if (view === undefined) return undefined;
    this.#views.set(view.init.owner, view);
    this.#final.set(view, shownBy(view));
    return shownBy(view);
  }
}

/** Every token was computed once or found, and the rest was counted as computed again. */
function checkComputed(view: JobView<number>): void {
  const once = view.cachedTokens + view.computedTokens - view.recomputedTokens;
  const known = view.init.promptTokens + Math.max(0, view.generated - 1);
  if (once !== known) throw new Error(`a finished job of ${known} tokens computed or found ${once}: ${shownBy(view)}`);
}

function phaseOf(command: WorkerCommand): Phase {
  switch (command.kind) {
    case 'submit':
    case 'cancel':
      return command.phase;
    case 'slow':
    case 'crash':
    case 'pause':
    case 'half':
    case 'link':
      return PHASE.fault;
    case 'read':
      return PHASE.io;
    default:
      return command satisfies never;
  }
}

function shownBy(view: JobView<number>): string {
  const { generated, computedTokens, recomputedTokens, cachedTokens, tokenHash } = view;
  return JSON.stringify({ generated, computedTokens, recomputedTokens, cachedTokens, tokenHash });
}

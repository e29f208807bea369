/**
 * The scheduler's main loop: dispatch what is ready, checkpoint what is complete, salvage what is stalled, then wait
 * for a task to end, one to become ready, or a row group to be opened. It is a state machine of steps that run until
 * one of them waits; where upstream awaits, a step suspends and the core resumes it.
 *
 * Salvage: a row group is stalled when it has deferred tasks and none in flight. Its deferred tasks are tried again
 * in up to `roundsMax` rounds, and each round is a barrier for everyone: it ends when nothing is queued and nothing
 * is in flight anywhere. What still fails is kept for another cycle or its row is dropped, by the last failure;
 * between cycles the loop pauses, until something wakes it or the shortest cool-down of those kept is over.
 *
 * Regimes: without failures it is dispatch and wait. With `dispatchYield`, started tasks ask for admission before the
 * next decision. Limits: a barrier makes one slow call of another group delay all salvage; pauses end early when a
 * row group is opened. Early shutdown salvages once more, drops what is not complete, and ends; while tasks are kept
 * it goes on salvaging, so a budget (`preserveForUs`, `preserveStarts`) is what ends such a run.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (_main_dispatch_loop, _salvage_rounds, _drain_frontier).
 */
import { assert } from '../kernel/assert.ts';
import type { Micros } from '../../policies/types.ts';
import type { Backlog, PassOutcome } from './backlog.ts';
import type { Deferrals } from './deferrals.ts';
import type { ErrorWindow } from './error-window.ts';
import type { Preservation } from './preservation.ts';
import type { RowGroups } from './row-groups.ts';
import type { DoneReason } from './types.ts';
import type { Workers } from './workers.ts';

export interface LoopParts {
  readonly backlog: Backlog;
  readonly deferrals: Deferrals;
  readonly roundsMax: number;
  readonly groups: RowGroups;
  readonly workers: Workers;
  readonly window: ErrorWindow;
  readonly preservation: Preservation;
  readonly checkpoint: (now: Micros) => void;
  /** Resumes the loop at this instant, after what is due before it. */
  readonly resumeSoon: () => void;
  readonly over: (now: Micros, reason: DoneReason) => void;
}

type Step =
  | 'top'
  | 'after-pass'
  | 'round'
  | 'drain'
  | 'after-drain'
  | 'after-cycle'
  | 'shutdown'
  | 'wait'
  | 'suspended'
  | 'over';

export class MainLoop {
  readonly #parts: LoopParts;
  /** Where it goes on. */
  #next: Step = 'top';
  #waits: 'for-wake' | 'paused' | 'soon' | 'no' = 'no';
  /** Something happened since it was last cleared. */
  #woken = false;
  #pausedUntil: Micros = Infinity;
  #pass: PassOutcome = { dispatched: false, blocked: false };
  #round = 0;
  #afterCycle: Step = 'after-cycle';
  #cycles = 0;
  #rounds = 0;
  #pauses = 0;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  get counts(): { readonly cycles: number; readonly rounds: number; readonly pauses: number } {
    return { cycles: this.#cycles, rounds: this.#rounds, pauses: this.#pauses };
  }

  /** End of its pause; Infinity when it does not pause. */
  get pausedUntil(): Micros {
    return this.#pausedUntil;
  }

  wake(): void {
    this.#woken = true;
    if (this.#waits !== 'for-wake' && this.#waits !== 'paused') return;
    this.#pausedUntil = Infinity;
    this.#soon();
  }

  /** Its pause is over. */
  endPause(): void {
    this.#pausedUntil = Infinity;
    this.#soon();
  }

  /** Runs until it waits or is over. */
  run(now: Micros): void {
    this.#waits = 'no';
    this.#pausedUntil = Infinity;
    let step = this.#next;
    while (step !== 'suspended' && step !== 'over') step = this.#perform(step, now);
  }

  #perform(step: Step, now: Micros): Step {
    switch (step) {
      case 'top':
        return this.#top(now);
      case 'after-pass':
        this.#parts.checkpoint(now);
        return this.#salvage('after-cycle');
      case 'round':
        return this.#beginRound(now);
      case 'drain':
        this.#pass = this.#parts.backlog.pass(now);
        return this.#yield('after-drain');
      case 'after-drain':
        return this.#drained(now);
      case 'after-cycle':
        return this.#decide(now);
      case 'shutdown':
        this.#parts.checkpoint(now);
        return this.#keeps ? this.#pause(now) : this.#end(now, 'early-shutdown');
      case 'wait':
        return this.#woken ? 'top' : this.#suspend('top');
      case 'suspended':
      case 'over':
        return step;
      default:
        return step satisfies never;
    }
  }

  #top(now: Micros): Step {
    if (this.#parts.window.tripped) return this.#salvage('shutdown');
    this.#woken = false;
    this.#pass = this.#parts.backlog.pass(now);
    return this.#yield('after-pass');
  }

  /** Started tasks go first, if so configured. */
  #yield(next: Step): Step {
    if (!this.#pass.dispatched || !this.#parts.backlog.yields) return next;
    this.#next = next;
    this.#soon();
    return 'suspended';
  }

  /** A cycle when a group is stalled; `after` follows in any case. */
  #salvage(after: Step): Step {
    const { deferrals, groups } = this.#parts;
    if (!deferrals.beginCycle((group) => groups.find(group)?.inFlight === 0)) return after;
    this.#cycles++;
    this.#round = 0;
    this.#afterCycle = after;
    return 'round';
  }

  #beginRound(now: Micros): Step {
    const { deferrals, roundsMax, preservation, checkpoint } = this.#parts;
    if (this.#round < roundsMax && deferrals.pending > 0) {
      this.#round++;
      this.#rounds++;
      preservation.requeue(now);
      return 'drain';
    }
    preservation.judge(now);
    checkpoint(now);
    return this.#afterCycle;
  }

  #drained(now: Micros): Step {
    const { backlog, workers, checkpoint } = this.#parts;
    if (workers.inFlight === 0) {
      if (backlog.queued === 0) {
        checkpoint(now);
        return 'round';
      }
      assert(this.#pass.dispatched, 'a queued task that nothing holds back is admissible');
      return 'drain';
    }
    this.#woken = false;
    return this.#suspend('drain');
  }

  #decide(now: Micros): Step {
    const { backlog, workers, groups } = this.#parts;
    if (this.#keeps) return this.#pause(now);
    if (groups.allOpened && workers.inFlight === 0) {
      if (groups.openCount === 0) return this.#end(now, 'finished');
      if (backlog.queued === 0) return this.#end(now, 'unfinished');
    }
    if (backlog.queued > 0 && !this.#pass.blocked) return 'top';
    const stuck = backlog.queued > 0 && !this.#pass.dispatched && workers.inFlight === 0;
    assert(!stuck, 'a queued task that nothing holds back is admissible');
    return 'wait';
  }

  /** After salvage, with nothing in flight, only tasks that are kept are still deferred. */
  get #keeps(): boolean {
    return this.#parts.deferrals.size > 0 && this.#parts.workers.inFlight === 0;
  }

  #pause(now: Micros): Step {
    this.#pauses++;
    this.#woken = false;
    this.#next = 'top';
    this.#waits = 'paused';
    this.#pausedUntil = now + this.#parts.preservation.pauseUs(now);
    return 'suspended';
  }

  #suspend(next: Step): Step {
    this.#next = next;
    this.#waits = 'for-wake';
    return 'suspended';
  }

  #soon(): void {
    this.#waits = 'soon';
    this.#parts.resumeSoon();
  }

  #end(now: Micros, reason: DoneReason): Step {
    this.#parts.over(now, reason);
    this.#next = 'over';
    return 'over';
  }
}

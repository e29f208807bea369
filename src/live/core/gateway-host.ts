/**
 * The host of a live gateway core. Sockets and timers enter through `run`, one event at a time: an event makes inputs,
 * each input's effects are performed at once, and what they cause in the same instant waits its turn behind the event.
 * So nothing enters the core from inside its effects, and equal sequences of events give equal sequences of effects.
 *
 * There is one timer, of the agenda; the core's next wake is one of its deadlines.
 */
import type { FinishCause, FinishReason, Micros } from '../../../policies/types.ts';
import { drain, type Host } from '../../gateway/host.ts';
import type { Attempt, GatewayRequest, RequestInit } from '../../gateway/request.ts';
import { assert } from '../../kernel/assert.ts';
import { Agenda, type Deadline } from '../agenda.ts';
import type { Clock } from '../clock.ts';
import type { GatewayMachine } from './gateway-machine.ts';
import type { GatewayInput } from './input.ts';

/** Performs what the core wants done. None of the three may throw. */
export interface Performer<Init extends RequestInit> {
  start(attempt: Attempt<Init>): void;
  cancel(attempt: Attempt<Init>): void;
  finish(request: GatewayRequest<Init>, reason: FinishReason, cause: FinishCause): void;
}

/** Hears every input before it is applied and every effect before it is performed. */
export interface Recorder<Init extends RequestInit> {
  input(now: Micros, input: GatewayInput<Init>): void;
  start(attempt: Attempt<Init>): void;
  cancel(attempt: Attempt<Init>): void;
  finish(request: number, reason: FinishReason, cause: FinishCause): void;
  /** The effects of the input are all told. */
  settled(): void;
}

export class GatewayHost<Init extends RequestInit> {
  readonly machine: GatewayMachine<Init>;
  readonly agenda: Agenda;
  readonly #clock: Clock;
  readonly #performer: Performer<Init>;
  readonly #onFatal: (error: unknown) => void;
  readonly #wake: Deadline;
  readonly #host: Host<Init>;
  /** Journals, when one is kept. */
  recorder: Recorder<Init> | undefined;
  #jobs: (() => void)[] = [];
  #isRunning = false;
  /** When the event that runs began. */
  #now: Micros = 0;
  #isInside = false;
  #isBroken = false;

  /** `onFatal` hears of a broken invariant; nothing runs after it. */
  constructor(
    machine: GatewayMachine<Init>,
    clock: Clock,
    performer: Performer<Init>,
    onFatal: (error: unknown) => void,
  ) {
    this.machine = machine;
    this.#clock = clock;
    this.#performer = performer;
    this.#onFatal = onFatal;
    this.agenda = new Agenda(clock, (job) => this.run(job));
    this.#wake = this.agenda.deadline(() => this.input({ kind: 'wake' }));
    this.#host = this.#hostOf();
  }

  /** One instant for all of an event. */
  now(): Micros {
    return this.#isRunning ? this.#now : this.#clock.now();
  }

  /** Runs an event now, or after the one that runs. */
  run(job: () => void): void {
    if (this.#isBroken) return;
    if (this.#isRunning) {
      this.#jobs.push(job);
      return;
    }
    this.#isRunning = true;
    this.#now = this.#clock.now();
    try {
      job();
      for (let at = 0; at < this.#jobs.length && !this.#isBroken; at++) {
        this.#now = this.#clock.now();
        (this.#jobs[at] as () => void)();
      }
    } catch (error) {
      this.#isBroken = true;
      this.#onFatal(error);
    } finally {
      if (this.#jobs.length > 0) this.#jobs = [];
      this.#isRunning = false;
    }
  }

  /** Enters the core and performs its effects. From inside `run` only, never from a performer. */
  input(input: GatewayInput<Init>): void {
    assert(this.#isRunning && !this.#isInside, 'the core was entered from outside an event, or from an effect');
    const now = this.#now;
    this.#isInside = true;
    this.recorder?.input(now, input);
    this.machine.apply(now, input);
    drain(this.machine.gateway, this.#host);
    this.recorder?.settled();
    this.#isInside = false;
  }

  #hostOf(): Host<Init> {
    const performer = this.#performer;
    return {
      start: (attempt) => {
        this.recorder?.start(attempt);
        performer.start(attempt);
      },
      cancel: (attempt) => {
        this.recorder?.cancel(attempt);
        performer.cancel(attempt);
      },
      finish: (request, reason, cause) => {
        this.recorder?.finish(request.id, reason, cause);
        performer.finish(request, reason, cause);
      },
      wakeAt: (at) => this.agenda.set(this.#wake, at),
    };
  }
}

/** The faults a live engine has now, and what they do to it and to the next request. */
import type { Rng } from '../../kernel/rng.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import type { EngineFault, Traffic } from './engine-faults.ts';

/** How things reach the engine: those requests that it computes on, the others, reports, probes. */
export type Way = Traffic | 'completions';

/** What the board may do to the engine. */
export interface FaultPeers {
  /** All it runs is lost, and nobody reaches it. */
  goDown(isForGood: boolean): void;
  comeBack(): void;
  pause(): void;
  resume(): void;
  slowDown(factor: number): void;
  /** Traffic may pass that did not. */
  reopened(): void;
  /** Nobody waits for an answer. */
  isIdle(): boolean;
}

/** A reply that a fault makes instead of the engine. */
export interface FaultReply {
  readonly status: number;
  /** -1: none. */
  readonly retryAfterUs: number;
  readonly why: string;
}

interface Armed {
  readonly fault: EngineFault;
  readonly end: Deadline;
  /** Of a drain: the engine leaves at the latest then. */
  readonly bound: Deadline;
  /** The engine is down for it. */
  isDown: boolean;
}

export class FaultBoard {
  readonly #agenda: Agenda;
  readonly #now: () => number;
  readonly #draw: Rng;
  readonly #peers: FaultPeers;
  #armed: Armed[] = [];

  constructor(agenda: Agenda, now: () => number, draw: Rng, peers: FaultPeers) {
    this.#agenda = agenda;
    this.#now = now;
    this.#draw = draw;
    this.#peers = peers;
  }

  /** A fault of a kind replaces the one of that kind that is there. */
  arm(fault: EngineFault): void {
    this.#disarm(this.#armed.filter((each) => each.fault.kind === fault.kind));
    const armed: Armed = {
      fault,
      end: this.#agenda.deadline(() => this.#disarm([armed])),
      bound: this.#agenda.deadline(() => this.#goDown(armed)),
      isDown: false,
    };
    const lastsUs = durationOf(fault);
    if (lastsUs < Infinity) this.#agenda.set(armed.end, this.#now() + lastsUs);
    // What happened before leaves the engine first.
    this.#begin(armed);
    this.#armed.push(armed);
  }

  clear(): void {
    this.#disarm(this.#armed);
  }

  list(): readonly EngineFault[] {
    return this.#armed.map(({ fault }) => fault);
  }

  /** Whether what comes this way has to wait. */
  isShut(way: Way): boolean {
    return this.#armed.some(({ fault }) => {
      if (fault.kind === 'partition') return fault.loses.includes(way === 'completions' ? 'requests' : way);
      return fault.kind === 'hang' && (way === 'completions' || fault.scope === 'process');
    });
  }

  /** It takes nothing new. */
  get isDraining(): boolean {
    return this.#armed.some(({ fault, isDown }) => fault.kind === 'drain' && !isDown);
  }

  /** Nobody waits for an answer any more: an engine that drains leaves. */
  idle(): void {
    for (const armed of this.#armed) if (armed.fault.kind === 'drain' && !armed.isDown) this.#goDown(armed);
  }

  /** The failure that the next request meets, if one strikes. */
  reply(): FaultReply | undefined {
    if (this.isDraining) return { status: 503, retryAfterUs: -1, why: 'the engine drains' };
    for (const { fault } of this.#armed) {
      if (fault.kind !== 'errors' && fault.kind !== 'rate-limit') continue;
      if (!this.#strikes(fault.ratio)) continue;
      const retryAfterUs = fault.retryAfter === Infinity ? -1 : fault.retryAfter;
      if (fault.kind === 'errors') return { status: fault.status, retryAfterUs, why: 'a fault was armed' };
      return { status: 429, retryAfterUs, why: 'rate limit reached' };
    }
    return undefined;
  }

  /** Tokens after which the next request's connection is cut; Infinity: never. */
  cutAfter(): number {
    const cut = this.#armed.map(({ fault }) => fault).find((fault) => fault.kind === 'cut');
    return cut !== undefined && this.#strikes(cut.ratio) ? cut.after : Infinity;
  }

  /** Microseconds by which the next request reaches the engine later. */
  lateUs(): number {
    return this.#armed.map(({ fault }) => fault).find((fault) => fault.kind === 'late')?.by ?? 0;
  }

  /** Microseconds by which its clock is ahead; negative: behind. */
  skewUs(): number {
    const skew = this.#armed.map(({ fault }) => fault).find((fault) => fault.kind === 'skew');
    return (skew?.ahead ?? 0) - (skew?.behind ?? 0);
  }

  #strikes(ratio: number): boolean {
    return ratio >= 1 || (ratio > 0 && this.#draw() < ratio);
  }

  #begin(armed: Armed): void {
    const { fault } = armed;
    switch (fault.kind) {
      case 'crash':
      case 'restart':
        this.#goDown(armed);
        break;
      case 'hang':
        this.#peers.pause();
        break;
      case 'slow':
        this.#peers.slowDown(fault.factor);
        break;
      case 'drain':
        if (this.#peers.isIdle()) this.#goDown(armed);
        else this.#agenda.set(armed.bound, this.#now() + fault.bound);
        break;
      default:
    }
  }

  /** What comes up again is another process: it hangs no more. */
  #goDown(armed: Armed): void {
    armed.isDown = true;
    this.#agenda.cancel(armed.bound);
    this.#peers.goDown(durationOf(armed.fault) === Infinity);
    this.#disarm(this.#armed.filter(({ fault }) => fault.kind === 'hang'));
  }

  #disarm(armed: readonly Armed[]): void {
    this.#armed = this.#armed.filter((each) => !armed.includes(each));
    for (const { fault, end, bound, isDown } of armed) {
      this.#agenda.cancel(end);
      this.#agenda.cancel(bound);
      if (fault.kind === 'hang') this.#peers.resume();
      else if (fault.kind === 'slow') this.#peers.slowDown(1);
      else if (fault.kind === 'partition') this.#peers.reopened();
      if (isDown && !this.#armed.some((other) => other.isDown)) this.#peers.comeBack();
    }
  }
}

/** Microseconds from its beginning to its end; Infinity: it has none. */
function durationOf(fault: EngineFault): number {
  if (fault.kind === 'restart') return fault.load;
  return fault.kind === 'drain' ? fault.for + fault.load : fault.for;
}

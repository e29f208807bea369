/** The faults a live engine has now, and what they do to the next request. */
import type { Rng } from '../../kernel/rng.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import type { EngineFault } from './engine-faults.ts';

/** What the board may do to the engine. */
export interface FaultPeers {
  crash(isForGood: boolean): void;
  restart(): void;
  pause(): void;
  resume(): void;
  slowDown(factor: number): void;
}

/** A reply that a fault makes instead of the engine. */
export interface FaultReply {
  readonly status: number;
  /** -1: none. */
  readonly retryAfterUs: number;
}

interface Armed {
  readonly fault: EngineFault;
  readonly end: Deadline;
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
    const armed: Armed = { fault, end: this.#agenda.deadline(() => this.#disarm([armed])) };
    this.#armed.push(armed);
    if (fault.for < Infinity) this.#agenda.set(armed.end, this.#now() + fault.for);
    if (fault.kind === 'crash') this.#peers.crash(fault.for === Infinity);
    else if (fault.kind === 'hang') this.#peers.pause();
    else if (fault.kind === 'slow') this.#peers.slowDown(fault.factor);
  }

  clear(): void {
    this.#disarm(this.#armed);
  }

  list(): readonly EngineFault[] {
    return this.#armed.map(({ fault }) => fault);
  }

  /** Whether metrics and health answer, too. */
  get isProcessHung(): boolean {
    return this.#armed.some(({ fault }) => fault.kind === 'hang' && fault.scope === 'process');
  }

  /** The failure that the next request meets, if one strikes. */
  reply(): FaultReply | undefined {
    for (const { fault } of this.#armed) {
      if (fault.kind !== 'errors' && fault.kind !== 'rate-limit') continue;
      if (!this.#strikes(fault.ratio)) continue;
      const retryAfterUs = fault.retryAfter === Infinity ? -1 : fault.retryAfter;
      return { status: fault.kind === 'errors' ? fault.status : 429, retryAfterUs };
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

  #strikes(ratio: number): boolean {
    return ratio >= 1 || (ratio > 0 && this.#draw() < ratio);
  }

  #disarm(armed: readonly Armed[]): void {
    this.#armed = this.#armed.filter((each) => !armed.includes(each));
    for (const { fault, end } of armed) {
      this.#agenda.cancel(end);
      if (fault.kind === 'crash') this.#peers.restart();
      else if (fault.kind === 'hang') this.#peers.resume();
      else if (fault.kind === 'slow') this.#peers.slowDown(1);
    }
  }
}

/**
 * What the journal shows of each request, kept once for all invariants: plain facts, no judgement. An entry is shown to
 * the watchers before it is booked here.
 */
import type { TapEntry } from '../run-types.ts';

/** Instants in microseconds; -1: not yet. */
export interface RequestFacts {
  readonly id: number;
  readonly arrivedAt: number;
  readonly promptTokens: number;
  /** Attempts started. */
  readonly starts: number;
  /** The attempt that runs, or -1. */
  readonly attempt: number;
  /** When it was started, or the last one was. */
  readonly startedAt: number;
  /** When the last attempt ended or was cancelled. */
  readonly settledAt: number;
  /** A byte of a reply went to the client. */
  readonly answered: boolean;
  readonly finishedAt: number;
}

type Mutable = { -readonly [Key in keyof RequestFacts]: RequestFacts[Key] };

export class Ledger {
  readonly #requests = new Map<number, Mutable>();
  #unfinished = 0;

  /** Arrived at the gateway and not finished. */
  get unfinished(): number {
    return this.#unfinished;
  }

  find(request: number): RequestFacts | undefined {
    return this.#requests.get(request);
  }

  all(): Iterable<RequestFacts> {
    return this.#requests.values();
  }

  book({ at, kind, first, second, request: id }: TapEntry): void {
    if (id < 0) return;
    if (kind === 'gateway.arrive') {
      this.#arrive(id, at, second);
      return;
    }
    const request = this.#requests.get(id);
    if (request === undefined) return;
    switch (kind) {
      case 'effect.start':
        request.starts++;
        request.attempt = first;
        request.startedAt = at;
        break;
      case 'gateway.firstToken':
        if (request.attempt === first) request.answered = true;
        break;
      case 'gateway.end':
      case 'effect.cancel':
        if (request.attempt !== first) break;
        request.attempt = -1;
        request.settledAt = at;
        break;
      case 'effect.finish':
        if (request.finishedAt < 0) this.#unfinished--;
        request.finishedAt = at;
        break;
      default:
        break;
    }
  }

  #arrive(id: number, at: number, promptTokens: number): void {
    if (this.#requests.has(id)) return;
    this.#unfinished++;
    const times = { arrivedAt: at, startedAt: -1, settledAt: -1, finishedAt: -1 };
    this.#requests.set(id, { id, promptTokens, starts: 0, attempt: -1, answered: false, ...times });
  }
}
